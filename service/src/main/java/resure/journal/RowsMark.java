package resure.journal;

/**
 * Up to where a run's rows say what its journal does.
 *
 * @param head of the last entry that is in them
 * @param newestStep the newest step of which they hold a batch, -1 for none: a later rewind to it
 *     or before makes them stale
 * @param from sequence of the first entry that is in them; later than 2 when they were built after
 *     the run's oldest entries had been dropped
 */
public record RowsMark(Head head, long newestStep, long from) {

  /** Position of the last entry that is in them. */
  public long sequence() {
    return head.sequence();
  }
}
