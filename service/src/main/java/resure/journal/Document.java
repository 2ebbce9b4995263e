package resure.journal;

/**
 * Names bytes that are kept beside a run's entries and go with the run: they are no part of its
 * state.
 *
 * @param run whose it is
 * @param kind what it is
 * @param id names it among the run's documents of that kind: 1 to 64 visible ASCII characters
 */
public record Document(RunKey run, DocumentKind kind, String id) {

  private static final int LONGEST_ID = 64;

  /** Checks the id. */
  public Document {
    if (id.isEmpty() || id.length() > LONGEST_ID || !id.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new IllegalArgumentException("not a valid id of a document");
    }
  }
}
