package resure.replay;

import java.util.List;
import java.util.concurrent.Executor;
import resure.journal.JournalException;

/** How plans are tried: on which backends. */
public interface Trials {

  /**
   * Tries a plan; blocking. Whatever ends it, nothing of it goes on afterwards.
   *
   * @param passes opens the recorded batches
   * @param executor runs the work
   * @param threads how many threads that has
   * @param progress is told how far it has come and may end it
   * @return a result for each configuration, in the order of the plan
   * @throws java.util.concurrent.CancellationException when {@code progress} threw it
   */
  List<ReplayResult> run(
      ReplayPlan plan, Passes passes, Executor executor, int threads, Progress progress)
      throws JournalException;
}
