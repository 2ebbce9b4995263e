package resure.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;

/**
 * Folds runs afresh from their entries and compares every snapshot with what the entries say, byte
 * for byte. A run whose oldest entries were dropped is verified from its oldest snapshot on, since
 * nothing else says what was before. Changes nothing; blocking, one thread.
 */
public final class Verification {

  private final Journal journal;
  private final Compute compute;

  /** Of a journal that nobody else appends to meanwhile. */
  public Verification(Journal journal, Compute compute) {
    this.journal = journal;
    this.compute = compute;
  }

  /**
   * What was found of one run.
   *
   * @param entries how many were applied, up to its newest
   * @param snapshots how many are what the entries say
   * @param faults what is not, in sentences; none for a sound run
   */
  public record Found(long entries, int snapshots, List<String> faults) {
    /** Copies the faults. */
    public Found {
      faults = List.copyOf(faults);
    }
  }

  /** Verifies one run. */
  public Found verify(RunKey run) throws JournalException {
    List<String> faults = new ArrayList<>();
    Recovery recovery = new Recovery(journal, compute);
    int same = 0;
    long entries = 0;
    try {
      List<StoredEntry> first = journal.read(run, 1, 1);
      if (first.isEmpty() || !(first.getFirst().entry() instanceof JournalEntry.Created created)) {
        return new Found(0, 0, List.of("its first entry does not create it"));
      }
      List<SnapshotFormat.State> verified = new ArrayList<>();
      List<Snapshot> snapshots = snapshots(run);
      List<StoredEntry> second = journal.read(run, 2, 1);
      boolean trimmed = !second.isEmpty() && second.getFirst().sequence() > 2;
      if (!trimmed) {
        verified.add(beginning(run, created, first.getFirst().head()));
      } else if (!snapshots.isEmpty()) {
        verified.add(SnapshotFormat.decode(snapshots.removeFirst()));
      }
      for (Snapshot snapshot : snapshots) {
        SnapshotFormat.State state = SnapshotFormat.decode(snapshot);
        SnapshotFormat.State reached = reach(recovery, run, created, verified, state);
        if (reached != null
            && Arrays.equals(
                SnapshotFormat.encode(reached).state(), SnapshotFormat.encode(state).state())) {
          verified.add(state);
          same++;
        } else {
          faults.add("snapshot %d is not what its entries say".formatted(snapshot.sequence()));
        }
      }
      entries = readToTheEnd(recovery, run, faults);
    } catch (CorruptJournalException e) {
      faults.add(String.valueOf(e.getMessage()));
    }
    return new Found(entries, same, faults);
  }

  /** Oldest first; damaged ones are passed over, as they are by whoever opens the run. */
  private List<Snapshot> snapshots(RunKey run) throws JournalException {
    List<Snapshot> snapshots = new ArrayList<>();
    Snapshot snapshot = journal.snapshot(run, Long.MAX_VALUE);
    while (snapshot != null) {
      snapshots.add(snapshot);
      snapshot = journal.snapshot(run, snapshot.sequence() - 1);
    }
    Collections.reverse(snapshots);
    return snapshots;
  }

  private SnapshotFormat.State beginning(RunKey key, JournalEntry.Created created, Head head) {
    Run run = Run.created(key, created, head, compute);
    SnapshotFormat.State state = run.state();
    run.release();
    return state;
  }

  /** From the newest verified state that holds nothing that a rewind has removed up to there. */
  private static SnapshotFormat.@Nullable State reach(
      Recovery recovery,
      RunKey run,
      JournalEntry.Created created,
      List<SnapshotFormat.State> verified,
      SnapshotFormat.State to)
      throws JournalException {
    for (SnapshotFormat.State from : verified.reversed()) {
      if (!to.rewinds().removed(from.head().sequence(), from.newest())) {
        return recovery.advance(run, created, from, to.head());
      }
    }
    return null;
  }

  private long readToTheEnd(Recovery recovery, RunKey key, List<String> faults)
      throws JournalException {
    Run run = recovery.recover(key);
    Head head = journal.head(key);
    if (run == null) {
      faults.add("it is gone");
      return 0;
    }
    if (!run.head().equals(head)) {
      faults.add("its entries end at %d and not at its head".formatted(run.sequence()));
    }
    run.release();
    return run.sequence();
  }
}
