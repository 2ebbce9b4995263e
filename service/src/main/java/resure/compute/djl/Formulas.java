package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import resure.weighting.WeightFunction;

/**
 * The weight functions on tensors, beyond the threshold: max(floor, f(z)), each in the order of
 * operations of {@link WeightFunction}.
 */
final class Formulas {

  /** What a formula may ask for, in shapes that broadcast against each other. */
  interface Operands {

    /** z - threshold; of the shape of the result. */
    NDArray excess();

    NDArray threshold();

    NDArray sharpness();

    NDArray floor();

    NDArray loss();

    NDArray mean();

    NDArray sd();
  }

  private Formulas() {}

  /** Weights, meaningless where the excess is not positive. */
  static NDArray beyond(WeightFunction function, Operands of, Constants constants) {
    return switch (function) {
      case WeightFunction.Exponential _ ->
          of.sharpness().mul(of.excess()).negi().exp().maximum(of.floor());
      case WeightFunction.Gaussian _ -> {
        NDArray u = of.sharpness().mul(of.excess());
        yield u.mul(u).negi().divi(constants.two).exp().maximum(of.floor());
      }
      case WeightFunction.Cauchy _ -> {
        NDArray u = of.sharpness().mul(of.excess());
        NDArray divisor = u.mul(u).addi(constants.one);
        yield divisor.onesLike().divi(divisor).maximum(of.floor());
      }
      case WeightFunction.Sigmoid _ -> {
        NDArray divisor = of.sharpness().mul(of.excess()).exp().addi(constants.one);
        yield divisor.onesLike().muli(constants.two).divi(divisor).maximum(of.floor());
      }
      case WeightFunction.Clip _ -> {
        NDArray cap = of.threshold().mul(of.sd()).addi(of.mean());
        NDArray ratio = cap.div(of.loss()).minimum(constants.one);
        yield NDArrays.where(cap.gt(constants.zero), ratio, constants.zero).maximum(of.floor());
      }
      case WeightFunction.Hard _ -> of.excess().onesLike().muli(of.floor());
      case WeightFunction.Uniform _ -> of.excess().onesLike();
    };
  }
}
