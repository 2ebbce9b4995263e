package resure.run;

import java.util.List;
import resure.drift.DriftEvent;
import resure.drift.TurnDrift;
import resure.statistics.MomentsTable;

/**
 * A step that was folded, or what came late of one. Immutable: nobody else holds its parts, and
 * nobody changes them.
 *
 * @param step its number; for a run without steps the ordinal of the batch
 * @param sequence of the batch whose step closed it: its position in the journal
 * @param batches how many were folded
 * @param moments the triples of their losses per slot, capped as the fold rule says; {@code n} is 0
 *     where the step has none
 * @param totals their weight sums, in all and per slot and source
 * @param reference the triples that they were folded into, before that
 * @param drift per slot, from slot 0, after it; may have more slots than the step
 * @param events what was noticed as it was folded, slots ascending, a warning before an alarm
 */
public record FoldedStep(
    long step,
    long sequence,
    int batches,
    MomentsTable moments,
    Totals totals,
    MomentsTable reference,
    List<TurnDrift> drift,
    List<DriftEvent> events) {}
