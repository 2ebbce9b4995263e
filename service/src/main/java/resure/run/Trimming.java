package resure.run;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.compute.Compute;
import resure.journal.CorruptJournalException;
import resure.journal.DocumentKind;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;

/**
 * Finds up to where the recorded losses of a run can be dropped: to the older of two snapshots
 * whose steps are all older than what is to be kept. Afterwards nothing says any more what that
 * snapshot says, so that both are read back, and the newer one must be, byte for byte, what the
 * entries between them make of the older one. Blocking; on a worker.
 */
final class Trimming {

  private static final Logger LOG = LoggerFactory.getLogger(Trimming.class);

  private final Journal journal;
  private final Recovery recovery;

  Trimming(Journal journal, Compute compute) {
    this.journal = journal;
    recovery = new Recovery(journal, compute);
  }

  /**
   * What is asked of a run, as it was at one moment.
   *
   * @param droppable the newest step that may be dropped
   */
  record Wanted(
      RunKey key,
      JournalEntry.Created created,
      long droppable,
      WholeFrom wholeFrom,
      Rewinds rewinds) {

    static Wanted of(Run run) {
      return new Wanted(
          run.key(), run.created(), run.droppable(), run.wholeFrom(), run.rewinds().copy());
    }
  }

  /**
   * Where a run can be cut.
   *
   * @param sequence that of the older snapshot: the first entry that stays
   * @param step its newest step
   * @param nextSequence that of the newer snapshot
   * @param nextStep its newest step
   */
  record Cut(long sequence, long step, long nextSequence, long nextStep) {

    /** Whether it can be made in a run as it is now. */
    boolean suits(Run run) {
      return nextStep <= run.droppable()
          && sequence >= run.wholeFrom().sequence()
          && !run.rewinds().removed(sequence, step)
          && !run.rewinds().removed(nextSequence, nextStep);
    }
  }

  /** Whether a trimmed run has a good snapshot that holds nothing of {@code nextStep} or later. */
  static boolean canRewind(Journal journal, RunKey run, Rewinds rewinds, long nextStep)
      throws JournalException {
    Snapshot snapshot = journal.snapshot(run, Long.MAX_VALUE);
    while (snapshot != null) {
      try {
        long newest = SnapshotFormat.decode(snapshot).newest();
        if (newest < nextStep && !rewinds.removed(snapshot.sequence(), newest)) {
          return true;
        }
      } catch (CorruptJournalException e) {
        LOG.warn("A snapshot of {} is damaged", run.incarnation(), e);
      }
      snapshot = journal.snapshot(run, snapshot.sequence() - 1);
    }
    return false;
  }

  /** The newest cut that can be made; null for none, now. */
  @Nullable Cut find(Wanted wanted) throws JournalException {
    if (wanted.droppable < 0
        || !journal.documents(wanted.key, DocumentKind.REPLAY_RUNNING).isEmpty()) {
      // What a replay reads is kept for it.
      return null;
    }
    SnapshotFormat.State newer = behind(wanted, Long.MAX_VALUE);
    while (newer != null) {
      SnapshotFormat.State older = behind(wanted, newer.head().sequence() - 1);
      if (older == null) {
        return null;
      }
      if (leads(wanted, older, newer)) {
        return new Cut(
            older.head().sequence(), older.newest(), newer.head().sequence(), newer.newest());
      }
      newer = older;
    }
    return null;
  }

  /** The newest good snapshot up to a sequence that can be one of the two; null for none. */
  private SnapshotFormat.@Nullable State behind(Wanted wanted, long atMost)
      throws JournalException {
    Snapshot snapshot = journal.snapshot(wanted.key, atMost);
    // The one at which the run was cut before changes nothing.
    while (snapshot != null && snapshot.sequence() >= wanted.wholeFrom.sequence()) {
      try {
        SnapshotFormat.State state = SnapshotFormat.decode(snapshot);
        if (state.newest() >= 0
            && state.newest() <= wanted.droppable
            && !wanted.rewinds.removed(snapshot.sequence(), state.newest())) {
          return state;
        }
      } catch (CorruptJournalException e) {
        LOG.warn("A snapshot of {} is damaged", wanted.key.incarnation(), e);
      }
      snapshot = journal.snapshot(wanted.key, snapshot.sequence() - 1);
    }
    return null;
  }

  /** Whether the entries lead from the one to the other. */
  private boolean leads(Wanted wanted, SnapshotFormat.State older, SnapshotFormat.State newer)
      throws JournalException {
    List<StoredEntry> first = journal.read(wanted.key, older.head().sequence(), 1);
    if (first.isEmpty() || !first.getFirst().head().equals(older.head())) {
      return false;
    }
    SnapshotFormat.State reached =
        recovery.advance(wanted.key, wanted.created, older, newer.head());
    if (reached == null) {
      return false;
    }
    boolean same =
        Arrays.equals(SnapshotFormat.encode(reached).state(), SnapshotFormat.encode(newer).state());
    if (!same) {
      LOG.error(
          "Snapshot {} of {} is not what its entries say; nothing is dropped up to it",
          newer.head().sequence(),
          wanted.key.incarnation());
    }
    return same;
  }
}
