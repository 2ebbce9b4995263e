package resure.client;

/** Who weighs a {@link TrainingRun}'s batches, as long as all is well. */
public enum Mode {
  /** The service: the step waits for its answer, at most until the deadline. */
  REMOTE,
  /**
   * This process, against the newest statistics that it has: some steps stale, no waiting. Losses
   * and applied weights are posted in the background.
   */
  LOCAL
}
