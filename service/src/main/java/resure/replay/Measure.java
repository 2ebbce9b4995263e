package resure.replay;

import org.jspecify.annotations.Nullable;

/** What a configuration is judged by. */
public enum Measure {
  /** Mean weight; the largest is best. */
  MEAN_WEIGHT("meanWeight", true),
  /** Effective sample size per observation; the largest is best. */
  EFFECTIVE_SAMPLE_RATIO("effectiveSampleRatio", true),
  /** Share of the observations with a weight below 1; the smallest is best. */
  DOWN_WEIGHTED_RATIO("downWeightedRatio", false),
  /** Rank correlation of the weights of successive visits; the largest is best. */
  STEADINESS("steadiness", true),
  /** Chance that a bad turn has a smaller weight than a good one; the largest is best. */
  AUROC("auroc", true),
  /** Average precision of finding bad turns by small weights; the largest is best. */
  AVERAGE_PRECISION("averagePrecision", true),
  /** Mean weight of bad turns; the smallest is best. */
  BAD_MEAN_WEIGHT("badMeanWeight", false),
  /** Mean weight of good turns; the largest is best. */
  GOOD_MEAN_WEIGHT("goodMeanWeight", true);

  private final String label;
  private final boolean largestBest;

  Measure(String label, boolean largestBest) {
    this.label = label;
    this.largestBest = largestBest;
  }

  /** The name in a request and in a result. */
  public String label() {
    return label;
  }

  /** Whether a larger value is better. */
  public boolean largestBest() {
    return largestBest;
  }

  /** Whether it exists only where there are labels. */
  public boolean needsLabels() {
    return switch (this) {
      case AUROC, AVERAGE_PRECISION, BAD_MEAN_WEIGHT, GOOD_MEAN_WEIGHT -> true;
      case MEAN_WEIGHT, EFFECTIVE_SAMPLE_RATIO, DOWN_WEIGHTED_RATIO, STEADINESS -> false;
    };
  }

  /** Its value of a result; NaN where there is none. */
  public double of(ReplayResult result) {
    Separation separation = result.separation();
    return switch (this) {
      case MEAN_WEIGHT -> result.all().meanWeight();
      case EFFECTIVE_SAMPLE_RATIO -> result.all().effectiveSampleRatio();
      case DOWN_WEIGHTED_RATIO -> result.all().downWeightedRatio();
      case STEADINESS -> result.steadiness();
      case AUROC -> separation == null ? Double.NaN : separation.auroc();
      case AVERAGE_PRECISION -> separation == null ? Double.NaN : separation.averagePrecision();
      case BAD_MEAN_WEIGHT -> separation == null ? Double.NaN : separation.badMeanWeight();
      case GOOD_MEAN_WEIGHT -> separation == null ? Double.NaN : separation.goodMeanWeight();
    };
  }

  /** The measure of this name; null when there is none. */
  public static @Nullable Measure ofLabel(String label) {
    for (Measure measure : values()) {
      if (measure.label.equals(label)) {
        return measure;
      }
    }
    return null;
  }
}
