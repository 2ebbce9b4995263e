package resure.weighting;

/** Kish's effective sample size (sum w)^2 / sum(w^2): how many equally weighted observations. */
public final class EffectiveSampleSize {

  private EffectiveSampleSize() {}

  /** The size from the two sums; 0 when there is nothing, or nothing with a weight. */
  public static double of(double sumOfWeights, double sumOfSquaredWeights) {
    return sumOfSquaredWeights > 0 ? sumOfWeights * sumOfWeights / sumOfSquaredWeights : 0;
  }
}
