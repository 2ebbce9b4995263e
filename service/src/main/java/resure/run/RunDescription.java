package resure.run;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import resure.journal.RunKey;

/**
 * A run as people ask for it; immutable.
 *
 * @param key name and incarnation
 * @param settings configuration and labels
 * @param attempt the current start of its trainer, if ever named
 * @param step newest step; null before the first batch and for a run without steps
 * @param sequence of its newest entry
 * @param lateBatches batches of a step that was closed already
 * @param createdAt when it was created
 * @param lastBatchAt when its newest batch came
 * @param finishedAt when it was finished; null while it is active
 * @param wholeFrom from where on what is recorded of it is whole
 */
public record RunDescription(
    RunKey key,
    RunSettings settings,
    @Nullable String attempt,
    @Nullable Long step,
    long sequence,
    long lateBatches,
    Instant createdAt,
    @Nullable Instant lastBatchAt,
    @Nullable Instant finishedAt,
    WholeFrom wholeFrom) {

  /** Whether the training goes on. */
  public boolean active() {
    return finishedAt == null;
  }
}
