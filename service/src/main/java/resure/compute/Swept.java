package resure.compute;

/**
 * What the members of a sweep make of a window. Observations with a weight of 1 are the rest: they
 * count 1 each in any sum. A row a member, in their order; rows follow each other.
 */
public final class Swept {

  private final long[] below;
  private final double[] sums;
  private final double[] squares;
  private final double[] weights;

  /**
   * Takes over all arrays.
   *
   * @param below of each slot, then of each source: how many weights are below 1; rows of {@code
   *     slotCount + sourceCount}
   * @param sums likewise the sum of the weights below 1
   * @param squares likewise the sum of their squares
   * @param weights every weight, in rows of the window's size; empty when not asked for
   */
  public Swept(long[] below, double[] sums, double[] squares, double[] weights) {
    this.below = below;
    this.sums = sums;
    this.squares = squares;
    this.weights = weights;
  }

  /**
   * Of each slot, then of each source: how many weights are below 1; rows of {@code slotCount +
   * sourceCount}.
   */
  public long[] below() {
    return below;
  }

  /** Likewise the sum of the weights below 1. */
  public double[] sums() {
    return sums;
  }

  /** Likewise the sum of their squares. */
  public double[] squares() {
    return squares;
  }

  /** Every weight, in rows of the window's size; empty when not asked for. */
  public double[] weights() {
    return weights;
  }
}
