package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run has found of one dialogue.
 *
 * @param dialogue its id
 * @param source as it was sent last; null for none
 * @param visits elements of batches with a loss of it
 * @param observations losses that were not null
 * @param unusable of them, those that could not be weighed
 * @param meanWeight of the others, before normalization; NaN for none
 * @param excess mean, in standard deviations, of how far its losses were above the mean of their
 *     turn, each cut to 3 in magnitude; NaN where all were in warm-up
 * @param unreliability what dialogues are ordered by, descending; 0 for an ordinary one
 * @param lastStep of its last visit; null in a run without steps
 * @param turns with a loss, ascending
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
    @Nullable Long lastStep,
    List<Turn> turns) {

  /**
   * One turn of it, those past the last that the run tells apart taken together.
   *
   * @param turn its index
   * @param observations losses that were not null
   * @param unusable of them, those that could not be weighed
   * @param meanLoss of the others; NaN for none
   * @param meanWeight of the others; NaN for none
   * @param excess as of the dialogue
   */
  public record Turn(
      long turn,
      long observations,
      long unusable,
      double meanLoss,
      double meanWeight,
      double excess) {}
}
