package resure.drift;

/**
 * When a rise is one. Not a run's configuration: calibrated once, by simulation, for all.
 *
 * @param reference what a rise must exceed to count towards a warning, in standard deviations
 * @param warning CUSUM above which a warning is raised, in standard deviations
 * @param delta ADWIN's parameter: the smaller, the larger a difference must be for a cut
 * @param rise smallest rise that is an alarm, in standard deviations
 */
public record DriftLimits(double reference, double warning, double delta, double rise) {

  /** Calibrated by {@code bench drift}: see docs/rationale.md. */
  public static final DriftLimits CALIBRATED = new DriftLimits(0.25, 3, 3e-5, 0.1);
}
