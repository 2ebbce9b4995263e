package resure.run;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.NewerFormatException;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;

/**
 * Builds a run's state from the journal: the newest good snapshot, then the entries after it. A
 * rewind is carried out here too: the state becomes that of applying the surviving batches in order
 * of sequence, from the newest snapshot that holds none of the removed ones. Blocking; on a worker.
 */
final class Recovery {

  private static final int CHUNK_BYTES = 1 << 20;

  /** Times that a run may be trimmed while it is read. */
  private static final int MAX_TRIMMED = 3;

  private final Journal journal;
  private final Compute compute;

  Recovery(Journal journal, Compute compute) {
    this.journal = journal;
    this.compute = compute;
  }

  /** The run at its newest entry; null when it is gone. */
  @Nullable Run recover(RunKey key) throws JournalException {
    return recover(key, new Rewinds());
  }

  /**
   * The run as it would be if it were rewound now to the step after {@code step}: only surviving
   * batches of that step and before are applied. Null when it is gone. To look at, not to go on
   * with.
   */
  @Nullable Run recoverAsOf(RunKey key, long step) throws JournalException {
    Rewinds ahead = new Rewinds();
    ahead.add(Long.MAX_VALUE, step + 1);
    return recover(key, ahead);
  }

  /** With the batches passed over that a rewind of {@code ahead} removes. */
  private @Nullable Run recover(RunKey key, Rewinds ahead) throws JournalException {
    List<StoredEntry> first = journal.read(key, 1, 1);
    if (first.isEmpty()) {
      return null;
    }
    if (!(first.getFirst().entry() instanceof JournalEntry.Created created)) {
      throw new CorruptJournalException("the first entry of a run does not create it");
    }
    Head beginning = first.getFirst().head();
    if (!first.getFirst().follows(Head.NONE)) {
      throw new CorruptJournalException("the first entry of a run follows another");
    }
    int trimmed = 0;
    while (true) {
      Run run = start(key, created, beginning, ahead);
      End end = catchUp(run, ahead, Long.MAX_VALUE);
      if (end == End.REACHED) {
        return run;
      }
      run.release();
      if (end == End.TRIMMED && ++trimmed > MAX_TRIMMED) {
        throw nothingToGoOnFrom(key);
      }
    }
  }

  /**
   * The state to which the entries lead from a snapshot, none of whose batches a rewind up to there
   * removes. Null when it cannot be found out, since the run is gone or was trimmed meanwhile.
   */
  SnapshotFormat.@Nullable State advance(
      RunKey key, JournalEntry.Created created, SnapshotFormat.State from, Head to)
      throws JournalException {
    Rewinds ahead = new Rewinds();
    while (true) {
      // Decoded by the caller; applying changes it.
      Run run =
          Run.restored(key, created, SnapshotFormat.decode(SnapshotFormat.encode(from)), compute);
      End end = catchUp(run, ahead, to.sequence());
      SnapshotFormat.State state = run.head().equals(to) ? run.state() : null;
      run.release();
      if (end != End.REWOUND) {
        return end == End.REACHED ? state : null;
      }
    }
  }

  /**
   * Applies a run's entries again and tells {@code to} of them, from the newest snapshot that is no
   * later than a mark, or from the first that is left.
   *
   * @param ahead the rewinds that are known; those that are found are added
   */
  RunPast.End retell(RunKey key, Rewinds ahead, RowsMark mark, RunPast.Listener to)
      throws JournalException {
    List<StoredEntry> first = journal.read(key, 1, 1);
    if (first.isEmpty()) {
      return RunPast.End.GONE;
    }
    if (!(first.getFirst().entry() instanceof JournalEntry.Created created)) {
      throw new CorruptJournalException("the first entry of a run does not create it");
    }
    List<StoredEntry> second = journal.read(key, 2, 1);
    boolean trimmed = !second.isEmpty() && second.getFirst().sequence() > 2;
    SnapshotFormat.State state = startOf(key, ahead, mark, trimmed);
    if (state == null && trimmed) {
      throw nothingToGoOnFrom(key);
    }
    if (state != null && mark.sequence() > 0 && state.head().sequence() > mark.sequence()) {
      // What is between was dropped: nothing goes on from the mark.
      return RunPast.End.STALE;
    }
    Run run =
        state == null
            ? Run.created(key, created, first.getFirst().head(), compute)
            : Run.restored(key, created, state, compute);
    run.tell(to);
    Told told = new Told(mark, to);
    if (!told.agrees(run.head())) {
      run.release();
      return RunPast.End.STALE;
    }
    End end = catchUp(run, ahead, Long.MAX_VALUE, told);
    boolean reached = end == End.REACHED && run.sequence() >= mark.sequence();
    run.release();
    return told.end != null ? told.end : reached ? RunPast.End.REACHED : RunPast.End.STALE;
  }

  /** The newest good snapshot up to a mark, or the oldest of all; null for none. */
  private SnapshotFormat.@Nullable State startOf(
      RunKey key, Rewinds ahead, RowsMark mark, boolean trimmed) throws JournalException {
    SnapshotFormat.State oldest = null;
    Snapshot snapshot = journal.snapshot(key, trimmed ? Long.MAX_VALUE : mark.sequence());
    while (snapshot != null) {
      try {
        SnapshotFormat.State state = SnapshotFormat.decode(snapshot);
        if (!ahead.removed(snapshot.sequence(), state.newest())) {
          if (snapshot.sequence() <= mark.sequence()) {
            return state;
          }
          oldest = state;
        }
      } catch (CorruptJournalException e) {
        // An older snapshot, or the journal from its start, says the same.
      }
      snapshot = journal.snapshot(key, snapshot.sequence() - 1);
    }
    return oldest;
  }

  /** Watches what is told again: whether it passes through the mark, and who listens wants more. */
  private static final class Told {
    private final RowsMark mark;
    private final RunPast.Listener listener;
    private RunPast.@Nullable End end;

    Told(RowsMark mark, RunPast.Listener listener) {
      this.mark = mark;
      this.listener = listener;
    }

    boolean agrees(Head head) {
      return head.sequence() != mark.sequence() || head.equals(mark.head());
    }

    /** Whether to go on after an entry. */
    boolean passed(Head head) {
      if (!agrees(head)) {
        end = RunPast.End.STALE;
      }
      return end == null;
    }

    /** Whether to go on after a piece. */
    boolean pause() throws JournalException {
      if (!listener.pause()) {
        end = RunPast.End.STOPPED;
      }
      return end == null;
    }
  }

  private Run start(RunKey key, JournalEntry.Created created, Head beginning, Rewinds ahead)
      throws JournalException {
    long atMost = Long.MAX_VALUE;
    while (true) {
      Snapshot snapshot = journal.snapshot(key, atMost);
      if (snapshot == null) {
        return Run.created(key, created, beginning, compute);
      }
      try {
        SnapshotFormat.State state = SnapshotFormat.decode(snapshot);
        if (!ahead.removed(snapshot.sequence(), state.newest())) {
          return Run.restored(key, created, state, compute);
        }
      } catch (CorruptJournalException e) {
        // An older snapshot, or the journal from its start, says the same.
      }
      atMost = snapshot.sequence() - 1;
    }
  }

  /** Of a run whose oldest entries were dropped: whether its snapshots are bad, or only newer. */
  private CorruptJournalException nothingToGoOnFrom(RunKey key) throws JournalException {
    Snapshot snapshot = journal.snapshot(key, Long.MAX_VALUE);
    while (snapshot != null) {
      try {
        SnapshotFormat.decode(snapshot);
      } catch (NewerFormatException e) {
        return e;
      } catch (CorruptJournalException e) {
        // Nothing is known of it.
      }
      snapshot = journal.snapshot(key, snapshot.sequence() - 1);
    }
    return new CorruptJournalException(
        "the oldest entries were dropped, and no good snapshot is left to go on from");
  }

  /** How applying what follows ends. */
  private enum End {
    REACHED,
    /** At a rewind that removes what is applied already. */
    REWOUND,
    /** What follows was dropped. */
    TRIMMED
  }

  /**
   * Applies what follows, up to a sequence. After {@link End#REWOUND} {@code ahead} holds all
   * rewinds there are, so that the next try passes over what they remove.
   */
  private End catchUp(Run run, Rewinds ahead, long last) throws JournalException {
    return catchUp(run, ahead, last, null);
  }

  private End catchUp(Run run, Rewinds ahead, long last, @Nullable Told told)
      throws JournalException {
    boolean whole = true;
    long next = run.sequence() + 1;
    List<StoredEntry> chunk = next > last ? List.of() : journal.read(run.key(), next, CHUNK_BYTES);
    Head reached = run.head();
    while (!chunk.isEmpty()) {
      if (chunk.getFirst().sequence() > next) {
        return End.TRIMMED;
      }
      if (!chunk.getFirst().follows(reached)) {
        throw new CorruptJournalException(
            "entry %d does not follow the one before it".formatted(next));
      }
      reached = chunk.getLast().head();
      for (StoredEntry stored : chunk) {
        if (stored.sequence() > last) {
          break;
        }
        if (stored.entry() instanceof JournalEntry.Rewound rewound) {
          whole &= !run.holds(rewound.nextStep());
          if (!whole) {
            ahead.add(stored.sequence(), rewound.nextStep());
          }
        }
        if (whole) {
          if (stored.entry() instanceof JournalEntry.Batch batch
              && ahead.removed(stored.sequence(), batch.batch().step())) {
            run.skip(stored.sequence(), batch);
          } else {
            run.apply(stored.sequence(), stored.entry());
          }
          run.reached(stored.head());
          if (told != null && !told.passed(stored.head())) {
            return End.REACHED;
          }
        }
      }
      if (told != null && whole && !told.pause()) {
        return End.REACHED;
      }
      next = chunk.getLast().sequence() + 1;
      chunk = next > last ? List.of() : journal.read(run.key(), next, CHUNK_BYTES);
    }
    return whole ? End.REACHED : End.REWOUND;
  }
}
