package resure.weighting;

import java.util.List;

/**
 * How much a loss beyond the threshold counts: the f(z) of a run, before the floor. One-sided: up
 * to the threshold every function is 1. With e = z - threshold, the sharpness s, the loss x and the
 * cap c = mean + threshold * sd of its turn. Every function is 1 at e = 0 (but {@code hard}), never
 * rises with e, and lies in [0, 1].
 */
public sealed interface WeightFunction {

  /** All functions, in the order of the documentation. */
  List<WeightFunction> ALL =
      List.of(
          new Exponential(),
          new Gaussian(),
          new Cauchy(),
          new Sigmoid(),
          new Clip(),
          new Hard(),
          new Uniform());

  /** The name in a configuration. */
  String label();

  /**
   * The value beyond the threshold.
   *
   * @param excess e = z - threshold, positive
   * @param sharpness s, positive
   * @param loss x
   * @param cap c = mean + threshold * sd
   */
  double beyond(double excess, double sharpness, double loss, double cap);

  /** exp(-s e). */
  record Exponential() implements WeightFunction {
    @Override
    public String label() {
      return "exponential";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      return StrictMath.exp(-sharpness * excess);
    }
  }

  /** exp(-(s e)^2 / 2). */
  record Gaussian() implements WeightFunction {
    @Override
    public String label() {
      return "gaussian";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      double u = sharpness * excess;
      return StrictMath.exp(-(u * u) / 2);
    }
  }

  /** 1 / (1 + (s e)^2). */
  record Cauchy() implements WeightFunction {
    @Override
    public String label() {
      return "cauchy";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      double u = sharpness * excess;
      return 1 / (1 + u * u);
    }
  }

  /** 2 / (1 + exp(s e)). */
  record Sigmoid() implements WeightFunction {
    @Override
    public String label() {
      return "sigmoid";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      return 2 / (1 + StrictMath.exp(sharpness * excess));
    }
  }

  /**
   * c / x, so that the weighted loss never exceeds c; 0 (hence the floor) where c is not positive.
   */
  record Clip() implements WeightFunction {
    @Override
    public String label() {
      return "clip";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      // Where z barely exceeds the threshold, rounding can leave the loss at or below its cap.
      return cap > 0 ? Math.min(1, cap / loss) : 0;
    }
  }

  /** 0, hence the floor: the explicit filter, for comparison. */
  record Hard() implements WeightFunction {
    @Override
    public String label() {
      return "hard";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      return 0;
    }
  }

  /** 1 always: the control arm. */
  record Uniform() implements WeightFunction {
    @Override
    public String label() {
      return "uniform";
    }

    @Override
    public double beyond(double excess, double sharpness, double loss, double cap) {
      return 1;
    }
  }
}
