package resure.projection;

import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.RowsMark;
import resure.journal.RunRows;

/**
 * Looks something up in the rows of a run. Blocking; rows may be changed while it looks.
 *
 * @param <T> what it finds
 */
public interface RowsLook<T> {

  /**
   * Looks.
   *
   * @param mark up to where the rows are written, at least; null when there are none
   */
  T at(RunRows rows, @Nullable RowsMark mark) throws JournalException;
}
