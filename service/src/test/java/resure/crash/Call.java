package resure.crash;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.contract.Answer;

/**
 * One request and what came of it.
 *
 * @param intent what it was made for
 * @param replica whom it was sent to
 * @param begun when it was about to be sent, by {@link System#nanoTime}
 * @param ended when its answer had been received, or had been given up
 * @param answer what was answered; null when no whole answer came
 * @param lingering whether it was given up, so that it may still wait to be served
 */
record Call(
    Intent intent,
    int replica,
    long begun,
    long ended,
    @Nullable Answer answer,
    boolean lingering) {

  /** Problems that say that nothing was done. */
  private static final Set<String> NOTHING_DONE = Set.of("429 queue-full", "503 store-unavailable");

  /** Whether it was done, now or by an earlier call. */
  boolean done() {
    return answer != null && answer.status() < 400;
  }

  /** Whether it was not done, and will not be. */
  boolean refused() {
    return answer != null
        && answer.status() >= 400
        && (answer.status() < 429 || NOTHING_DONE.contains(answer.outcome()));
  }

  /** Whether the same again may come to something. */
  boolean worthRepeating() {
    return answer == null || answer.status() == 429 || answer.status() == 503;
  }

  /** Status and problem type of the answer, or that there was none. */
  String outcome() {
    return answer != null ? answer.outcome() : lingering ? "given up" : "no answer";
  }

  @Override
  public String toString() {
    return "%s to replica %d, %d to %d: %s %s"
        .formatted(intent, replica, begun, ended, outcome(), answer == null ? "" : answer.text());
  }
}
