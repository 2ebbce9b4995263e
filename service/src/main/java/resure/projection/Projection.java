package resure.projection;

import java.util.List;
import resure.journal.JournalException;
import resure.run.RunEvent;

/**
 * One read model: makes rows of what happened to a run. Keeps nothing in memory, so that its rows
 * are all there is; what they say must not depend on how the events are grouped into calls.
 */
public interface Projection {

  /**
   * Takes what happened next.
   *
   * @param events of one run, in order, at least one
   * @param rows the run's rows as they are after the events before these; what is changed there is
   *     written when all projections have been asked
   */
  void project(List<RunEvent> events, RowsEdit rows) throws JournalException;
}
