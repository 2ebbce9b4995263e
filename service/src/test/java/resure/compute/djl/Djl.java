package resure.compute.djl;

import resure.compute.BackendUnavailableException;

/** The tensor backend for tests. */
public final class Djl {

  private Djl() {}

  /** On the processor, with the libtorch of the test class path. */
  public static DjlBackend onCpu() {
    try {
      return DjlBackend.open("cpu", null);
    } catch (BackendUnavailableException e) {
      throw new AssertionError("the tests bring libtorch with them", e);
    }
  }
}
