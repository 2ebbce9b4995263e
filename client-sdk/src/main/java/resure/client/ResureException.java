package resure.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Why a call has no result. */
public abstract sealed class ResureException extends RuntimeException
    permits ProblemException, UnavailableException, UnexpectedAnswerException {

  private static final long serialVersionUID = 1;

  ResureException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** How long to wait at least before the call is made again; null where nothing is asked for. */
  @Nullable Duration retryAfter() {
    return null;
  }
}
