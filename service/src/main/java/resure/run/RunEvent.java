package resure.run;

import resure.journal.JournalEntry;
import resure.weighting.Weigher;

/** Something that happened to a run. Immutable, and shared with those who made it. */
public sealed interface RunEvent {

  /** Sequence of the entry with which it happened. */
  long sequence();

  /** About how many bytes it keeps from being collected. */
  long bytes();

  /**
   * A batch was applied.
   *
   * @param step its own; a batch without one is a step of its own, counted from 0
   * @param reference what it was weighed against; the same object for the batches of a step
   */
  record Batch(long sequence, JournalEntry.Batch entry, long step, Weigher reference)
      implements RunEvent {

    @Override
    public long bytes() {
      return 200
          + entry.batch().ids().length
          + 16L * entry.batch().dialogues()
          + 3L * Double.BYTES * entry.batch().size();
    }
  }

  /** A step was folded, before the batch that closed it is told of. */
  record Folded(FoldedStep step) implements RunEvent {

    @Override
    public long sequence() {
      return step.sequence();
    }

    @Override
    public long bytes() {
      return 300 + 250L * step.reference().slots() + 130L * step.totals().sources().size();
    }
  }

  /** Another entry was applied; not one that creates or deletes. */
  record Other(long sequence, JournalEntry entry) implements RunEvent {

    @Override
    public long bytes() {
      return 100;
    }
  }
}
