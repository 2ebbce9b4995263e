package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * The weights of one batch, whoever they are from. Means are of weights before normalization.
 *
 * @param weights one for each loss
 * @param by who weighed
 * @param reason why not the one that the mode says; null where it was
 * @param meanWeight over usable losses; NaN for none
 * @param effectiveSampleRatio effective sample size over usable losses; NaN for none
 * @param runMeanWeight the newest known mean weight of the run, 1 before any is known: what a
 *     trainer multiplies the number of items of a whole step by when it divides by that, so that
 *     the learning rate keeps its meaning; not where the run normalizes, or is in shadow: that has
 *     been done, or there is nothing to do
 */
public record Weighed(
    Weights weights,
    By by,
    @Nullable FallbackReason reason,
    double meanWeight,
    double effectiveSampleRatio,
    double runMeanWeight) {

  /** Who weighed. */
  public enum By {
    /** The service: it has recorded the batch. */
    SERVICE,
    /** This process, against the newest statistics that it has. */
    LOCAL,
    /** Nobody, for want of statistics: 1, and 0 for an unusable loss. */
    ONE
  }

  static Weighed answered(Scores scores) {
    Summary summary = scores.summary();
    long usable = summary.observations() - summary.unusable();
    return new Weighed(
        scores.weights(),
        By.SERVICE,
        null,
        summary.meanWeight(),
        usable > 0 ? summary.effectiveSampleSize() / usable : Double.NaN,
        summary.runMeanWeight());
  }
}
