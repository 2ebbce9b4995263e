package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * No answer by the deadline: nobody listens, the name or the certificate is not right, the
 * connection broke, or the answer took too long. The service may have carried the call out: {@link
 * ResureClient} says which calls are safe to repeat.
 */
public final class UnavailableException extends ResureException {

  private static final long serialVersionUID = 1;

  UnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
