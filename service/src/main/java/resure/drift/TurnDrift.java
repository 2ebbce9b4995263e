package resure.drift;

/**
 * What is known of a turn's drift once a step is folded.
 *
 * @param slowMean exponentially weighted mean loss over a long past, in nats; NaN before there is
 *     one
 * @param slowSd the standard deviation that goes with it; NaN before there is one
 * @param drift (fast mean - slow mean) / slow standard deviation; NaN until there are enough
 *     observations
 * @param warning whether a warning is raised now
 * @param warnings warnings ever raised
 * @param alarms alarms ever raised
 * @param lastAlarmStep the step that raised the last of them; {@link #NO_STEP} when there is none
 */
public record TurnDrift(
    double slowMean,
    double slowSd,
    double drift,
    boolean warning,
    long warnings,
    long alarms,
    long lastAlarmStep) {

  /** In place of a step where there is none. */
  public static final long NO_STEP = -1;

  /** Of a turn that has not come yet. */
  public static final TurnDrift NONE =
      new TurnDrift(Double.NaN, Double.NaN, Double.NaN, false, 0, 0, NO_STEP);

  /**
   * Of two turns that are shown as one: the higher gauge, with its mean, and all that was raised.
   */
  public TurnDrift pooled(TurnDrift other) {
    TurnDrift higher = drift >= other.drift || Double.isNaN(other.drift) ? this : other;
    return new TurnDrift(
        higher.slowMean,
        higher.slowSd,
        higher.drift,
        warning || other.warning,
        warnings + other.warnings,
        alarms + other.alarms,
        Math.max(lastAlarmStep, other.lastAlarmStep));
  }
}
