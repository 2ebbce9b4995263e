package resure.journal;

/** What is stored is damaged: a checksum, a gap, or a record in another's place. */
public sealed class CorruptJournalException extends JournalException permits NewerFormatException {

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
