package resure.journal;

/** What a {@link Document} of a run is. */
public enum DocumentKind {
  /** A replay that has not ended: what is asked. */
  REPLAY_RUNNING,
  /** How far a replay is that has not ended, for those processes that do not compute it. */
  REPLAY_PROGRESS,
  /** A replay that has ended: how. */
  REPLAY,
  /** A piece of the results of a replay. */
  REPLAY_RESULTS
}
