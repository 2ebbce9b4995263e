package resure.replay;

import java.util.List;
import resure.weighting.Configuration;

/**
 * What to try.
 *
 * @param configurations each as if it had been the run's own
 * @param bad labels; empty when there are none, or nothing is bad
 * @param labelled whether there are labels: bad from good is told only then
 * @param rankBy order of the results; empty for the default
 */
public record ReplayPlan(
    List<Configuration> configurations, List<Bad> bad, boolean labelled, List<RankBy> rankBy) {

  /** Copies the lists. */
  public ReplayPlan {
    configurations = List.copyOf(configurations);
    bad = List.copyOf(bad);
    rankBy = List.copyOf(rankBy);
  }
}
