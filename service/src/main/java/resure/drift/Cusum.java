package resure.drift;

/**
 * One-sided cumulative sum (Page 1954): S = max(0, S + x - k), raised when S exceeds a limit h. It
 * is lowered when S is back at 0, so that it does not flicker, and S never exceeds 2 h, so that the
 * way back takes no longer the longer it was raised. Owner thread only.
 */
final class Cusum {

  private final double reference;
  private final double limit;
  private double sum;
  private boolean raised;

  /**
   * At rest.
   *
   * @param reference k
   * @param limit h
   */
  Cusum(double reference, double limit) {
    this.reference = reference;
    this.limit = limit;
  }

  /** Takes the next value; true when that raises it. */
  boolean add(double x) {
    sum = Math.min(2 * limit, Math.max(0, sum + x - reference));
    boolean before = raised;
    raised = sum > limit || (raised && sum > 0);
    return raised && !before;
  }

  boolean raised() {
    return raised;
  }

  double sum() {
    return sum;
  }

  void restore(double sum, boolean raised) {
    this.sum = sum;
    this.raised = raised;
  }

  /** Back to rest. */
  void reset() {
    restore(0, false);
  }
}
