package resure.projection;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.journal.Row;
import resure.journal.RowKind;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.projection.HistoryFormat.Extent;

/** Reads the rows of one run's history. Blocking; one thread. */
final class HistoryRows {

  private static final int AT_ONCE = 256;

  private final RunRows rows;
  private final RunKey run;
  private final Extent extent;

  HistoryRows(RunRows rows, RunKey run) throws JournalException {
    this.rows = rows;
    this.run = run;
    extent = HistoryFormat.extent(rows.get(run, RowKind.HISTORY, HistoryFormat.extentKey()));
  }

  /** Folded steps that there are. */
  long folded() {
    return extent.folded();
  }

  /** Ordinal of the first folded step that is shown at {@code step} or later. */
  long firstAt(long step) throws JournalException {
    return first(step, HistoryBucket::toStep);
  }

  /** Ordinal of the first folded step that an entry of {@code sequence} or later closed. */
  long firstClosedBy(long sequence) throws JournalException {
    return first(sequence, HistoryBucket::sequence);
  }

  private long first(long atLeast, ToLongFunction<HistoryBucket> asked) throws JournalException {
    long from = 0;
    long to = extent.folded();
    while (from < to) {
      long middle = (from + to) >>> 1;
      if (asked.applyAsLong(step(middle)) < atLeast) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private HistoryBucket step(long ordinal) throws JournalException {
    byte[] content =
        rows.get(run, RowKind.HISTORY, HistoryFormat.key(0, ordinal / HistoryFormat.FANOUT));
    if (content == null) {
      throw missing();
    }
    HistoryFormat.Steps steps = new HistoryFormat.Steps(content);
    steps.skip((int) (ordinal % HistoryFormat.FANOUT));
    HistoryBucket step = new HistoryBucket();
    if (!steps.next(step)) {
      throw missing();
    }
    return step;
  }

  private static CorruptJournalException missing() {
    return new CorruptJournalException("a row of a history is missing");
  }

  /** Takes what follows each other in order. */
  interface Taker {
    /**
     * Takes what a level has at an index; whether more are wanted.
     *
     * @param bucket used again for the next one
     */
    boolean take(int level, long index, HistoryBucket bucket) throws JournalException;
  }

  /** Gives what a level has from one index to before another; of level 0, folded steps. */
  void read(int level, long from, long to, Taker taker) throws JournalException {
    long perRow = level == 0 ? HistoryFormat.FANOUT : 1;
    long end = (to + perRow - 1) / perRow;
    HistoryBucket bucket = new HistoryBucket();
    long next = from;
    while (next < to) {
      long row = next / perRow;
      int wanted = (int) Math.min(AT_ONCE, end - row);
      List<Row> found =
          rows.scan(
              run,
              RowKind.HISTORY,
              HistoryFormat.key(level, row),
              HistoryFormat.key(level, end),
              wanted);
      if (found.size() < wanted) {
        throw missing();
      }
      for (Row each : found) {
        if (level > 0) {
          HistoryFormat.read(each.content(), level, bucket);
          if (!taker.take(level, next++, bucket)) {
            return;
          }
          continue;
        }
        HistoryFormat.Steps steps = new HistoryFormat.Steps(each.content());
        steps.skip((int) (next % perRow));
        long last = Math.min(to, (next / perRow + 1) * perRow);
        while (next < last) {
          if (!steps.next(bucket)) {
            throw missing();
          }
          if (!taker.take(0, next++, bucket)) {
            return;
          }
        }
      }
    }
  }

  /**
   * Marks that happened with an entry of {@code sequence} or later, as many as there may be.
   *
   * @param before of a later one none
   */
  List<HistoryMark> marks(long sequence, long before, int limit) throws JournalException {
    List<HistoryMark> marks = new ArrayList<>();
    byte @Nullable [] from = HistoryFormat.marksFrom(sequence);
    byte[] to =
        before == Long.MAX_VALUE ? HistoryFormat.marksEnd() : HistoryFormat.marksFrom(before);
    while (from != null && marks.size() < limit) {
      int wanted = Math.min(AT_ONCE, limit - marks.size());
      List<Row> found = rows.scan(run, RowKind.HISTORY, from, to, wanted);
      for (Row row : found) {
        marks.add(HistoryFormat.mark(row.key(), row.content()));
      }
      from = found.size() < wanted ? null : after(found.getLast().key());
    }
    return marks;
  }

  private static byte[] after(byte[] key) {
    return Arrays.copyOf(key, key.length + 1);
  }
}
