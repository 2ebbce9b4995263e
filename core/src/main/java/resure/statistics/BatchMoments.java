package resure.statistics;

/**
 * The triples of one batch: one (n, mean, M2) for each slot that has a usable loss, slots
 * ascending. Immutable: the arrays belong to it from construction on. Small however large the batch
 * was, so that a step that is still open needs no losses.
 */
public final class BatchMoments {

  /** Nothing usable. */
  public static final BatchMoments NONE =
      new BatchMoments(new int[0], new double[0], new double[0], new double[0]);

  private final int[] slots;
  private final double[] n;
  private final double[] mean;
  private final double[] m2;

  /** Takes over four arrays of one length; {@code slots} ascending. */
  public BatchMoments(int[] slots, double[] n, double[] mean, double[] m2) {
    if (n.length != slots.length || mean.length != slots.length || m2.length != slots.length) {
      throw new IllegalArgumentException("columns differ in length");
    }
    this.slots = slots;
    this.n = n;
    this.mean = mean;
    this.m2 = m2;
  }

  /** Number of slots with a usable loss. */
  public int size() {
    return slots.length;
  }

  /** Slot of the {@code i}-th triple. */
  public int slot(int i) {
    return slots[i];
  }

  /** Usable observations of the {@code i}-th triple, at least 1. */
  public double n(int i) {
    return n[i];
  }

  /** Mean of the {@code i}-th triple. */
  public double mean(int i) {
    return mean[i];
  }

  /** Sum of squared deviations of the {@code i}-th triple. */
  public double m2(int i) {
    return m2[i];
  }
}
