package resure.journal;

import org.jspecify.annotations.Nullable;
import resure.observation.StartFrom;
import resure.statistics.MomentsTable;

/**
 * What a run began with: the statistics of another run, looked up once when it was created. Nothing
 * that becomes of the other run afterwards matters.
 *
 * @param asked what the creating request said
 * @param step the step of the other run after which they are; null for a run without steps, or
 *     without batches of its own
 * @param triples the statistics as the run began with them: pooled and bounded. Not to be changed
 */
public record Start(StartFrom asked, @Nullable Long step, MomentsTable triples) {

  /** What was asked, with the step that it came to. */
  public StartFrom resolved() {
    return new StartFrom(asked.run(), step, asked.observations());
  }
}
