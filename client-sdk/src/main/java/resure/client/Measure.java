package resure.client;

/**
 * A figure of a {@link ReplayResult}. The largest is best, but of {@link #DOWN_WEIGHTED_RATIO} and
 * {@link #BAD_MEAN_WEIGHT}. The last four need labels.
 */
public enum Measure {
  MEAN_WEIGHT("meanWeight"),
  EFFECTIVE_SAMPLE_RATIO("effectiveSampleRatio"),
  DOWN_WEIGHTED_RATIO("downWeightedRatio"),
  STEADINESS("steadiness"),
  AUROC("auroc"),
  AVERAGE_PRECISION("averagePrecision"),
  BAD_MEAN_WEIGHT("badMeanWeight"),
  GOOD_MEAN_WEIGHT("goodMeanWeight");

  private final String label;

  Measure(String label) {
    this.label = label;
  }

  /** The name in the contract. */
  public String label() {
    return label;
  }
}
