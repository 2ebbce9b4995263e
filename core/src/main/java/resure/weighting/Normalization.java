package resure.weighting;

/** What weights are divided by before they are answered. */
public enum Normalization {
  /** Nothing. */
  NONE("none"),
  /** The mean weight of their own batch: per POST, hence unfit for micro-batches. */
  BATCH_MEAN("batchMean"),
  /** The run's mean weight over everything folded into the reference. */
  RUN_MEAN("runMean");

  private final String label;

  Normalization(String label) {
    this.label = label;
  }

  /** The name in a configuration. */
  public String label() {
    return label;
  }
}
