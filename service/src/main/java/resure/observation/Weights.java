package resure.observation;

/**
 * What the service found of a batch, recorded in the journal and never computed again: its weights
 * before normalization, and what they are divided by. Immutable: the array belongs to it.
 */
public final class Weights {

  private final double[] raw;
  private final double divisor;
  private final double runMean;
  private final boolean warmingUp;
  private final boolean late;
  private final boolean shadow;

  /**
   * Takes over the array.
   *
   * @param raw weight before normalization of each loss: in [floor, 1], and 0 exactly where the
   *     loss is null or unusable
   * @param divisor what normalization divides by; 1 for none
   * @param runMean the run's mean weight that {@code runMean} would divide by; 1 before any fold
   * @param warmingUp whether a usable loss was weighed in warm-up
   * @param late whether the batch's step was closed already
   * @param shadow whether 1 is answered in place of the weights
   */
  public Weights(
      double[] raw,
      double divisor,
      double runMean,
      boolean warmingUp,
      boolean late,
      boolean shadow) {
    this.raw = raw;
    this.divisor = divisor;
    this.runMean = runMean;
    this.warmingUp = warmingUp;
    this.late = late;
    this.shadow = shadow;
  }

  /** Weight before normalization of each loss; 0 exactly where it is null or unusable. */
  public double[] raw() {
    return raw;
  }

  /** Whether loss {@code i} was a number that could be weighed. */
  public boolean usable(int i) {
    return raw[i] != 0;
  }

  /** What normalization divides by. */
  public double divisor() {
    return divisor;
  }

  /** The run's mean weight over everything folded into the reference. */
  public double runMean() {
    return runMean;
  }

  /** Whether a usable loss was weighed in warm-up. */
  public boolean warmingUp() {
    return warmingUp;
  }

  /** Whether the batch's step was closed already. */
  public boolean late() {
    return late;
  }

  /** Whether 1 is answered in place of the weights. */
  public boolean shadow() {
    return shadow;
  }

  /** The weight answered for loss {@code i} of {@code batch}, which is not null. */
  public double answered(ObservationBatch batch, int i) {
    double[] applied = batch.appliedWeights();
    if (applied != null && !Double.isNaN(applied[i])) {
      return applied[i];
    }
    return shadow && raw[i] != 0 ? 1 : normalized(i);
  }

  /** The weight exported for loss {@code i}: as answered, but under shadow the would-be one. */
  public double exported(ObservationBatch batch, int i) {
    double[] applied = batch.appliedWeights();
    return applied != null && !Double.isNaN(applied[i]) ? applied[i] : normalized(i);
  }

  /** Finite also where a tiny mean weight would make it infinite. */
  private double normalized(int i) {
    return Math.min(raw[i] / divisor, Double.MAX_VALUE);
  }
}
