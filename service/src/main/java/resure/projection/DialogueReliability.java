package resure.projection;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run has found of one dialogue.
 *
 * @param dialogue its id
 * @param source as it was sent last; null for none
 * @param visits elements of batches with a loss of it
 * @param observations losses that were not null
 * @param unusable of them
 * @param meanWeight of the usable ones, before normalization; NaN for none
 * @param excess mean over the usable ones that there was a reference for of z = (loss - mean) /
 *     standard deviation, each cut to at most 3 in magnitude; NaN for none
 * @param unreliability what it is ranked by: the mean over the same of z + {@link #BEYOND} * max(0,
 *     z - 1), times visits / (visits + {@link #PRIOR}); 0 for none
 * @param lastStep of its last visit; -1 for a run without steps
 * @param turns ascending
 */
public record DialogueReliability(
    String dialogue,
    @Nullable String source,
    long visits,
    long observations,
    long unusable,
    double meanWeight,
    double excess,
    double unreliability,
    long lastStep,
    List<Turn> turns) {

  /** How much more counts what is beyond one standard deviation, which is nothing unusual. */
  public static final int BEYOND = 3;

  /**
   * Visits without any excess that every dialogue is taken to have had besides: few, however bad,
   * say less than many. A dialogue's visits are here those of the turn that has most with a
   * reference.
   */
  public static final int PRIOR = 3;

  /**
   * One turn of it, those past the last that is told apart taken together.
   *
   * @param turn its index
   * @param observations losses that were not null
   * @param unusable of them
   * @param meanLoss of the usable ones; NaN for none
   * @param meanWeight of the usable ones; NaN for none
   * @param excess as of the dialogue; NaN for none
   */
  public record Turn(
      int turn,
      long observations,
      long unusable,
      double meanLoss,
      double meanWeight,
      double excess) {}
}
