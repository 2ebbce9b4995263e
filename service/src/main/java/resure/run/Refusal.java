package resure.run;

/** Why a request was not done. Unless said otherwise nothing has changed. */
public enum Refusal {
  /** There is no run of this name. */
  UNKNOWN_RUN,
  /** A run of this name exists with other settings; the detail is the field that differs. */
  RUN_CONFLICT,
  /** The attempt is not, or no longer, the run's current one. */
  STALE_ATTEMPT,
  /** The run is finished and the batch is not one of its last step or before. */
  RUN_FINISHED,
  /**
   * What was asked for is of a step whose losses the run has dropped. The detail is the earliest
   * step that is kept; empty for a batch without a step, whose key is that of a dropped one.
   */
  STEP_TOO_OLD,
  /** The key stands for another batch. */
  KEY_REUSED,
  /** Some of the run's batches have a step and some have none. */
  STEPS_MIXED,
  /** The run has not come to the sequence that was asked for; the detail is what it has come to. */
  SEQUENCE_NOT_REACHED,
  /** What was asked needs steps and the run's batches have none. */
  RUN_WITHOUT_STEPS,
  /** There is no run of the name to start from. */
  START_UNKNOWN_RUN,
  /** The run to start from has no usable observation. */
  START_EMPTY,
  /** The run to start from has none up to the step that was asked for. */
  START_TOO_OLD,
  /** The run to start from has dropped what it needs; the detail is the earliest step it can. */
  START_DROPPED,
  /** The run to start from has not come to that step; the detail is its newest, if there is one. */
  START_TOO_NEW,
  /** A step was asked for and the batches of the run to start from have none. */
  START_WITHOUT_STEPS,
  /** The records of the run to start from are damaged. */
  START_DAMAGED,
  /** As many batches wait for their step to close as may. */
  TOO_MANY_PENDING,
  /** There is nothing recorded that could be tried. */
  NO_OBSERVATIONS,
  /** The run has no replay of this name. */
  UNKNOWN_REPLAY,
  /** As many replays are unfinished as may. */
  TOO_MANY_REPLAYS,
  /** As many requests for replays wait as may. */
  REPLAYS_BUSY,
  /** The run keeps as many replays as it may. */
  REPLAYS_FULL,
  /** The run keeps as many evaluations as it may. */
  EVALUATIONS_FULL,
  /** The tenant has as many runs as it may. */
  RUNS_FULL,
  /** More runs than can be looked at together have evaluations. */
  TOO_MANY_RUNS,
  /** The shard's queue is full. */
  QUEUE_FULL,
  /** The service is stopping. */
  STOPPING,
  /** The store is away. */
  STORE_UNAVAILABLE,
  /** The batch may have been recorded and may not. */
  OUTCOME_UNKNOWN,
  /** The run's records are damaged. */
  RUN_DAMAGED
}
