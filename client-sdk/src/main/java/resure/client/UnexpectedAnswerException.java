package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * An answer that the contract does not have: another content type, a redirect, a cut or broken
 * body, weights in another shape than the losses. Most often something between here and the service
 * answered in its place.
 */
public final class UnexpectedAnswerException extends ResureException {

  private static final long serialVersionUID = 1;

  UnexpectedAnswerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
