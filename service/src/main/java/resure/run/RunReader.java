package resure.run;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.journal.CorruptJournalException;
import resure.journal.Exclusive;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/**
 * What workers find out of runs for a shard: everything that blocks on reading. Changes nothing,
 * and never fails: what it gives says why something is missing. Any thread.
 */
final class RunReader {

  private static final Logger LOG = LoggerFactory.getLogger(RunReader.class);

  private final Journal journal;
  private final Recoveries recoveries;
  private final LongSupplier nanoTime;
  private final RunListener listener;

  /** Gives a worker's recovery of a run; each worker has its own. */
  interface Recoveries {
    @Nullable Run recover(RunKey key) throws JournalException;
  }

  /**
   * What a worker has found out of a run.
   *
   * @param known sequences of the keys that were looked up
   * @param tail what follows the run as it is in memory; null when nothing can
   * @param wantedExclusive whether other processes were to be kept away
   * @param exclusive keeps them away; null if that was not wanted, or failed
   * @param asOf before anything was read
   */
  record CaughtUp(
      Slot slot,
      Run run,
      Map<Request.Score, Long> known,
      @Nullable List<StoredEntry> tail,
      boolean wantedExclusive,
      @Nullable Exclusive exclusive,
      long asOf,
      @Nullable JournalException failure) {}

  record Loaded(Slot slot, @Nullable Run run, long asOf, @Nullable JournalException failure) {}

  RunReader(Journal journal, Recoveries recoveries, LongSupplier nanoTime, RunListener listener) {
    this.journal = journal;
    this.recoveries = recoveries;
    this.nanoTime = nanoTime;
    this.listener = listener;
  }

  /** Reads a run from the journal. On a worker. */
  Loaded load(Slot slot, RunId id) {
    long start = nanoTime.getAsLong();
    try {
      Run run = recover(id);
      if (run != null) {
        listener.recovered(nanoTime.getAsLong() - start);
      }
      return new Loaded(slot, run, start, null);
    } catch (JournalException e) {
      return new Loaded(slot, null, start, e);
    } catch (RuntimeException e) {
      // What cannot be applied was written by a defect; without a result the run would wait for
      // ever.
      return new Loaded(
          slot, null, start, new CorruptJournalException("the run cannot be rebuilt", e));
    }
  }

  private @Nullable Run recover(RunId id) throws JournalException {
    RunKey tried = null;
    while (true) {
      RunKey key = journal.lookup(id);
      if (key == null) {
        return null;
      }
      if (key.equals(tried)) {
        // It is not gone, or its name would be.
        throw new CorruptJournalException("a run has a name and no entries");
      }
      tried = key;
      Run run = recoveries.recover(key);
      // One that was deleted while it was read may have been read in part.
      if (run != null && (!journal.shared() || journal.head(key) != null)) {
        return run;
      }
      if (run != null) {
        run.release();
      }
    }
  }

  /** Whether an older snapshot can say what the run becomes. */
  boolean canRewind(RunKey run, Rewinds rewinds, long nextStep) {
    try {
      return Trimming.canRewind(journal, run, rewinds, nextStep);
    } catch (JournalException e) {
      // Appending will tell.
      return true;
    }
  }

  /** On a worker, which asks the run for nothing but its key. */
  CaughtUp catchUp(Slot slot, Run run, Head head, List<Request.Score> unsure, boolean exclusively) {
    long asOf = nanoTime.getAsLong();
    Exclusive exclusive = null;
    JournalException failure;
    try {
      exclusive = exclusively ? Tail.exclusive(journal, run.key(), head) : null;
      List<StoredEntry> tail =
          exclusive == null
              ? Tail.after(journal, run.key(), head)
              : Tail.after(journal, run.key(), head, exclusive);
      Map<Request.Score, Long> known = new HashMap<>();
      for (Request.Score score : unsure) {
        known.put(score, journal.find(run.key(), Objects.requireNonNull(score.key)));
      }
      return new CaughtUp(slot, run, known, tail, exclusively, exclusive, asOf, null);
    } catch (JournalException e) {
      failure = e;
    } catch (RuntimeException e) {
      LOG.error("A run's journal could not be followed", e);
      failure = new CorruptJournalException("a defect", e);
    }
    if (exclusive != null) {
      exclusive.close();
    }
    return new CaughtUp(slot, run, Map.of(), null, exclusively, null, asOf, failure);
  }
}
