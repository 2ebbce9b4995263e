package resure.replay;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import resure.compute.Compute;
import resure.compute.Sweep;
import resure.journal.JournalException;

/** Tries the configurations of a plan on recorded batches. */
public final class Trial {

  /**
   * A trial that has not begun.
   *
   * @param passes opens the recorded batches
   * @param computes makes backends that fold
   * @param sweeps backends that weigh, each used by one thread at a time
   * @param executor runs the work; not the thread that calls {@link #run}
   * @param threads most tasks that it is given at a time
   */
  public Trial(
      ReplayPlan plan,
      Passes passes,
      Supplier<Compute> computes,
      List<Sweep> sweeps,
      Executor executor,
      int threads) {}

  /**
   * Does it; blocking. Whatever ends it, no task of it is left running.
   *
   * @return a result for each configuration, in the order of the plan
   * @throws java.util.concurrent.CancellationException when {@code progress} threw it
   */
  public List<ReplayResult> run(Progress progress) throws JournalException {
    progress.at(0);
    throw new IllegalStateException("not there yet");
  }
}
