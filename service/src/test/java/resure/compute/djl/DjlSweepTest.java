package resure.compute.djl;

import resure.compute.Sweep;
import resure.compute.SweepContract;

/** On the processor, with the libtorch of the test class path. */
class DjlSweepTest extends SweepContract {

  @Override
  protected Sweep open() {
    return Djl.onCpu().sweep();
  }
}
