package resure.client;

import java.time.Instant;

/**
 * A score of a run's model.
 *
 * @param sequence where it stands in the run's journal
 * @param at when it was recorded
 * @param step steps that the model was trained; of a run without steps, batches
 * @param benchmark what it was tried on
 * @param score what it scored
 * @param samples observations of the batches before that step, about
 */
public record Evaluation(
    long sequence, Instant at, long step, String benchmark, double score, long samples) {}
