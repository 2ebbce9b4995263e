package resure.run;

import java.util.Comparator;
import resure.statistics.BatchMoments;

/**
 * An accepted batch whose step is still open, or that came late: what folding needs of it.
 *
 * @param step its step; for a run without steps the ordinal of the batch
 * @param rank its rank
 * @param microBatch its index within rank and step
 * @param sequence its position in the journal
 * @param moments the triples of its losses
 * @param totals its weight sums
 */
record PendingBatch(
    long step,
    long rank,
    long microBatch,
    long sequence,
    BatchMoments moments,
    BatchTotals totals) {

  /** Steps ascending, within a step the canonical order in which batches are merged. */
  static final Comparator<PendingBatch> ORDER =
      Comparator.comparingLong(PendingBatch::step)
          .thenComparingLong(PendingBatch::rank)
          .thenComparingLong(PendingBatch::microBatch)
          .thenComparingLong(PendingBatch::sequence);
}
