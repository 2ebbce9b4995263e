package resure.run;

import resure.weighting.EffectiveSampleSize;

/** Sums over some observations' weights before normalization. Mutable; its holder's thread only. */
public final class WeightSums {

  private long usable;
  private long unusable;
  private long downWeighted;
  private long weighed;
  private double sum;
  private double sumOfSquares;
  private double excess;

  /** Over nothing. */
  public WeightSums() {}

  WeightSums(
      long usable,
      long unusable,
      long downWeighted,
      long weighed,
      double sum,
      double sumOfSquares,
      double excess) {
    this.usable = usable;
    this.unusable = unusable;
    this.downWeighted = downWeighted;
    this.weighed = weighed;
    this.sum = sum;
    this.sumOfSquares = sumOfSquares;
    this.excess = excess;
  }

  /**
   * Adds a usable observation.
   *
   * @param z how many standard deviations it was above the mean that it was compared with; NaN in
   *     warm-up
   */
  void add(double weight, double z) {
    usable++;
    // No branches: which way they go is as good as random.
    downWeighted += weight < 1 ? 1 : 0;
    sum += weight;
    sumOfSquares += weight * weight;
    boolean compared = !Double.isNaN(z);
    weighed += compared ? 1 : 0;
    excess += compared ? z : 0;
  }

  void addUnusable() {
    unusable++;
  }

  /** Adds the sums over other observations. */
  public void add(WeightSums other) {
    usable += other.usable;
    unusable += other.unusable;
    downWeighted += other.downWeighted;
    weighed += other.weighed;
    sum += other.sum;
    sumOfSquares += other.sumOfSquares;
    excess += other.excess;
  }

  WeightSums copy() {
    return new WeightSums(usable, unusable, downWeighted, weighed, sum, sumOfSquares, excess);
  }

  /** Usable observations. */
  public long usable() {
    return usable;
  }

  /** Unusable observations: NaN, infinite or too large. */
  public long unusable() {
    return unusable;
  }

  /** Usable observations with a weight below 1. */
  public long downWeighted() {
    return downWeighted;
  }

  /** Observations that were not null. */
  public long observations() {
    return usable + unusable;
  }

  /** Usable observations that were compared with something. */
  long weighed() {
    return weighed;
  }

  /** Sum of their z-scores. */
  double excessSum() {
    return excess;
  }

  /**
   * How many standard deviations the losses were above the mean that they were compared with, on
   * average; those in warm-up left out. NaN when there are none.
   */
  public double excess() {
    return weighed == 0 ? Double.NaN : excess / weighed;
  }

  /** Sum of the usable ones' weights. */
  public double sum() {
    return sum;
  }

  /** Sum of the squares of the usable ones' weights. */
  public double sumOfSquares() {
    return sumOfSquares;
  }

  /** Mean weight of the usable ones; NaN when there are none. */
  public double mean() {
    return usable == 0 ? Double.NaN : sum / usable;
  }

  /** Mean squared weight of the usable ones; NaN when there are none. */
  public double meanOfSquares() {
    return usable == 0 ? Double.NaN : sumOfSquares / usable;
  }

  /** Effective sample size per usable observation; NaN when there are none. */
  public double effectiveSampleRatio() {
    return usable == 0 ? Double.NaN : EffectiveSampleSize.of(sum, sumOfSquares) / usable;
  }
}
