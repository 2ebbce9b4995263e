package resure.client;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * When a call is made again: pure policy, without clock or threads. The wait before the n-th
 * repetition is drawn evenly from 0 to min(2 s, 50 ms * 2^(n-1)) (full jitter: clients that failed
 * together do not come back together), and comes on top of the {@code Retry-After} that the service
 * asked for. A wait that would end past the deadline is not begun.
 */
final class Retries {

  /** What {@link #pause} answers for a call that has failed. */
  static final long NO_MORE = -1;

  /** About what a service's hiccup lasts: less would only add to its load. */
  private static final long FIRST = Duration.ofMillis(50).toNanos();

  /** Within it a service that is back is noticed soon. */
  private static final long LONGEST = Duration.ofSeconds(2).toNanos();

  private final DoubleSupplier random;

  /** For numbers from 0 (inclusive) to 1 (exclusive). */
  Retries(DoubleSupplier random) {
    this.random = random;
  }

  /**
   * Nanoseconds to wait before the next attempt; {@link #NO_MORE} for none.
   *
   * @param failure of the attempt before
   * @param safe whether the call may be made again although it was carried out
   * @param failures so far, that one included
   * @param fresh whether another address has not been tried since the last wait: it is, at once
   * @param left nanoseconds to the deadline
   */
  long pause(ResureException failure, boolean safe, int failures, boolean fresh, long left) {
    if (!worthRepeating(failure) || !(safe || nothingDone(failure))) {
      return NO_MORE;
    }
    long pause = fresh ? 0 : backoff(failures, failure);
    return pause < left ? pause : NO_MORE;
  }

  /** Whether the call was certainly not carried out. */
  private static boolean nothingDone(ResureException failure) {
    if (failure instanceof ProblemException problem) {
      return problem.status() == 429 || problem.type() == ProblemType.STORE_UNAVAILABLE;
    }
    return failure instanceof UnavailableException unavailable && !unavailable.sent();
  }

  /** The wait alone, whatever the deadline. */
  long backoff(int failures, ResureException failure) {
    long bound = Math.min(LONGEST, FIRST << Math.min(failures - 1, 20));
    long jittered = (long) (random.getAsDouble() * bound);
    Duration asked = failure.retryAfter();
    return asked == null ? jittered : asked.toNanos() + jittered;
  }

  /**
   * Whether the same request may do better later: nobody answered, or not with an answer to it.
   * What was refused is refused again, and a damaged run stays so until somebody sees to it.
   */
  static boolean worthRepeating(ResureException failure) {
    if (failure instanceof ProblemException problem) {
      int status = problem.status();
      return (status == 429 || status == 500 || (status >= 502 && status <= 504))
          && problem.type() != ProblemType.RUN_DAMAGED;
    }
    return failure instanceof UnavailableException;
  }
}
