package resure.compute.jvm;

import resure.compute.Compute;
import resure.compute.ComputeContract;

class JvmComputeTest extends ComputeContract {

  @Override
  protected Compute open() {
    return new JvmCompute();
  }
}
