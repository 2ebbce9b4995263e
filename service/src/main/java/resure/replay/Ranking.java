package resure.replay;

import java.util.Comparator;
import java.util.List;

/** The order of results. */
public final class Ranking {

  private Ranking() {}

  /**
   * Best first: by the first element of {@code rankBy}, ties by the next, at last by index. An
   * element with a bound parts those that satisfy it, which come first, from the others; one
   * without orders by its measure, best first, NaN last. Without any, by the area under the curve
   * where there are labels, else by index.
   */
  public static List<ReplayResult> order(List<ReplayResult> results, List<RankBy> rankBy) {
    List<RankBy> elements =
        rankBy.isEmpty() ? List.of(new RankBy(Measure.AUROC, null, null)) : rankBy;
    Comparator<ReplayResult> order = Comparator.comparingInt(result -> 0);
    for (RankBy element : elements) {
      order =
          order.thenComparing(
              element.bounded()
                  ? Comparator.comparing(result -> !element.admits(result))
                  : Comparator.comparingDouble(result -> badness(element.measure(), result)));
    }
    return results.stream().sorted(order.thenComparingInt(ReplayResult::index)).toList();
  }

  /** Sorts NaN last, as {@link Double#compare} does, and 0 like -0. */
  private static double badness(Measure measure, ReplayResult result) {
    double value = measure.of(result);
    return measure.largestBest() ? 0 - value : 0 + value;
  }
}
