package resure.run;

import java.time.Instant;

/**
 * A score of a run's model.
 *
 * @param sequence where it stands in the run's journal
 * @param at when it was accepted
 * @param step steps that the model was trained; of a run without steps, batches
 * @param benchmark what it was tried on
 * @param score what it scored
 * @param samples observations of batches before that step, as known now: exact while the run has
 *     folded no more than some hundred steps, later within half a percent of all there are
 */
public record Evaluation(
    long sequence, Instant at, long step, String benchmark, double score, long samples) {}
