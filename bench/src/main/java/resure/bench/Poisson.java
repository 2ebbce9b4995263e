package resure.bench;

/** How many events there may be on the average where so many were seen. */
final class Poisson {

  private Poisson() {}

  /**
   * Upper bound, at 95 %, of the expectation of a count (Garwood 1936): the one with which so few
   * would be seen one time in twenty.
   */
  static double upper(int count) {
    double low = count;
    double high = count + 10 + 4 * Math.sqrt(count + 1);
    for (int i = 0; i < 100; i++) {
      double middle = (low + high) / 2;
      if (atMost(count, middle) > 0.05) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /** Probability of at most so many. */
  private static double atMost(int count, double expectation) {
    double term = -expectation;
    double sum = Math.exp(term);
    for (int k = 1; k <= count; k++) {
      term += Math.log(expectation / k);
      sum += Math.exp(term);
    }
    return sum;
  }
}
