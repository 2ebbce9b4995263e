package resure.statistics;

/**
 * Welford's triple of one slot.
 *
 * @param n observations that count, a real number under forgetting; 0 when there are none
 * @param mean mean loss in nats, meaningless when {@code n} is 0
 * @param m2 sum of squared deviations from the mean
 * @param seen observations ever folded, never aged
 */
public record Moments(double n, double mean, double m2, long seen) {

  /** No observation yet. */
  public static final Moments NONE = new Moments(0, 0, 0, 0);

  /** Sample standard deviation sqrt(M2 / (n - 1)); NaN while {@code n <= 1}. */
  public double sd() {
    return sd(n, m2);
  }

  /** Sample standard deviation sqrt(m2 / (n - 1)); NaN while {@code n <= 1}. */
  public static double sd(double n, double m2) {
    return n > 1 ? Math.sqrt(m2 / (n - 1)) : Double.NaN;
  }
}
