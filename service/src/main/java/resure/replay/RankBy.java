package resure.replay;

import org.jspecify.annotations.Nullable;

/**
 * One element of an order of results.
 *
 * @param measure what is compared
 * @param atLeast with a bound, results that satisfy it come before those that do not, and nothing
 *     else is decided; null for none
 * @param atMost likewise
 */
public record RankBy(Measure measure, @Nullable Double atLeast, @Nullable Double atMost) {

  /** Whether this only parts results into those within the bounds and the others. */
  public boolean bounded() {
    return atLeast != null || atMost != null;
  }

  /** Whether a result is within the bounds; NaN is not. */
  boolean admits(ReplayResult result) {
    double value = measure.of(result);
    return !Double.isNaN(value)
        && (atLeast == null || value >= atLeast)
        && (atMost == null || value <= atMost);
  }
}
