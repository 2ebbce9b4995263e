package resure.projection;

import java.util.Arrays;

/** Spearman's rank correlation: Pearson's of the ranks, ties having the mean of their ranks. */
public final class RankCorrelation {

  private RankCorrelation() {}

  /** Of pairs; NaN for fewer than two, or when one side is constant. */
  public static double of(double[] x, double[] y) {
    int n = x.length;
    double[] u = ranks(x);
    double[] v = ranks(y);
    // Twice the ranks less their mean are whole numbers, and so are their products: exact below
    // 2^53, whatever the order.
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < n; i++) {
      double a = 2 * u[i] - (n + 1);
      double b = 2 * v[i] - (n + 1);
      xy += a * b;
      xx += a * a;
      yy += b * b;
    }
    return n >= 2 && xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : Double.NaN;
  }

  /** Ranks from 1; of equal values their mean. */
  static double[] ranks(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double[] rankOf = new double[sorted.length];
    for (int from = 0, to; from < sorted.length; from = to) {
      to = from + 1;
      while (to < sorted.length && sorted[to] == sorted[from]) {
        to++;
      }
      Arrays.fill(rankOf, from, to, (from + 1 + to) / 2.0);
    }
    double[] ranks = new double[values.length];
    for (int i = 0; i < ranks.length; i++) {
      ranks[i] = rankOf[Arrays.binarySearch(sorted, values[i])];
    }
    return ranks;
  }
}
