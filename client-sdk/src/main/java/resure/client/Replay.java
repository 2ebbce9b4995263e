package resure.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Other configurations tried on the recorded losses of a run, in the background.
 *
 * @param replay name
 * @param state what has become of it
 * @param progress share of the work that is done, 0 to 1
 * @param configurations how many are tried
 * @param sequence of the run's newest change when it was asked for
 * @param createdAt when it was asked for
 * @param finishedAt when it ended; null while it is running
 * @param wholeFrom where the batches begin that it is of; null for all that the run ever had
 * @param detail why it failed; null unless it did
 * @param results best first; empty unless it is done, and in a list of replays
 */
public record Replay(
    String replay,
    State state,
    double progress,
    long configurations,
    long sequence,
    Instant createdAt,
    @Nullable Instant finishedAt,
    @Nullable WholeFrom wholeFrom,
    @Nullable String detail,
    List<ReplayResult> results) {

  /** {@link #RUNNING} while it waits or is computed, then for ever one of the others. */
  public enum State {
    RUNNING,
    DONE,
    FAILED,
    CANCELLED
  }
}
