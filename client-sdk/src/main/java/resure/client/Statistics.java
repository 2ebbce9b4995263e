package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run's losses are like. Weights are the service's own, before normalization; means of
 * nothing are NaN.
 *
 * @param run name
 * @param step newest step; null for a run without steps
 * @param sequence version of these statistics
 * @param observations losses that are not null
 * @param lateBatches batches whose step was closed already when they came
 * @param meanWeight over usable losses
 * @param effectiveSampleRatio effective sample size over usable losses
 * @param turns with everything pending folded: what a later step would be weighed against
 * @param sources in no order
 * @param reference what a batch of the newest step is weighed against
 * @param etag the answer's, for {@link ResureClient#statisticsUnless}
 */
public record Statistics(
    String run,
    @Nullable Long step,
    long sequence,
    long observations,
    long lateBatches,
    double meanWeight,
    double effectiveSampleRatio,
    List<Turn> turns,
    List<Source> sources,
    Reference reference,
    String etag) {

  /**
   * One turn index.
   *
   * @param turn 0-based; the last of a run stands for all after it too
   * @param count n, real under forgetting
   * @param seen observations ever folded
   * @param mean nats; NaN for none
   * @param standardDeviation NaN where n is at most 1
   * @param m2 sum of squared deviations
   * @param meanWeight over usable losses
   * @param effectiveSampleRatio effective sample size over usable losses
   * @param unusable losses that were
   */
  public record Turn(
      int turn,
      double count,
      long seen,
      double mean,
      double standardDeviation,
      double m2,
      double meanWeight,
      double effectiveSampleRatio,
      long unusable) {}

  /**
   * One source.
   *
   * @param source null for dialogues that name none, and for the pool of those past the 1,024th
   * @param observations losses that are not null
   * @param meanWeight over usable losses
   * @param effectiveSampleRatio effective sample size over usable losses
   * @param other whether this is the pool
   */
  public record Source(
      @Nullable String source,
      long observations,
      double meanWeight,
      double effectiveSampleRatio,
      boolean other) {}

  /**
   * The reference of the newest step.
   *
   * @param step that step; null for a run without steps
   * @param runMeanWeight mean weight over everything folded into it
   * @param turns ascending by turn
   */
  public record Reference(@Nullable Long step, double runMeanWeight, List<Triple> turns) {}

  /**
   * Welford's statistics of one turn index.
   *
   * @param turn 0-based
   * @param count n, real under forgetting
   * @param seen observations ever folded
   * @param mean nats
   * @param m2 sum of squared deviations
   */
  public record Triple(int turn, double count, long seen, double mean, double m2) {}
}
