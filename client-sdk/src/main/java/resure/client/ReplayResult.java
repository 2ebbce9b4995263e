package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.weighting.Configuration;

/**
 * What one configuration would have answered, before normalization. NaN for what does not exist: a
 * mean over nothing, a figure that needs labels.
 *
 * @param index position in the request, or of the point in the grid, from 0
 * @param configuration complete
 * @param observations usable losses
 * @param meanWeight over them
 * @param effectiveSampleRatio over them
 * @param downWeightedRatio share of them with a weight below 1
 * @param steadiness rank correlation of weights between visits of the same dialogue
 * @param auroc chance that a bad turn has a smaller weight than a good one
 * @param aurocError how far the true value is away at most; 0 where it is exact
 * @param averagePrecision of finding the bad turns by small weights
 * @param averagePrecisionError as {@code aurocError}
 * @param badMeanWeight over turns labelled bad
 * @param goodMeanWeight over all others
 * @param turns ascending by turn
 * @param sources in the order in which the run met them
 */
public record ReplayResult(
    long index,
    Configuration configuration,
    long observations,
    double meanWeight,
    double effectiveSampleRatio,
    double downWeightedRatio,
    double steadiness,
    double auroc,
    double aurocError,
    double averagePrecision,
    double averagePrecisionError,
    double badMeanWeight,
    double goodMeanWeight,
    List<Turn> turns,
    List<Source> sources) {

  /**
   * The same of one turn index.
   *
   * @param turn 0-based; the last of a run stands for all after it too
   * @param observations usable losses
   * @param meanWeight over them
   * @param effectiveSampleRatio over them
   * @param downWeightedRatio share of them with a weight below 1
   */
  public record Turn(
      int turn,
      long observations,
      double meanWeight,
      double effectiveSampleRatio,
      double downWeightedRatio) {}

  /**
   * The same of one source.
   *
   * @param source null for dialogues that name none, and for the pool of those past the 1,024th
   * @param observations usable losses
   * @param meanWeight over them
   * @param effectiveSampleRatio over them
   * @param downWeightedRatio share of them with a weight below 1
   * @param other whether this is the pool
   */
  public record Source(
      @Nullable String source,
      long observations,
      double meanWeight,
      double effectiveSampleRatio,
      double downWeightedRatio,
      boolean other) {}
}
