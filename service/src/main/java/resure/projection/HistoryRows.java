package resure.projection;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

  /** What is asked of a row of level 0. */
  private interface Asked {
    long of(byte[] content) throws JournalException;
  }

  /** Ordinal of the first folded step that is shown at {@code step} or later. */
  long firstAt(long step) throws JournalException {
    return first(step, HistoryFormat::toStep);
  }

  /** Ordinal of the first folded step that an entry of {@code sequence} or later closed. */
  long firstClosedBy(long sequence) throws JournalException {
    return first(sequence, HistoryFormat::sequence);
  }

  private long first(long atLeast, Asked asked) throws JournalException {
    long from = 0;
    long to = extent.folded();
    while (from < to) {
      long middle = (from + to) >>> 1;
      if (asked.of(row(middle)) < atLeast) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private byte[] row(long ordinal) throws JournalException {
    byte[] content = rows.get(run, RowKind.HISTORY, HistoryFormat.key(0, ordinal));
    if (content == null) {
      throw missing();
    }
    return content;
  }

  private static CorruptJournalException missing() {
    return new CorruptJournalException("a row of a history is missing");
  }

  /** Takes rows in order. */
  interface Taker {
    /** Takes the row of a level; whether more are wanted. */
    boolean take(int level, long index, byte[] content) throws JournalException;
  }

  /** Gives the rows of a level from one index to before another. */
  void read(int level, long from, long to, Taker taker) throws JournalException {
    long next = from;
    while (next < to) {
      List<Row> found =
          rows.scan(
              run,
              RowKind.HISTORY,
              HistoryFormat.key(level, next),
              HistoryFormat.key(level, to),
              (int) Math.min(AT_ONCE, to - next));
      if (found.size() < Math.min(AT_ONCE, to - next)) {
        throw missing();
      }
      for (Row row : found) {
        if (!taker.take(level, next++, row.content())) {
          return;
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
