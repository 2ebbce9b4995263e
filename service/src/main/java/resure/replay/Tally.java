package resure.replay;

import resure.weighting.EffectiveSampleSize;

/**
 * Sums over the weights of some observations, before normalization.
 *
 * @param observations usable ones
 * @param weightSum sum of their weights
 * @param squareSum sum of the squares of their weights
 * @param downWeighted those with a weight below 1
 */
public record Tally(long observations, double weightSum, double squareSum, long downWeighted) {

  /** Of nothing. */
  public static final Tally NONE = new Tally(0, 0, 0, 0);

  /** Of these and of disjoint others. */
  public Tally plus(Tally other) {
    return new Tally(
        observations + other.observations,
        weightSum + other.weightSum,
        squareSum + other.squareSum,
        downWeighted + other.downWeighted);
  }

  /** Mean weight; NaN of none. */
  public double meanWeight() {
    return observations == 0 ? Double.NaN : weightSum / observations;
  }

  /** Effective sample size per observation; NaN of none. */
  public double effectiveSampleRatio() {
    return observations == 0
        ? Double.NaN
        : EffectiveSampleSize.of(weightSum, squareSum) / observations;
  }

  /** Share with a weight below 1; NaN of none. */
  public double downWeightedRatio() {
    return observations == 0 ? Double.NaN : (double) downWeighted / observations;
  }
}
