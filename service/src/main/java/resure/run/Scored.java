package resure.run;

import resure.observation.ObservationBatch;
import resure.observation.Weights;

/**
 * A batch that stands in the journal.
 *
 * @param sequence its position there
 * @param batch as it was recorded
 * @param weights as they were recorded
 * @param replayed whether this answers a repeated key
 */
public record Scored(long sequence, ObservationBatch batch, Weights weights, boolean replayed) {}
