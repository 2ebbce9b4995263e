package resure.compute.djl;

import resure.compute.Compute;
import resure.compute.ComputeContract;

/** On the processor, with the libtorch of the test class path. */
class DjlComputeTest extends ComputeContract {

  @Override
  protected Compute open() {
    return Djl.onCpu().compute();
  }
}
