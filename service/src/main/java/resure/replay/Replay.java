package resure.replay;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import resure.run.WholeFrom;

/**
 * A replay as people ask for it, without its results; immutable.
 *
 * @param id names it within its run; ids ascend by the time of creation
 * @param state how far it has come
 * @param progress share of its work that is done, from 0 to 1
 * @param configurations how many are tried
 * @param createdAt when it was asked for
 * @param finishedAt when it ended; null while it is running
 * @param sequence the run's newest entry when it was asked for: what came later is not in it
 * @param wholeFrom where the batches begin that it is of
 * @param detail why it failed; null unless it did
 */
public record Replay(
    String id,
    State state,
    double progress,
    int configurations,
    Instant createdAt,
    @Nullable Instant finishedAt,
    long sequence,
    WholeFrom wholeFrom,
    @Nullable String detail) {

  /** How far a replay has come. */
  public enum State {
    /** Waiting or being computed. */
    RUNNING,
    /** There are results. */
    DONE,
    /** There will be none. */
    FAILED,
    /** It was told to end before it did by itself. */
    CANCELLED;

    /** The name in answers. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
