package resure.replay;

import java.util.List;

/** What became of a plan that could be read. */
public sealed interface Started {

  /** It is durable and will be tried, also after a restart. */
  record Accepted(Replay replay) implements Started {}

  /**
   * It was not taken: some labels name what never occurs in the run.
   *
   * @param first index of the first of them among the plan's labels
   * @param unknown the first of them, in the order of the plan, at most {@link Occurrence#LISTED}
   * @param total how many there are
   */
  record UnknownLabels(int first, List<Bad> unknown, int total) implements Started {}
}
