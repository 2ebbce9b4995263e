package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * Numbers that tensor operations need, as float64 arrays of one element that broadcast: an
 * operation with a host's number would make one each time, and of a type of its own choosing. Never
 * the left side of an operation, whose result would then belong to this one's manager.
 */
final class Constants {

  final NDArray minusOne;
  final NDArray zero;
  final NDArray one;
  final NDArray two;

  Constants(NDManager manager) {
    minusOne = manager.create(new double[] {-1});
    zero = manager.create(new double[] {0});
    one = manager.create(new double[] {1});
    two = manager.create(new double[] {2});
  }
}
