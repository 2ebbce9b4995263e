package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * What was recorded of one loss.
 *
 * @param sequence of its batch
 * @param step of its batch; null on a run without steps
 * @param rank of its batch
 * @param microBatch of its batch
 * @param dialogue id
 * @param source null for none
 * @param turn 0-based, in its dialogue
 * @param loss nats; NaN where it was unusable
 * @param weight the one that the trainer had applied if it said so; under shadow the one that would
 *     have been answered; else the one answered
 * @param unusable whether the loss was
 */
public record ExportedObservation(
    long sequence,
    @Nullable Long step,
    long rank,
    long microBatch,
    String dialogue,
    @Nullable String source,
    long turn,
    double loss,
    double weight,
    boolean unusable) {}
