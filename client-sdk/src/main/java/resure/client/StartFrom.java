package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * Statistics of another run that a new one begins with.
 *
 * @param run that run, with at least one usable observation
 * @param step its statistics after this step; null for the newest
 * @param observations what a turn's statistics count for at most, at least 2; null for no bound
 */
public record StartFrom(String run, @Nullable Long step, @Nullable Double observations) {

  /** The newest statistics of a run, unbounded. */
  public static StartFrom newestOf(String run) {
    return new StartFrom(run, null, null);
  }
}
