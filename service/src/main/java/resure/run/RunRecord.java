package resure.run;

import java.util.List;
import resure.journal.RunKey;
import resure.weighting.Configuration;

/**
 * What is recorded of a run, as it stands at one moment: for those who try other configurations on
 * it. Immutable.
 *
 * @param key name and incarnation
 * @param configuration the run's own
 * @param sequence of its newest entry
 * @param newestStep its newest step; of a run without steps, one that no rewind can reach
 * @param observations losses recorded that are not null, in the batches that stand; of a run that
 *     has dropped some, with those
 * @param slots turns that have an observation, and those before them
 * @param sources sources that have an observation, the pool counting as one
 * @param batches those that stand
 */
public record RunRecord(
    RunKey key,
    Configuration configuration,
    long sequence,
    long newestStep,
    long observations,
    int slots,
    int sources,
    Export batches) {

  static RunRecord of(Run run, Export batches) {
    Totals totals = run.statistics().totals();
    return new RunRecord(
        run.key(),
        run.configuration(),
        run.sequence(),
        run.newestStep(),
        totals.all().observations(),
        totals.slots().size(),
        totals.sources().size() + (totals.others().observations() > 0 ? 1 : 0),
        batches);
  }

  /** Most turns that this record can have under another {@code maxTurns}. */
  public int turns(int maxTurns) {
    // Where the last slot is taken, turns past it may be pooled there.
    return slots < configuration.maxTurns() ? Math.min(slots, maxTurns) : maxTurns;
  }

  /**
   * Most sums, each a {@code WeightSums} or its like, that results of these configurations have: of
   * each its own, and those of each turn and source.
   */
  public long sums(List<Configuration> configurations) {
    return configurations.stream().mapToLong(c -> 1L + turns(c.maxTurns()) + sources).sum();
  }
}
