package resure.run;

import resure.weighting.EffectiveSampleSize;

/** Sums over some observations' weights before normalization. Mutable; its holder's thread only. */
public final class WeightSums {

  private long usable;
  private long unusable;
  private long downWeighted;
  private double sum;
  private double sumOfSquares;

  /** Over nothing. */
  public WeightSums() {}

  WeightSums(long usable, long unusable, long downWeighted, double sum, double sumOfSquares) {
    this.usable = usable;
    this.unusable = unusable;
    this.downWeighted = downWeighted;
    this.sum = sum;
    this.sumOfSquares = sumOfSquares;
  }

  void add(double weight) {
    usable++;
    if (weight < 1) {
      downWeighted++;
    }
    sum += weight;
    sumOfSquares += weight * weight;
  }

  void addUnusable() {
    unusable++;
  }

  /** Adds the sums over other observations. */
  public void add(WeightSums other) {
    usable += other.usable;
    unusable += other.unusable;
    downWeighted += other.downWeighted;
    sum += other.sum;
    sumOfSquares += other.sumOfSquares;
  }

  WeightSums copy() {
    return new WeightSums(usable, unusable, downWeighted, sum, sumOfSquares);
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

  /** Effective sample size per usable observation; NaN when there are none. */
  public double effectiveSampleRatio() {
    return usable == 0 ? Double.NaN : EffectiveSampleSize.of(sum, sumOfSquares) / usable;
  }
}
