package resure.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The service refused the call, or failed, and said why (RFC 9457); or something between here and
 * the service did, which is of type {@link ProblemType#FOREIGN}.
 */
public final class ProblemException extends ResureException {

  private static final long serialVersionUID = 1;

  private final int status;
  private final ProblemType type;
  private final @Nullable String at;
  private final @Nullable Duration retryAfter;

  ProblemException(
      int status,
      ProblemType type,
      String message,
      @Nullable String at,
      @Nullable Duration retryAfter) {
    super(message, null);
    this.status = status;
    this.type = type;
    this.at = at;
    this.retryAfter = retryAfter;
  }

  /** HTTP status: after a 4xx nothing has changed. */
  public int status() {
    return status;
  }

  /** Stable type; {@link ProblemType#UNKNOWN} for one that this version does not know. */
  public ProblemType type() {
    return type;
  }

  /** JSON pointer, parameter or limit that the problem is about; null where there is none. */
  public @Nullable String at() {
    return at;
  }

  /** How long the service asks to be left alone; null when it does not say. */
  @Override
  @Nullable Duration retryAfter() {
    return retryAfter;
  }
}
