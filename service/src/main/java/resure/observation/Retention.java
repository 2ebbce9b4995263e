package resure.observation;

/**
 * How long the recorded losses of a run are kept.
 *
 * @param steps those of this many newest steps are (of a run without steps, of this many newest
 *     batches); {@link Long#MAX_VALUE} for all
 */
public record Retention(long steps) {

  /** Nothing is dropped. */
  public static final Retention ALL = new Retention(Long.MAX_VALUE);

  /** Checks the number. */
  public Retention {
    if (steps < 1) {
      throw new IllegalArgumentException("a run keeps at least one step");
    }
  }

  /** Whether nothing is dropped. */
  public boolean keepsAll() {
    return steps == Long.MAX_VALUE;
  }
}
