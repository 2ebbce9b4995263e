package resure.bench;

import resure.statistics.Moments;

/**
 * Page-Hinkley's test for a rise (Page 1954), beside which ours is measured: the sum of (x - mean
 * so far - tolerance) less the lowest that it has been, above a limit. Begins anew after an alarm.
 * Of step means in units of {@link LossStream#SD}: that scale it is told, ours has to find out.
 */
final class PageHinkley implements DriftDetector {

  /** Steps before it may raise an alarm: what River's does. */
  private static final int MIN_STEPS = 30;

  private final double tolerance;
  private final double limit;
  private int steps;
  private double mean;
  private double sum;
  private double lowest;

  PageHinkley(double tolerance, double limit) {
    this.tolerance = tolerance;
    this.limit = limit;
  }

  @Override
  public boolean add(Moments step) {
    double x = step.mean() / LossStream.SD;
    steps++;
    mean += (x - mean) / steps;
    sum += x - mean - tolerance;
    lowest = Math.min(lowest, sum);
    if (steps < MIN_STEPS || sum - lowest <= limit) {
      return false;
    }
    steps = 0;
    mean = 0;
    sum = 0;
    lowest = 0;
    return true;
  }
}
