package resure.projection;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.projection.HistoryEvent.Position;

/** Finds what happened to a run after a position: its history, event by event. */
public final class EventsQuery implements RowsLook<List<HistoryEvent>> {

  private final RunKey run;
  private final Position after;
  private final int limit;

  /**
   * A query.
   *
   * @param limit steps after which no further entry is looked at
   */
  public EventsQuery(RunKey run, Position after, int limit) {
    this.run = run;
    this.after = after;
    this.limit = limit;
  }

  /** An event without its place among those of its entry. */
  private record Found(
      long sequence, long folded, @Nullable HistoryBucket bucket, @Nullable HistoryMark mark) {}

  private static final Comparator<Found> ORDER =
      Comparator.comparingLong(Found::sequence)
          .thenComparingLong(Found::folded)
          .thenComparing(found -> found.mark != null);

  @Override
  public List<HistoryEvent> at(RunRows store, @Nullable RowsMark mark) throws JournalException {
    HistoryRows rows = new HistoryRows(store, run);
    List<Found> found = new ArrayList<>();
    long[] end = {Long.MAX_VALUE};
    rows.read(
        0,
        rows.firstClosedBy(after.sequence()),
        rows.folded(),
        (level, index, step) -> {
          HistoryBucket bucket = new HistoryBucket();
          bucket.add(step);
          if (found.size() >= limit
              && bucket.sequence != found.getLast().sequence
              && found.getLast().sequence > after.sequence()) {
            end[0] = bucket.sequence;
            return false;
          }
          found.add(new Found(bucket.sequence, index, bucket, null));
          return true;
        });
    for (HistoryMark each : rows.marks(after.sequence(), end[0], Integer.MAX_VALUE)) {
      found.add(new Found(each.sequence(), each.folded(), null, each));
    }
    found.sort(ORDER);
    List<HistoryEvent> events = new ArrayList<>();
    long sequence = -1;
    int index = 0;
    for (Found each : found) {
      index = each.sequence == sequence ? index + 1 : 0;
      sequence = each.sequence;
      Position position = new Position(sequence, index);
      if (position.compareTo(after) > 0) {
        HistoryBucket bucket = each.bucket;
        HistoryMark marked = each.mark;
        if (bucket != null) {
          events.add(new HistoryEvent.Step(position, bucket));
        } else if (marked != null) {
          events.add(new HistoryEvent.Marked(position, marked));
        }
      }
    }
    return events;
  }
}
