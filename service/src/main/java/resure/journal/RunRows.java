package resure.journal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of runs' read models, beside the journal that they are made from: to lose some costs
 * reading it again, so that nothing here is synced, exported or backed up. Blocking; safe for use
 * by many threads and, where the journal is shared, processes.
 *
 * <p>The rows of a run and its mark change together or not at all, also in a crash, after which
 * they may be as they were some time before. Those of a run that is gone are gone.
 */
public interface RunRows {

  /** Up to where the run's rows are written; null when there are none. */
  @Nullable RowsMark mark(RunKey run) throws JournalException;

  /** What a row holds; null when it is not there. */
  byte @Nullable [] get(RunKey run, RowKind kind, byte[] key) throws JournalException;

  /**
   * Rows in the order of their keys' bytes, taken as unsigned.
   *
   * @param from first key
   * @param to key before which to end; null for the last
   * @param limit most rows to give
   */
  List<Row> scan(RunKey run, RowKind kind, byte[] from, byte @Nullable [] to, int limit)
      throws JournalException;

  /**
   * Changes rows and moves the mark, if that is still {@code expected} and the run is there.
   *
   * @param expected null for a run without rows
   * @param changes of distinct rows
   * @return false, with nothing changed, when another has moved the mark or the run is gone
   */
  boolean write(RunKey run, @Nullable RowsMark expected, RowsMark next, List<RowChange> changes)
      throws JournalException;

  /**
   * The same, when instead all rows of the run are removed. Where that is cut short, some may be
   * left under {@code next}, to be cleared again.
   */
  boolean clear(RunKey run, @Nullable RowsMark expected, RowsMark next) throws JournalException;
}
