package resure.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;

/**
 * What moments ought to be: two passes in decimals of 60 digits, over observations that may count
 * in part. Says how far double arithmetic may be from that.
 *
 * <p>With u = 2^-53, kappa^2 = sum(x^2) / M2 the square of the condition number (Chan, Golub,
 * LeVeque 1983, eq. 2.1) and c a small multiple of u and of the depth of the additions, the mean
 * may be off by c max|x|, a two-pass M2 by c (1 + c^2 kappa^2) M2 and a merged one by c kappa (1 +
 * c kappa) M2.
 */
public final class ExactMoments {

  private static final MathContext DIGITS = new MathContext(60);
  private static final double UNIT_ROUNDOFF = 0x1p-53;

  private final double[] values;
  private final BigDecimal n;
  private final BigDecimal mean;
  private final BigDecimal m2;
  private final BigDecimal squares;

  private ExactMoments(double[] values, double[] counts) {
    this.values = values;
    BigDecimal total = BigDecimal.ZERO;
    BigDecimal sum = BigDecimal.ZERO;
    BigDecimal sumOfSquares = BigDecimal.ZERO;
    for (int i = 0; i < values.length; i++) {
      BigDecimal count = new BigDecimal(counts[i]);
      BigDecimal x = new BigDecimal(values[i]);
      total = total.add(count, DIGITS);
      sum = sum.add(count.multiply(x), DIGITS);
      // Evidence that has faded leaves its rounding behind, so its squares count in full.
      sumOfSquares = sumOfSquares.add(x.multiply(x), DIGITS);
    }
    n = total;
    mean = total.signum() == 0 ? BigDecimal.ZERO : sum.divide(total, DIGITS);
    squares = sumOfSquares;
    BigDecimal deviations = BigDecimal.ZERO;
    for (int i = 0; i < values.length; i++) {
      BigDecimal d = new BigDecimal(values[i]).subtract(mean);
      deviations =
          deviations.add(new BigDecimal(counts[i]).multiply(d, DIGITS).multiply(d), DIGITS);
    }
    m2 = deviations;
  }

  /** Moments of values that count once each. */
  public static ExactMoments of(double... values) {
    double[] counts = new double[values.length];
    Arrays.fill(counts, 1);
    return new ExactMoments(values, counts);
  }

  /** Moments of values that count {@code counts[i]} each. */
  public static ExactMoments weighted(double[] values, double[] counts) {
    return new ExactMoments(values, counts);
  }

  /** The mean as the nearest double. */
  public double mean() {
    return mean.doubleValue();
  }

  /** M2 as the nearest double. */
  public double m2() {
    return m2.doubleValue();
  }

  /** Standard deviation to a few ULPs. */
  public double sd() {
    return m2.divide(n.subtract(BigDecimal.ONE), DIGITS).sqrt(DIGITS).doubleValue();
  }

  /** Fails unless a two-pass reduction with pairwise sums may have given this. */
  void assertReduced(double count, double meanGiven, double m2Given) {
    int depth = 64 - Long.numberOfLeadingZeros(values.length) + 2;
    double c = 4 * depth * UNIT_ROUNDOFF;
    double sumOfSquares = squares.doubleValue();
    check(count, meanGiven, m2Given, c, c * (m2.doubleValue() + c * c * sumOfSquares));
  }

  /** Fails unless {@code depth} merges, one on top of the other, may have given this. */
  void assertMerged(Moments moments, int depth) {
    double c = 4 * (depth + 4) * UNIT_ROUNDOFF;
    double sumOfSquares = squares.doubleValue();
    double bound = c * Math.sqrt(sumOfSquares) * Math.sqrt(m2.doubleValue()) + c * c * sumOfSquares;
    check(moments.n(), moments.mean(), moments.m2(), c, bound);
  }

  private void check(double count, double meanGiven, double m2Given, double c, double m2Bound) {
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    // Below the normal range a rounding is absolute.
    double meanBound = c * largest + values.length * Double.MIN_VALUE;
    double underflow = values.length * Double.MIN_NORMAL;
    assertThat(m2Given).as("M2 of %s", described()).isNotNegative();
    assertThat(distance(count, n)).as("n").isLessThanOrEqualTo(c * n.doubleValue());
    assertThat(distance(meanGiven, mean))
        .as("error of mean %s of %s", meanGiven, described())
        .isLessThanOrEqualTo(meanBound);
    assertThat(distance(m2Given, m2))
        .as("error of M2 %s, which should be %s, of %s", m2Given, m2.doubleValue(), described())
        .isLessThanOrEqualTo(m2Bound + underflow);
  }

  private static double distance(double given, BigDecimal exact) {
    return new BigDecimal(given).subtract(exact).abs().doubleValue();
  }

  private String described() {
    return values.length <= 32
        ? Arrays.toString(values)
        : values.length + " values from " + Arrays.toString(Arrays.copyOf(values, 32));
  }
}
