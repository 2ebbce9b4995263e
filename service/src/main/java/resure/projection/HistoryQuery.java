package resure.projection;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;

/**
 * Finds a run's history between two steps, in a bounded number of buckets: each is of one step, or
 * of as many as it takes, and reads rows of the highest level that still fits into it.
 */
public final class HistoryQuery implements RowsLook<HistoryView> {

  /** Marks that are given; the oldest are left out. */
  public static final int MOST_MARKS = 1000;

  /** Marks that are looked at. */
  private static final int LOOKED_AT = 100_000;

  private final RunKey run;
  private final int points;
  private final long fromStep;
  private final long toStep;

  /**
   * A query.
   *
   * @param points most buckets
   * @param fromStep first step, inclusive
   * @param toStep last step, inclusive
   */
  public HistoryQuery(RunKey run, int points, long fromStep, long toStep) {
    this.run = run;
    this.points = points;
    this.fromStep = fromStep;
    this.toStep = toStep;
  }

  @Override
  public HistoryView at(RunRows store, @Nullable RowsMark mark) throws JournalException {
    HistoryRows rows = new HistoryRows(store, run);
    long from = fromStep == 0 ? 0 : rows.firstAt(fromStep);
    long to = toStep == Long.MAX_VALUE ? rows.folded() : rows.firstAt(toStep + 1);
    List<HistoryBucket> buckets = from < to ? buckets(rows, from, to) : List.of();
    Deque<HistoryMark> marks = new ArrayDeque<>();
    for (HistoryMark each : rows.marks(0, Long.MAX_VALUE, LOOKED_AT)) {
      if (each.step() >= fromStep && each.step() <= toStep) {
        marks.add(each);
        if (marks.size() > MOST_MARKS) {
          marks.remove();
        }
      }
    }
    return new HistoryView(buckets, List.copyOf(marks));
  }

  private List<HistoryBucket> buckets(HistoryRows rows, long from, long to)
      throws JournalException {
    int level = 0;
    long span = 1;
    while (level + 1 < HistoryFormat.LEVELS
        && (to - from) / (span * HistoryFormat.FANOUT) >= points) {
      span *= HistoryFormat.FANOUT;
      level++;
    }
    long cells = (to - 1) / span - from / span + 1;
    long width = span * ((cells + points - 1) / points);
    long origin = from / span * span;
    Filling filling = new Filling(origin, width);
    for (long at = from; at < to; ) {
      int of = level;
      long size = span;
      while (at % size != 0 || at + size > to) {
        size /= HistoryFormat.FANOUT;
        of--;
      }
      // As many of that level as follow each other.
      long last =
          of == level
              ? to - to % size
              : Math.min(
                  to - to % size,
                  (at / (size * HistoryFormat.FANOUT) + 1) * size * HistoryFormat.FANOUT);
      rows.read(of, at / size, last / size, filling);
      at = last;
    }
    return filling.buckets;
  }

  /** Adds rows to the buckets that they belong to. */
  private static final class Filling implements HistoryRows.Taker {
    private final long origin;
    private final long width;
    private final List<HistoryBucket> buckets = new ArrayList<>();
    private long current = -1;

    Filling(long origin, long width) {
      this.origin = origin;
      this.width = width;
    }

    @Override
    public boolean take(int level, long index, HistoryBucket row) {
      long bucket = ((index << (3 * level)) - origin) / width;
      // What came late is shown with the step before it.
      HistoryBucket before = buckets.isEmpty() ? null : buckets.getLast();
      if (before != null && (bucket == current || row.toStep <= before.toStep)) {
        before.add(row);
        return true;
      }
      current = bucket;
      HistoryBucket next = new HistoryBucket();
      next.add(row);
      if (before != null) {
        next.fromStep = Math.max(next.fromStep, before.toStep + 1);
      }
      buckets.add(next);
      return true;
    }
  }
}
