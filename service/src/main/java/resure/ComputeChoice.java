package resure;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.compute.BackendUnavailableException;
import resure.compute.Compute;
import resure.compute.ComputeSource;
import resure.compute.ComputeStatus;
import resure.compute.DeviceException;
import resure.compute.Sweep;
import resure.compute.djl.DjlBackend;
import resure.compute.jvm.JvmCompute;
import resure.compute.jvm.JvmSweep;

/** The backend that was asked for; plain Java from when its device is gone until the next start. */
final class ComputeChoice implements ComputeSource {

  /** What an operator can ask for. */
  enum Backend {
    AUTO,
    JVM,
    DJL
  }

  /** Failures of a device that works again each time after which it is not used any more. */
  private static final int MAX_FAILURES = 8;

  private static final Logger LOG = LoggerFactory.getLogger(ComputeChoice.class);

  private @Nullable DjlBackend djl;
  private long failures;

  private ComputeChoice(@Nullable DjlBackend djl) {
    this.djl = djl;
  }

  /**
   * Opens what was asked for: {@code auto} is {@code djl} when an accelerator is present and can be
   * used.
   */
  static ComputeChoice open(ResureProperties properties) throws BackendUnavailableException {
    ComputeChoice choice = new ComputeChoice(choose(properties));
    ComputeStatus status = choice.status();
    LOG.info("Compute is {} on {} ({})", status.backend(), status.device(), status.library());
    return choice;
  }

  private static @Nullable DjlBackend choose(ResureProperties properties)
      throws BackendUnavailableException {
    boolean auto = properties.computeBackend() == Backend.AUTO;
    if (properties.computeBackend() == Backend.JVM || (auto && !DjlBackend.acceleratorPresent())) {
      return null;
    }
    try {
      DjlBackend djl = DjlBackend.open(properties.computeDevice(), properties.libtorch());
      // Without a GPU, plain Java is faster for any group that fits into a request.
      return auto && djl.device().equals("cpu") ? null : djl;
    } catch (BackendUnavailableException e) {
      if (!auto) {
        throw e;
      }
      LOG.warn("There is an accelerator, but it cannot be used: {}", e.getMessage());
      return null;
    }
  }

  @Override
  public synchronized Compute open() {
    if (djl != null) {
      try {
        return djl.compute();
      } catch (DeviceException e) {
        LOG.error(
            "The device {} is gone; plain Java computes until the next start", djl.device(), e);
        djl = null;
      }
    }
    return new JvmCompute();
  }

  @Override
  public synchronized Compute replace(DeviceException failure) {
    if (djl != null && ++failures >= MAX_FAILURES) {
      LOG.error("The device {} failed {} times; plain Java computes now", djl.device(), failures);
      djl = null;
    }
    return open();
  }

  /**
   * For one thread of a replay: tensors on a GPU alone, since on processors plain Java sweeps some
   * 30 times as many weighings a second (docs/gpu.md).
   */
  synchronized Sweep sweep() {
    return djl == null || djl.device().equals("cpu") ? new JvmSweep() : djl.sweep();
  }

  synchronized ComputeStatus status() {
    return djl == null
        ? new ComputeStatus("jvm", "cpu", "Java " + Runtime.version().feature(), failures)
        : new ComputeStatus("djl", djl.device(), djl.library(), failures);
  }
}
