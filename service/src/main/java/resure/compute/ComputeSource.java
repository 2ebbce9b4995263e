package resure.compute;

/** Where shards get their backend from. Any thread. */
public interface ComputeSource {

  /** A new backend for one shard. */
  Compute open();

  /**
   * Another one, after a device failed: on the same device where that still works, else on one that
   * does.
   */
  default Compute replace(DeviceException failure) {
    return open();
  }
}
