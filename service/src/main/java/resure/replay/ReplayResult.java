package resure.replay;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one configuration would have done.
 *
 * @param index of the configuration in its plan
 * @param all sums over every usable observation
 * @param turns sums of each turn that has one, ascending
 * @param sources sums of each source that has one, in the order in which the run met them, the pool
 *     last
 * @param steadiness Spearman's rank correlation of a dialogue turn's weights between its successive
 *     visits, on a sample of the dialogues; NaN where fewer than two pairs were sampled or one side
 *     is constant
 * @param separation bad from good; null without labels
 */
public record ReplayResult(
    int index,
    Tally all,
    List<TurnTally> turns,
    List<SourceTally> sources,
    double steadiness,
    @Nullable Separation separation) {

  /** Copies the lists. */
  public ReplayResult {
    turns = List.copyOf(turns);
    sources = List.copyOf(sources);
  }
}
