package resure.compute;

import org.jspecify.annotations.Nullable;

/** A backend cannot be used on this machine; the message says what is missing. */
public final class BackendUnavailableException extends Exception {

  /** What is missing, and where it was sought. */
  public BackendUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
