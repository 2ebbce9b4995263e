package resure.run;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/**
 * Deletes the runs to which nothing was recorded for long. Each sweep looks at the newest entry of
 * every run, and deletes those whose entry is old enough, if nothing was recorded to them since
 * that look: a batch that comes meanwhile wins.
 *
 * <p>A clock that is wrong must not delete early. What counts as now is therefore at most the
 * newest time that an earlier sweep found recorded with any run, by whichever process, and what has
 * passed since then by this process's monotonic clock; so the first sweep of a process deletes
 * nothing. That relies on the times that are recorded: a process whose clock is ahead, and that
 * records batches with it, can make runs look older by as much.
 *
 * <p>One thread, which may block.
 */
final class IdleRuns {

  private static final int PAGE = 100;
  private static final Logger LOG = LoggerFactory.getLogger(IdleRuns.class);

  private final Journal journal;
  private final Duration after;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final Function<Request.Retire, CompletableFuture<Outcome<Boolean>>> offer;

  /** Asked between runs, after a pause; false ends the sweep. */
  private final BooleanSupplier goOn;

  /** The newest time that an earlier sweep found recorded, and when that was found. */
  private @Nullable Instant newest;

  private long foundNanos;

  IdleRuns(
      Journal journal,
      Duration after,
      InstantSource clock,
      LongSupplier nanoTime,
      Function<Request.Retire, CompletableFuture<Outcome<Boolean>>> offer,
      BooleanSupplier goOn) {
    this.journal = journal;
    this.after = after;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.offer = offer;
    this.goOn = goOn;
  }

  /** Looks at all runs once; gives how many were deleted. */
  int sweep() throws JournalException {
    long begun = nanoTime.getAsLong();
    Instant recorded = null;
    int deleted = 0;
    for (String tenant : journal.tenants()) {
      String last = null;
      List<RunKey> page;
      do {
        page = journal.list(tenant, last, PAGE);
        for (RunKey run : page) {
          last = run.id().name();
          if (!goOn.getAsBoolean()) {
            return deleted;
          }
          Head head = journal.head(run);
          Instant at = head == null ? null : recordedAt(run, head);
          if (head == null || at == null) {
            continue;
          }
          recorded = recorded == null || at.isAfter(recorded) ? at : recorded;
          if (isOld(at) && retire(run, head)) {
            deleted++;
          }
        }
      } while (page.size() == PAGE);
    }
    learn(recorded, begun);
    if (deleted > 0) {
      LOG.info("Deleted {} runs to which nothing was recorded for {}", deleted, after);
    }
    return deleted;
  }

  /** When the run's newest entry was recorded; null when it has another by now, or is damaged. */
  private @Nullable Instant recordedAt(RunKey run, Head head) throws JournalException {
    try {
      List<StoredEntry> read = journal.read(run, head.sequence(), 1);
      return read.isEmpty() || !read.getFirst().head().equals(head)
          ? null
          : read.getFirst().entry().at();
    } catch (CorruptJournalException e) {
      return null;
    }
  }

  /** Keeps whichever says that it is later now. */
  private void learn(@Nullable Instant recorded, long nanos) {
    Instant known = newest;
    if (recorded != null
        && (known == null || recorded.isAfter(known.plusNanos(nanos - foundNanos)))) {
      newest = recorded;
      foundNanos = nanos;
    }
  }

  private boolean isOld(Instant at) {
    Instant known = newest;
    if (known == null) {
      return false;
    }
    Instant atMost = known.plusNanos(nanoTime.getAsLong() - foundNanos);
    Instant now = clock.instant();
    return !at.plus(after).isAfter(now.isBefore(atMost) ? now : atMost);
  }

  private boolean retire(RunKey run, Head head) {
    boolean deleted =
        offer.apply(new Request.Retire(run, head)).join() instanceof Outcome.Done<Boolean> done
            && done.value();
    if (deleted) {
      LOG.debug("Deleted run {}", run.id().name());
    }
    return deleted;
  }
}
