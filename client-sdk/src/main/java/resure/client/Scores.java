package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The service's answer to a batch.
 *
 * @param sequence the batch's position in the run's journal
 * @param step the batch's step; null for none
 * @param weights one for each loss sent
 * @param summary of the batch
 * @param replayed whether the key was known: the batch had been recorded before
 * @param statistics of the run after this batch, where asked for; null where not, and in the rare
 *     case that the service could not have them at once
 */
public record Scores(
    long sequence,
    @Nullable Long step,
    Weights weights,
    Summary summary,
    boolean replayed,
    @Nullable TurnStatistics statistics) {

  /**
   * Statistics that came with an answer.
   *
   * @param sequence their version
   * @param turns ascending by turn
   */
  public record TurnStatistics(long sequence, List<Statistics.Turn> turns) {}
}
