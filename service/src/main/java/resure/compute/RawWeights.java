package resure.compute;

/** Weights of one batch before normalization. Immutable: the array belongs to it. */
public final class RawWeights {

  private final double[] values;
  private final boolean warmingUp;

  /**
   * Takes over the array.
   *
   * @param values in [floor, 1] for each usable loss, 0 for any other
   * @param warmingUp whether a usable loss was weighed in warm-up
   */
  public RawWeights(double[] values, boolean warmingUp) {
    this.values = values;
    this.warmingUp = warmingUp;
  }

  /** In [floor, 1] for each usable loss, 0 for any other. */
  public double[] values() {
    return values;
  }

  /** Whether a usable loss was weighed in warm-up. */
  public boolean warmingUp() {
    return warmingUp;
  }
}
