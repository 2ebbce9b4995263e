package resure.projection;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.run.Evaluation;
import resure.run.RunEvaluations;

/**
 * What the models of several runs score on one benchmark, beside how much each was trained on: more
 * samples should make better models, also where some of them are bad.
 *
 * @param name of the benchmark
 * @param points one a run, of its newest evaluation of the largest step; by samples, then by run
 */
public record Benchmark(String name, List<Point> points) {

  private static final int FEWEST = 3;

  /** The evaluation of a run that counts. */
  public record Point(String run, long step, long samples, double score) {}

  /** Copies the list. */
  public Benchmark {
    points = List.copyOf(points);
  }

  /** Of all benchmarks, or only that of a name, in the order of their names. */
  public static List<Benchmark> of(List<RunEvaluations> runs, @Nullable String name) {
    Map<String, List<Point>> points = new TreeMap<>();
    for (RunEvaluations run : runs) {
      Map<String, Evaluation> counting = new TreeMap<>();
      for (Evaluation evaluation : run.evaluations()) {
        if (name == null || name.equals(evaluation.benchmark())) {
          counting.merge(
              evaluation.benchmark(), evaluation, (a, b) -> b.step() >= a.step() ? b : a);
        }
      }
      counting.forEach(
          (benchmark, evaluation) ->
              points
                  .computeIfAbsent(benchmark, b -> new ArrayList<>())
                  .add(
                      new Point(
                          run.run(), evaluation.step(), evaluation.samples(), evaluation.score())));
    }
    List<Benchmark> benchmarks = new ArrayList<>();
    points.forEach(
        (benchmark, found) -> {
          found.sort(Comparator.comparingLong(Point::samples).thenComparing(Point::run));
          benchmarks.add(new Benchmark(benchmark, found));
        });
    return benchmarks;
  }

  /**
   * Spearman's rho of score against number of samples, ties having the mean of their ranks; NaN for
   * fewer than three points, or when one side is constant.
   */
  public double spearman() {
    return points.size() < FEWEST
        ? Double.NaN
        : RankCorrelation.of(
            points.stream().mapToDouble(Point::samples).toArray(),
            points.stream().mapToDouble(Point::score).toArray());
  }
}
