package resure.compute.jvm;

import resure.compute.Sweep;
import resure.compute.SweepContract;

class JvmSweepTest extends SweepContract {

  @Override
  protected Sweep open() {
    return new JvmSweep();
  }
}
