package resure.observation;

import org.jspecify.annotations.Nullable;

/**
 * Whose statistics a new run asks to begin with.
 *
 * @param run name of another run of the same tenant
 * @param step the step after which they are taken; null for the newest that there are
 * @param observations how many observations a turn's statistics count for at most, at least 2;
 *     infinite for no bound
 */
public record StartFrom(String run, @Nullable Long step, double observations) {

  /** Checks the name and the bound. */
  public StartFrom {
    if (!RunId.validName(run) || !(observations >= 2)) {
      throw new IllegalArgumentException("not a run to start from");
    }
  }
}
