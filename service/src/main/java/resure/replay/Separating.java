package resure.replay;

import java.util.Arrays;

/**
 * Takes one configuration's weights of labelled observations, and says how well they tell bad from
 * good. One thread at a time.
 */
sealed interface Separating {

  /**
   * Adds a window.
   *
   * @param weights in {@code from} to {@code from + columns.size() - 1} the weights of the window
   */
  void add(Columns columns, double[] weights, int from);

  /** How well. */
  Separation separation();

  /** Exactly, for what fits in one window. */
  final class Exact implements Separating {

    private Separation separation = new SeparationCurve(0, 0).separation(0, 0);

    @Override
    public void add(Columns columns, double[] weights, int from) {
      double[] bad = new double[columns.size()];
      double[] good = new double[columns.size()];
      int badBelow = 0;
      int goodBelow = 0;
      long allBad = 0;
      for (int i = 0; i < columns.size(); i++) {
        double weight = weights[from + i];
        allBad += columns.bad(i) ? 1 : 0;
        if (weight < 1) {
          if (columns.bad(i)) {
            bad[badBelow++] = weight;
          } else {
            good[goodBelow++] = weight;
          }
        }
      }
      Arrays.sort(bad, 0, badBelow);
      Arrays.sort(good, 0, goodBelow);
      long allGood = columns.size() - allBad;
      SeparationCurve curve = new SeparationCurve(allBad, allGood);
      for (int b = 0, g = 0; b < badBelow || g < goodBelow; ) {
        double weight = Math.min(b < badBelow ? bad[b] : 1, g < goodBelow ? good[g] : 1);
        int firstBad = b;
        int firstGood = g;
        while (b < badBelow && bad[b] == weight) {
          b++;
        }
        while (g < goodBelow && good[g] == weight) {
          g++;
        }
        curve.add(b - firstBad, g - firstGood);
      }
      curve.add(allBad - badBelow, allGood - goodBelow);
      separation =
          curve.separation(
              sum(bad, badBelow) + (allBad - badBelow),
              sum(good, goodBelow) + (allGood - goodBelow));
    }

    private static double sum(double[] values, int to) {
      double sum = 0;
      for (int i = 0; i < to; i++) {
        sum += values[i];
      }
      return sum;
    }

    @Override
    public Separation separation() {
      return separation;
    }
  }

  /** From histograms: exact for a weight of 1 and for the floor, which most weights are. */
  final class Binned implements Separating {

    /** Bins between the floor and 1; the least and the greatest weight have bins of their own. */
    static final int BINS = 1 << 16;

    /** Heap of one. */
    static final long BYTES = 2L * (BINS + 2) * Long.BYTES;

    private final double floor;
    private final long[] bad = new long[BINS + 2];
    private final long[] good = new long[BINS + 2];
    private double badSum;
    private double goodSum;

    Binned(double floor) {
      this.floor = floor;
    }

    @Override
    public void add(Columns columns, double[] weights, int from) {
      for (int i = 0; i < columns.size(); i++) {
        double weight = weights[from + i];
        if (columns.bad(i)) {
          bad[bin(weight)]++;
          badSum += weight;
        } else {
          good[bin(weight)]++;
          goodSum += weight;
        }
      }
    }

    /** Never falls as the weight rises. */
    private int bin(double weight) {
      if (weight == 1) {
        return BINS + 1;
      }
      if (weight == floor) {
        return 0;
      }
      return 1 + (int) Math.min(BINS - 1, (weight - floor) / (1 - floor) * BINS);
    }

    @Override
    public Separation separation() {
      SeparationCurve curve =
          new SeparationCurve(Arrays.stream(bad).sum(), Arrays.stream(good).sum());
      curve.add(bad[0], good[0]);
      for (int bin = 1; bin <= BINS; bin++) {
        if (bad[bin] > 0 || good[bin] > 0) {
          curve.addBlurred(bad[bin], good[bin]);
        }
      }
      curve.add(bad[BINS + 1], good[BINS + 1]);
      return curve.separation(badSum, goodSum);
    }
  }
}
