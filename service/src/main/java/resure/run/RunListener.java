package resure.run;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.drift.TurnDrift;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.statistics.MomentsTable;

/** Is told what happened, after it is durable, on the thread where it happened; must not block. */
public interface RunListener {

  /** Nobody listens. */
  RunListener NONE = new RunListener() {};

  /**
   * A group stands in the journal and is applied.
   *
   * @param backend name of the compute backend that weighed it
   */
  default void groupApplied(
      int batches, int observations, String backend, long weighNanos, long appendNanos) {}

  /** A batch stands in the journal and is applied; late when {@code weights} say so. */
  default void taken(RunKey run, ObservationBatch batch, Weights weights, Instant at) {}

  /** A run was read from the journal. */
  default void recovered(long nanos) {}

  /** A compute device failed; the runs on it are read again from the journal. */
  default void deviceFailed() {}

  /** A run's oldest entries, so many, were dropped. */
  default void trimmed(long entries) {}

  /** A run was deleted, since nothing was recorded to it for long. */
  default void retired() {}

  /**
   * A run's new reference; what is needed of {@code totals} must be copied.
   *
   * @param step the newest step, of a run without steps the ordinal of its newest batch; -1 for a
   *     run without batches
   * @param lastBatchAt when the newest batch was recorded; null for a run without batches
   * @param drift of each slot, from slot 0. Warnings and alarms in it that were not in the last one
   *     that was told of the run are new; those in the first one since the run {@link #ended} are
   *     not
   */
  default void folded(
      RunKey run,
      long step,
      @Nullable Instant lastBatchAt,
      MomentsTable reference,
      Totals totals,
      List<TurnDrift> drift) {}

  /** A run finished, went idle, was rewound or deleted: nothing more is said of it for now. */
  default void ended(RunKey run) {}
}
