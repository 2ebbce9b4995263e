package resure.client;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.weighting.Configuration;

/**
 * A run as the service has it. The times inform people; nothing is decided by them.
 *
 * @param run name
 * @param state whether its training is over
 * @param attempt the current one; null while none was named
 * @param step newest; null before the first batch and for a run without steps
 * @param sequence of its newest change, from 1
 * @param lateBatches batches whose step was closed already when they came
 * @param createdAt when it was created
 * @param lastBatchAt when its newest batch was recorded; null for none
 * @param finishedAt when it was finished; null while it is active
 * @param configuration complete
 * @param labels by name
 * @param startFrom what it began with; null for nothing
 * @param retention how long its losses are kept
 * @param wholeFrom where what is kept of it begins; null while that is everything
 */
public record Run(
    String run,
    State state,
    @Nullable String attempt,
    @Nullable Long step,
    long sequence,
    long lateBatches,
    Instant createdAt,
    @Nullable Instant lastBatchAt,
    @Nullable Instant finishedAt,
    Configuration configuration,
    Map<String, String> labels,
    @Nullable StartFrom startFrom,
    Retention retention,
    @Nullable WholeFrom wholeFrom) {

  /** Whether a run's training is over. */
  public enum State {
    ACTIVE,
    FINISHED
  }
}
