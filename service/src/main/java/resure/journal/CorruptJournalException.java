package resure.journal;

/** What is stored is damaged: a checksum, a gap, or a record in another's place. */
public final class CorruptJournalException extends JournalException {

  private static final long serialVersionUID = 1L;

  /** With what was found by the store. */
  public CorruptJournalException(String message, Throwable cause) {
    super(message, cause);
  }

  /** With what was found here. */
  public CorruptJournalException(String message) {
    super(message);
  }
}
