package resure.compute;

import resure.weighting.Configuration;

/**
 * How far the weights of two backends may lie apart, relative to the weight; docs/rationale.md
 * derives it. Both compute z, and every function but those with {@code exp}, with the same
 * operations in the same order, hence the same bits; {@code exp} and {@code log} of both are within
 * one unit in the last place of the truth.
 */
public final class WeightBound {

  /** Half a unit in the last place, relative. */
  private static final double U = 0x1p-53;

  private WeightBound() {}

  /**
   * The bound.
   *
   * @param earlier turns of the same dialogue before this one
   */
  public static double of(Configuration configuration, int earlier) {
    double own = 8;
    double strength = configuration.propagation().strength();
    if (strength == 0 || earlier == 0) {
      return own * U;
    }
    double depth = 2 * Math.ceil(Math.log(earlier + 1) / Math.log(2));
    double largestSum = -Math.log(configuration.weighting().floor());
    return (own + 6 + 8 * strength * earlier + (3 * earlier + depth + 10) * largestSum) * U;
  }
}
