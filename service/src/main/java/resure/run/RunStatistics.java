package resure.run;

import resure.statistics.MomentsTable;

/**
 * A run's statistics at one sequence; immutable, nobody else holds its parts.
 *
 * @param run the run as it was
 * @param turns triples of everything folded and pending
 * @param totals weight sums of everything folded and pending
 * @param reference triples of reference(newest)
 * @param referenceRunMean the mean weight that goes with it; 1 before anything was folded
 */
public record RunStatistics(
    RunDescription run,
    MomentsTable turns,
    Totals totals,
    MomentsTable reference,
    double referenceRunMean) {}
