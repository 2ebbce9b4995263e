package resure.bench;

import java.util.Arrays;

/** The arithmetic of the reports. */
final class Figures {

  private Figures() {}

  /** Middle value; the mean of the two middle ones of an even number; NaN of none. */
  static double median(double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Element by element {@code a / b}: the ratio within each round. */
  static double[] ratios(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(a.length + " rounds beside " + b.length);
    }
    double[] ratios = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      ratios[i] = a[i] / b[i];
    }
    return ratios;
  }

  /**
   * Nearest rank: the smallest value that at least this share of all values do not exceed; 0 of
   * none.
   *
   * @param ascending sorted values
   * @param share in (0, 1]
   */
  static long percentile(long[] ascending, double share) {
    if (ascending.length == 0) {
      return 0;
    }
    int rank = (int) Math.ceil(share * ascending.length);
    return ascending[Math.max(rank, 1) - 1];
  }

  /** "0.912 (0.884 to 0.951)": the median and the extremes. */
  static String spread(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0
        ? "none"
        : "%.3f (%.3f to %.3f)".formatted(median(sorted), sorted[0], sorted[sorted.length - 1]);
  }

  /**
   * Share of all pairs in which the value of {@code a} is the higher one, ties half (Mann and
   * Whitney 1947): 0.5 where nothing tells the two apart.
   */
  static double shareHigher(long[] a, long[] b) {
    long[] ascending = b.clone();
    Arrays.sort(ascending);
    double higher = 0;
    for (long value : a) {
      int below = countBelow(ascending, value);
      higher += below + (countBelow(ascending, value + 1) - below) / 2.0;
    }
    return higher / a.length / b.length;
  }

  private static int countBelow(long[] ascending, long value) {
    int from = 0;
    int to = ascending.length;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (ascending[middle] < value) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }
}
