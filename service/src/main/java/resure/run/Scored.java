package resure.run;

import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import resure.observation.Weights;

/**
 * A batch that stands in the journal.
 *
 * @param sequence its position there
 * @param batch as it was recorded
 * @param weights as they were recorded
 * @param replayed whether this answers a repeated key
 * @param statistics those asked for with it; null where none were, or none could be had
 */
public record Scored(
    long sequence,
    ObservationBatch batch,
    Weights weights,
    boolean replayed,
    @Nullable TurnStatistics statistics) {

  /** Without statistics. */
  public Scored(long sequence, ObservationBatch batch, Weights weights, boolean replayed) {
    this(sequence, batch, weights, replayed, null);
  }

  /** The same with statistics. */
  Scored with(TurnStatistics those) {
    return new Scored(sequence, batch, weights, replayed, those);
  }
}
