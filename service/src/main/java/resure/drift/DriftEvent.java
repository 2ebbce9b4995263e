package resure.drift;

/**
 * Something noticed of a turn as a step was folded.
 *
 * @param slot the turn's slot
 * @param kind what
 * @param drift the gauge at that moment, in standard deviations
 */
public record DriftEvent(int slot, Kind kind, double drift) {

  /** What may be noticed. */
  public enum Kind {
    /** The loss seems to rise: early, and less certain. */
    WARNING,
    /** The loss has risen. */
    ALARM
  }
}
