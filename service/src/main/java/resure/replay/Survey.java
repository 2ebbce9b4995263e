package resure.replay;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Refolding;
import resure.run.Scored;
import resure.weighting.Configuration;

/** What a first pass over the recorded batches finds, before anything is weighed. */
final class Survey {

  private final Sample sample = new Sample();
  private final SourceTable sources;
  private @Nullable List<Scored> everything = new ArrayList<>();
  private long batches;
  private long losses;
  private long observations;
  private long turns;
  private int largestBatch;

  /**
   * Reads all batches.
   *
   * @param refolding of the plan's first configuration: the run that says which sources are kept
   *     apart
   * @param bytes budget of a window
   * @param columns and {@code rankings}: see {@link Budget#ofBatch}
   */
  Survey(Export recorded, Refolding refolding, long bytes, int columns, int rankings, Crew crew)
      throws JournalException {
    long used = 0;
    for (List<Scored> chunk = recorded.next(); !chunk.isEmpty(); chunk = recorded.next()) {
      for (Scored scored : chunk) {
        refolding.apply(scored);
        ObservationBatch batch = scored.batch();
        add(batch);
        used += Budget.ofBatch(batch, columns, rankings);
        if (used > bytes) {
          everything = null;
        }
        if (everything != null) {
          everything.add(scored);
        }
      }
      crew.report();
    }
    sources = new SourceTable(refolding.sources());
  }

  private void add(ObservationBatch batch) {
    sample.count(batch);
    batches++;
    losses += batch.size();
    observations += batch.observations();
    largestBatch = Math.max(largestBatch, batch.size());
    for (int d = 0; d < batch.dialogues(); d++) {
      int length = batch.offsets()[d + 1] - batch.offsets()[d];
      turns = Math.max(turns, length == 0 ? 0 : batch.firstTurn(d) + length);
    }
  }

  /** Every batch, where they fit in one window; else null. */
  @Nullable List<Scored> everything() {
    return everything;
  }

  Sample sample() {
    return sample;
  }

  SourceTable sources() {
    return sources;
  }

  long batches() {
    return batches;
  }

  /** Losses, null ones included. */
  long losses() {
    return losses;
  }

  /** Losses that are not null. */
  long observations() {
    return observations;
  }

  int largestBatch() {
    return largestBatch;
  }

  /** How many slots of a configuration are in use at most. */
  int slots(Configuration configuration) {
    return (int) Math.min(turns, configuration.maxTurns());
  }
}
