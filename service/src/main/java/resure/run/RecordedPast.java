package resure.run;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.RowsMark;
import resure.journal.RunKey;

/** Tells what happened to a run by applying its journal again, beside the run in memory. */
final class RecordedPast implements RunPast {

  /** Makes what is needed only while it is told: a run in memory keeps none. */
  private final Supplier<Recovery> recoveries;

  private final RunKey run;

  /** Of the run when it was read. */
  private final Head head;

  /** All that are known; those that are found are added. Guarded by the monitor. */
  private final Rewinds rewinds;

  /** One through which the journal does not lead. */
  private volatile @Nullable RowsMark refuted;

  /** Of a run as it was read. */
  RecordedPast(Supplier<Recovery> recoveries, RunKey run, Head head, Rewinds rewinds) {
    this.recoveries = recoveries;
    this.run = run;
    this.head = head;
    this.rewinds = rewinds;
  }

  @Override
  public synchronized boolean stale(RowsMark mark) {
    return mark.equals(refuted)
        || rewinds.removed(mark.sequence(), mark.newestStep())
        || (mark.sequence() == head.sequence() && !mark.head().equals(head));
  }

  @Override
  public End retell(RowsMark mark, Listener to) throws JournalException {
    Rewinds ahead;
    synchronized (this) {
      ahead = rewinds.copy();
    }
    End end = recoveries.get().retell(run, ahead, mark, to);
    synchronized (this) {
      ahead.list().forEach(rewind -> rewinds.add(rewind.sequence(), rewind.nextStep()));
    }
    if (end == End.STALE && !stale(mark)) {
      refuted = mark;
    }
    return end;
  }
}
