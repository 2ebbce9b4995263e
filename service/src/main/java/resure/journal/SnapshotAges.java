package resure.journal;

import java.util.ArrayList;
import java.util.List;

/**
 * Which snapshots of a run are kept: the newest few, and beyond them one for each power of two of
 * age (in entries), the oldest. Going back to some age never reads from more than about eight times
 * as far, and their number grows with the logarithm of the run's length.
 */
public final class SnapshotAges {

  /** Snapshots of a run that are kept whatever their age. */
  private static final int NEWEST = 4;

  private final long saved;
  private final List<Long> superseded = new ArrayList<>();
  private int younger = 1;
  private int powerKept = -1;
  private long candidate = -1;

  /**
   * With the newest.
   *
   * @param saved its sequence
   */
  public SnapshotAges(long saved) {
    this.saved = saved;
  }

  /** Looks at the next older one; one that is not older is passed over. */
  public void see(long sequence) {
    if (sequence >= saved) {
      return;
    }
    if (younger < NEWEST) {
      younger++;
      return;
    }
    int power = Long.SIZE - Long.numberOfLeadingZeros(saved - sequence);
    if (power == powerKept) {
      superseded.add(candidate);
    }
    powerKept = power;
    candidate = sequence;
  }

  /** Sequences of those to drop, of what was seen. */
  public List<Long> superseded() {
    return superseded;
  }
}
