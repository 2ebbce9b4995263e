package resure.drift;

import java.util.ArrayList;
import java.util.List;

/**
 * Adaptive windowing (Bifet, Gavaldà 2007, "Learning from time-changing data with adaptive
 * windowing"): the newest values, as far back as they seem to be alike. They are kept in an
 * exponential histogram: buckets of 1, 2, 4, ... values, at most {@value #BUCKETS} of a size, of
 * each its sum and its sum of squared deviations.
 *
 * <p>After each value every boundary between two buckets is tried as a cut. With n0 and n1 values
 * before and after it, 1/m = 1/n0 + 1/n1, n = n0 + n1, the window is cut where
 *
 * <pre>
 *   |mean1 - mean0| > sqrt(2 / m * variance * inflation * ln(2 ln(n) / delta))
 * </pre>
 *
 * <p>Three things differ from the paper. The variance is that within the two parts, since that of
 * the whole window grows with the very difference that is looked for. It is inflated for values
 * that are not independent: by (1 + r) / (1 - r), with r the autocorrelation at lag 1, from the
 * mean squared difference of successive values D (von Neumann 1941: D = 2 variance (1 - r)), which
 * a single jump hardly moves. And the term 2/3 ln(...) / m is left out: it guards against values
 * that fill their range, and these keep to a small part of it; at least {@value #MIN_PART} values
 * on both sides of a cut, and {@value #MIN_WINDOW} in all, stand in its place. What is left does
 * not depend on the scale of the values, so they need not be mapped to [0, 1].
 *
 * <p>Owner thread only.
 */
final class Adwin {

  /** Buckets of one size. */
  static final int BUCKETS = 5;

  /** Sizes of buckets: the window holds at most BUCKETS * (2^SIZES - 1) values. */
  static final int SIZES = 8;

  /** Fewest values before a cut, and after it. */
  static final int MIN_PART = 5;

  /** Fewest values in a window that is cut: of fewer the variance is too uncertain. */
  static final int MIN_WINDOW = 18;

  /** Successive values over which their squared differences are averaged. */
  private static final int DIFFERENCES = 128;

  private static final int CAPACITY = BUCKETS * SIZES + 1;

  /** 2 ln(2 ln(n)) of as many values as there may be. */
  private static final double[] LOG_LOGS = new double[BUCKETS * ((1 << SIZES) - 1) + 2];

  static {
    for (int n = 0; n < LOG_LOGS.length; n++) {
      LOG_LOGS[n] = 2 * StrictMath.log(2 * StrictMath.log(n));
    }
  }

  private final double twiceLogDelta;

  /** Oldest first: values in, their sum, and their squared deviations. */
  private final int[] size = new int[CAPACITY];

  private final double[] sum = new double[CAPACITY];
  private final double[] m2 = new double[CAPACITY];
  private int buckets;

  /** The newest value; NaN when there is none to compare the next one with. */
  private double last = Double.NaN;

  private double meanSquaredDifference;
  private int differences;

  /**
   * Empty.
   *
   * @param delta the smaller, the larger a difference must be for a cut
   */
  Adwin(double delta) {
    twiceLogDelta = 2 * StrictMath.log(delta);
  }

  /**
   * Takes the next value and forgets what it shows to be of another time: as in the paper the
   * oldest bucket, as long as there is a cut; once the values have risen, all before the cut.
   *
   * @param value any finite number
   * @param level what the values after a cut must be above, too, to have risen
   * @param rise by how much at least they must be above the level, and above those before
   * @return whether they have risen
   */
  boolean add(double value, double level, double rise) {
    compare(value);
    append(value);
    for (int cut = cut(); cut > 0; cut = cut()) {
      double after = mean(cut, buckets);
      if (after - mean(0, cut) >= rise && after - level >= rise) {
        remove(0, cut);
        return true;
      }
      remove(0, 1);
    }
    return false;
  }

  private void compare(double value) {
    double difference = value - last;
    if (!Double.isNaN(difference)) {
      differences = Math.min(DIFFERENCES, differences + 1);
      meanSquaredDifference += (difference * difference - meanSquaredDifference) / differences;
    }
    last = value;
  }

  private void append(double value) {
    size[buckets] = 1;
    sum[buckets] = value;
    m2[buckets] = 0;
    buckets++;
    // Buckets of one size stand together, larger ones before them.
    int end = buckets;
    for (int s = 0, of = 1; s < SIZES; s++, of *= 2) {
      int from = end;
      while (from > 0 && size[from - 1] == of) {
        from--;
      }
      if (end - from <= BUCKETS) {
        return;
      }
      if (s == SIZES - 1) {
        remove(0, 1);
        return;
      }
      mergeWithNext(from);
      end = from + 1;
    }
  }

  private void mergeWithNext(int i) {
    double d = sum[i + 1] / size[i + 1] - sum[i] / size[i];
    // Of one size.
    m2[i] = m2[i] + m2[i + 1] + d * d * size[i] / 2;
    sum[i] += sum[i + 1];
    size[i] *= 2;
    remove(i + 1, i + 2);
  }

  private void remove(int from, int to) {
    int moved = buckets - to;
    System.arraycopy(size, to, size, from, moved);
    System.arraycopy(sum, to, sum, from, moved);
    System.arraycopy(m2, to, m2, from, moved);
    buckets -= to - from;
  }

  /** Mean of the window. */
  double mean() {
    return mean(0, buckets);
  }

  private double mean(int from, int to) {
    double total = 0;
    int count = 0;
    for (int i = from; i < to; i++) {
      total += sum[i];
      count += size[i];
    }
    return total / count;
  }

  /** Buckets before the cut that is clearest; 0 when there is none. */
  private int cut() {
    int count = 0;
    double total = 0;
    for (int i = 0; i < buckets; i++) {
      count += size[i];
      total += sum[i];
    }
    if (count < MIN_WINDOW) {
      return 0;
    }
    double mean = total / count;
    double squares = 0;
    for (int i = 0; i < buckets; i++) {
      double d = sum[i] - size[i] * mean;
      squares += m2[i] + d * d / size[i];
    }
    double limit = LOG_LOGS[count] - twiceLogDelta;
    // What is between the parts of every cut: of between > limit * (squares - between) / (count -
    // 2).
    double least = limit * squares / (count - 2 + limit);
    int cut = 0;
    double clearest = 0;
    int before = 0;
    double deviation = 0;
    for (int i = 0; i < buckets - 1; i++) {
      before += size[i];
      deviation += sum[i] - size[i] * mean;
      int after = count - before;
      if (after < MIN_PART) {
        break;
      }
      // Nearly always false, and known without a division: this is done for every value.
      if (before >= MIN_PART && deviation * deviation * count > least * (before * after)) {
        // Squared deviations between the two parts: m (mean1 - mean0)^2.
        double between = deviation * deviation * count / (before * after);
        double within = Math.max(0, squares - between) / (count - 2);
        double excess = between - limit * within * inflation(within);
        if (excess > clearest) {
          clearest = excess;
          cut = i + 1;
        }
      }
    }
    return cut;
  }

  /** (1 + r) / (1 - r), at least 1: what the variance of a mean is multiplied by. */
  private double inflation(double variance) {
    return meanSquaredDifference > 0 ? Math.max(1, 4 * variance / meanSquaredDifference - 1) : 1;
  }

  /** As a turn's state keeps it. */
  TurnState.Window state() {
    List<TurnState.Bucket> kept = new ArrayList<>(buckets);
    for (int i = 0; i < buckets; i++) {
      kept.add(new TurnState.Bucket(size[i], sum[i], m2[i]));
    }
    return new TurnState.Window(last, meanSquaredDifference, differences, kept);
  }

  /** As it was when its state was taken. */
  void restore(TurnState.Window window) {
    last = window.last();
    meanSquaredDifference = window.meanSquaredDifference();
    differences = window.differences();
    buckets = window.buckets().size();
    for (int i = 0; i < buckets; i++) {
      TurnState.Bucket bucket = window.buckets().get(i);
      size[i] = bucket.size();
      sum[i] = bucket.sum();
      m2[i] = bucket.m2();
    }
  }
}
