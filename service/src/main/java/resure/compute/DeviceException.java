package resure.compute;

/**
 * The device failed: an operation could not be done, or what it held may be gone. Nothing of the
 * {@link Compute} that throws it may be used any more but {@link Compute#close}. The caller builds
 * its runs again, from the journal, on another one.
 */
public final class DeviceException extends RuntimeException {

  /** A failure with its cause. */
  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
