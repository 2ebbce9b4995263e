package resure.weighting;

/** What of a loss enters the statistics. */
public enum FoldRule {
  /**
   * min(x, mean + 3 sd) of the reference that the batch was weighed against, so that a burst of bad
   * dialogues cannot inflate the statistics that should catch it; the loss as it is in warm-up.
   */
  WINSORIZED("winsorized"),
  /** The loss as it is. */
  RAW("raw");

  private final String label;

  FoldRule(String label) {
    this.label = label;
  }

  /** The name in a configuration. */
  public String label() {
    return label;
  }
}
