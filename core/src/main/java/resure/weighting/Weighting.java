package resure.weighting;

import static resure.weighting.InvalidConfigurationException.require;

/**
 * The weight function of a run with its parameters: {@code max(floor, f(z))}.
 *
 * @param function f; default clip
 * @param threshold z-score up to which the weight is 1: any finite number; default that of the
 *     function, 0 for clip and 1 for the others
 * @param sharpness how fast the weight falls beyond it: positive and finite; default 2
 * @param floor smallest weight of a usable loss: in (0, 1]; default 0.05
 */
public record Weighting(WeightFunction function, double threshold, double sharpness, double floor) {

  /** What a run gets that says nothing. */
  public static final Weighting DEFAULT = new Weighting(new WeightFunction.Clip(), 0.0, 2.0, 0.05);

  /** Checks the ranges. */
  public Weighting {
    require(Double.isFinite(threshold), "threshold must be a finite number");
    require(
        sharpness > 0 && Double.isFinite(sharpness), "sharpness must be a finite number above 0");
    require(floor > 0 && floor <= 1, "floor must be above 0 and at most 1");
  }

  /**
   * The weight of a loss before propagation: 1 up to the threshold, and where {@code z} is NaN, as
   * in warm-up.
   *
   * @param z z-score of the loss
   * @param loss the loss
   * @param mean mean of its turn
   * @param sd standard deviation of its turn
   */
  public double weight(double z, double loss, double mean, double sd) {
    return z > threshold
        ? Math.max(floor, function.beyond(z - threshold, sharpness, loss, mean + threshold * sd))
        : 1;
  }

  /** This with another function. */
  public Weighting withFunction(WeightFunction value) {
    return new Weighting(value, threshold, sharpness, floor);
  }

  /** This with the threshold of a run that names the function and no threshold. */
  public Weighting withUsualThreshold() {
    return withThreshold(function instanceof WeightFunction.Clip ? 0 : 1);
  }

  /** This with another threshold. */
  public Weighting withThreshold(double value) {
    return new Weighting(function, value, sharpness, floor);
  }

  /** This with another sharpness. */
  public Weighting withSharpness(double value) {
    return new Weighting(function, threshold, value, floor);
  }

  /** This with another floor. */
  public Weighting withFloor(double value) {
    return new Weighting(function, threshold, sharpness, value);
  }
}
