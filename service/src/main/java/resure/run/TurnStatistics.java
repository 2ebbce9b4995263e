package resure.run;

import java.util.List;
import resure.drift.TurnDrift;
import resure.statistics.MomentsTable;

/**
 * What {@link RunStatistics} says of turns; immutable, nobody else holds its parts.
 *
 * @param sequence the position in the run's journal that this is the state of
 * @param turns triples of everything folded and pending
 * @param sums weight sums of everything folded and pending, per slot
 * @param drift of each slot, from slot 0, after the newest step that was folded
 */
public record TurnStatistics(
    long sequence, MomentsTable turns, List<WeightSums> sums, List<TurnDrift> drift) {}
