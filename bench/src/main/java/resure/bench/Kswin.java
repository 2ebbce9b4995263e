package resure.bench;

import java.util.Arrays;
import java.util.Random;
import resure.statistics.Moments;

/**
 * KSWIN (Raab, Heusinger, Schleif 2020), beside which ours is measured: Kolmogorov and Smirnov's
 * test of the newest {@value #RECENT} step means against as many drawn from the {@value #OLDER}
 * before. Of those that differ only rises count; after a difference the newest stay.
 */
final class Kswin implements DriftDetector {

  private static final int RECENT = 30;
  private static final int OLDER = 70;

  private final Random random;
  private final int limit;

  /** Oldest first. */
  private final double[] window = new double[OLDER + RECENT];

  private int filled;

  /**
   * Empty.
   *
   * @param limit the two differ when their distribution functions do by as many thirtieths: by
   *     SciPy's ks_2samp 13 for a level of 0.01, 14 for 0.005, 18 for 0.00003
   */
  Kswin(Random random, int limit) {
    this.random = random;
    this.limit = limit;
  }

  @Override
  public boolean add(Moments step) {
    if (filled == window.length) {
      System.arraycopy(window, 1, window, 0, --filled);
    }
    window[filled++] = step.mean();
    if (filled < window.length) {
      return false;
    }
    double[] recent = Arrays.copyOfRange(window, OLDER, filled);
    double[] past = Arrays.copyOf(window, OLDER);
    for (int i = 0; i < RECENT; i++) {
      // Without replacement: the first ones of a shuffle.
      int drawn = i + random.nextInt(OLDER - i);
      double value = past[drawn];
      past[drawn] = past[i];
      past[i] = value;
    }
    double[] older = Arrays.copyOf(past, RECENT);
    double rise = Arrays.stream(recent).sum() - Arrays.stream(older).sum();
    Arrays.sort(older);
    double[] sorted = recent.clone();
    Arrays.sort(sorted);
    if (distance(older, sorted) < limit) {
      return false;
    }
    System.arraycopy(recent, 0, window, 0, RECENT);
    filled = RECENT;
    return rise > 0;
  }

  /** Largest difference of the two distribution functions, in thirtieths. */
  private static int distance(double[] a, double[] b) {
    int i = 0;
    int j = 0;
    int largest = 0;
    while (i < RECENT && j < RECENT) {
      if (a[i] <= b[j]) {
        i++;
      } else {
        j++;
      }
      largest = Math.max(largest, Math.abs(i - j));
    }
    return largest;
  }
}
