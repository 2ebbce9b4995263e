package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * No answer by the deadline: nobody listens, the name or the certificate is not right, the
 * connection broke, or the answer took too long. The service may have carried the call out: {@link
 * ResureClient} says which calls are safe to repeat.
 */
public final class UnavailableException extends ResureException {

  private static final long serialVersionUID = 1;

  /** Whether the request may have reached the service. */
  private final boolean sent;

  UnavailableException(String message, @Nullable Throwable cause) {
    this(message, cause, true);
  }

  UnavailableException(String message, @Nullable Throwable cause, boolean sent) {
    super(message, cause);
    this.sent = sent;
  }

  /** False where no connection was made. */
  boolean sent() {
    return sent;
  }
}
