package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * How long the losses of a run are kept; decides no weight.
 *
 * @param steps those of this many newest steps, at least 1 (of a run without steps, of this many
 *     newest batches); null for all
 */
public record Retention(@Nullable Long steps) {

  /** Nothing is dropped. */
  public static final Retention ALL = new Retention(null);

  /** Checks the number. */
  public Retention {
    if (steps != null && steps < 1) {
      throw new IllegalArgumentException("a run keeps at least one step, not " + steps);
    }
  }

  /** What is older than so many steps is dropped. */
  public static Retention ofSteps(long steps) {
    return new Retention(steps);
  }
}
