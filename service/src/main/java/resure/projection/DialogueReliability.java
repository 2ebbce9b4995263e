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
 * @param excess mean over the usable ones that there was a reference for of (loss - mean) / standard
 *     deviation, each cut to at most 4 in magnitude; NaN for none
 * @param unreliability what it is ranked by: the sum of what those exceed 1 by, divided by their
 *     number and {@link #PRIOR}; at least 0
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

  /**
   * Observations without any excess that every dialogue is taken to have had besides: few losses,
   * however high, say less than many.
   */
  public static final int PRIOR = 16;

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
