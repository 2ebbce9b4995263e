package resure.drift;

import java.util.ArrayList;
import java.util.List;

/**
 * ADWIN by brute force: all values of the window are kept, in the buckets in which they may be
 * forgotten, and every cut is tried with means and variances in two passes over them.
 */
final class EveryWindow {

  private final double delta;

  /** Oldest first. */
  private final List<List<Double>> buckets = new ArrayList<>();

  private final List<Double> squaredDifferences = new ArrayList<>();
  private double last = Double.NaN;

  EveryWindow(double delta) {
    this.delta = delta;
  }

  boolean add(double value, double level, double rise) {
    if (!Double.isNaN(last)) {
      squaredDifferences.add((value - last) * (value - last));
    }
    last = value;
    buckets.add(new ArrayList<>(List.of(value)));
    for (int size = 1; size <= 128; size *= 2) {
      join(size);
    }
    for (int cut = clearest(); cut > 0; cut = clearest()) {
      double before = mean(values(0, cut));
      double after = mean(values(cut, buckets.size()));
      boolean risen = after - before >= rise && after - level >= rise;
      buckets.subList(0, risen ? cut : 1).clear();
      if (risen) {
        return true;
      }
    }
    return false;
  }

  private void join(int size) {
    List<List<Double>> ofSize = buckets.stream().filter(b -> b.size() == size).toList();
    if (ofSize.size() <= 5) {
      return;
    }
    int oldest = 0;
    while (buckets.get(oldest).size() != size) {
      oldest++;
    }
    List<Double> first = buckets.remove(oldest);
    if (size < 128) {
      buckets.get(oldest).addAll(0, first);
    }
  }

  private int clearest() {
    List<Double> all = values(0, buckets.size());
    int n = all.size();
    int cut = 0;
    double largest = 0;
    for (int i = 1; i < buckets.size() && n >= 18; i++) {
      List<Double> before = values(0, i);
      List<Double> after = values(i, buckets.size());
      if (before.size() < 5 || after.size() < 5) {
        continue;
      }
      double variance = (squares(before) + squares(after)) / (n - 2);
      double d = meanSquaredDifference();
      // r by von Neumann's ratio.
      double r = d == 0 ? 0 : Math.max(0, 1 - d / (2 * variance));
      double inflation = (1 + r) / (1 - r);
      double m = 1 / (1.0 / before.size() + 1.0 / after.size());
      double difference = mean(after) - mean(before);
      double epsilon = Math.sqrt(2 / m * variance * inflation * Math.log(2 * Math.log(n) / delta));
      double excess = m * (difference * difference - epsilon * epsilon);
      if (excess > largest) {
        largest = excess;
        cut = i;
      }
    }
    return cut;
  }

  /** Over the first 128 each counts the same, then a new one a 128th. */
  private double meanSquaredDifference() {
    double mean = 0;
    for (int i = 0; i < squaredDifferences.size(); i++) {
      mean += (squaredDifferences.get(i) - mean) / Math.min(i + 1, 128);
    }
    return mean;
  }

  private List<Double> values(int from, int to) {
    List<Double> values = new ArrayList<>();
    buckets.subList(from, to).forEach(values::addAll);
    return values;
  }

  static double mean(List<Double> values) {
    return values.stream().mapToDouble(v -> v).average().orElse(Double.NaN);
  }

  static double squares(List<Double> values) {
    double mean = mean(values);
    return values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
  }

  List<List<Double>> buckets() {
    return buckets;
  }
}
