package resure.journal;

/**
 * What is stored is of a format that a later release brought. Nothing is wrong with it, but this
 * release can make no more of it than of what is damaged: the run is left to the other replicas, or
 * to the next start.
 */
public final class NewerFormatException extends CorruptJournalException {

  private static final long serialVersionUID = 1L;

  /**
   * With both versions.
   *
   * @param what is stored so, as a sentence begins
   */
  public NewerFormatException(String what, int version, int known) {
    super(
        "%s was written by a newer release (format %d, this one reads up to %d)"
            .formatted(what, version, known));
  }
}
