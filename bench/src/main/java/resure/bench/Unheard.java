package resure.bench;

import java.util.List;
import resure.drift.TurnDrift;
import resure.journal.RunKey;
import resure.run.RunListener;
import resure.run.Totals;
import resure.statistics.MomentsTable;

/** Nobody who wants to know. */
record Unheard() implements RunListener {
  @Override
  public void groupApplied(
      int batches, int observations, String backend, long weighNanos, long appendNanos) {}

  @Override
  public void lateBatch() {}

  @Override
  public void deviceFailed() {}

  @Override
  public void trimmed(long entries) {}

  @Override
  public void retired() {}

  @Override
  public void recovered(long nanos) {}

  @Override
  public void folded(RunKey run, MomentsTable reference, Totals totals, List<TurnDrift> drift) {}

  @Override
  public void ended(RunKey run) {}
}
