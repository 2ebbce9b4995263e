package resure.run;

import java.util.List;
import resure.drift.TurnDrift;
import resure.statistics.MomentsTable;

/**
 * A run's statistics at one sequence; immutable, nobody else holds its parts.
 *
 * @param run the run as it was
 * @param turns triples of everything folded and pending
 * @param totals weight sums of everything folded and pending
 * @param reference triples of reference(newest)
 * @param referenceRunMean the mean weight that goes with it; 1 before anything was folded
 * @param drift of each slot, from slot 0, after the newest step that was folded: an open step has
 *     no mean yet
 */
public record RunStatistics(
    RunDescription run,
    MomentsTable turns,
    Totals totals,
    MomentsTable reference,
    double referenceRunMean,
    List<TurnDrift> drift) {}
