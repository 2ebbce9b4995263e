package resure.projection;

import java.util.List;

/**
 * A run's history between two steps.
 *
 * @param buckets in order, of no step twice
 * @param marks in order of sequence, the newest of them if there are very many
 */
public record HistoryView(List<HistoryBucket> buckets, List<HistoryMark> marks) {
  /** Copies the lists. */
  public HistoryView {
    buckets = List.copyOf(buckets);
    marks = List.copyOf(marks);
  }
}
