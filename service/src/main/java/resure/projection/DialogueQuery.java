package resure.projection;

import org.jspecify.annotations.Nullable;

/**
 * Which dialogues are asked for, least reliable first.
 *
 * @param limit most to give, at least 1
 * @param after the last one of the page before; null for the first page
 * @param source only those of this source; null for all
 * @param turn only those with this turn, ranked by it alone; null for all turns
 */
public record DialogueQuery(
    int limit, @Nullable Place after, @Nullable String source, @Nullable Integer turn) {

  /**
   * Where a dialogue stands in the order.
   *
   * @param unreliability that it is ranked by
   * @param dialogue its id
   */
  public record Place(double unreliability, String dialogue) {}
}
