package resure.client;

import org.jspecify.annotations.Nullable;

/** Why a call has no result. */
public abstract sealed class ResureException extends RuntimeException
    permits ProblemException, UnavailableException, UnexpectedAnswerException {

  private static final long serialVersionUID = 1;

  ResureException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
