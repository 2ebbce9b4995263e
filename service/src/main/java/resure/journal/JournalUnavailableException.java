package resure.journal;

/** The store is away: nothing was written or read. */
public final class JournalUnavailableException extends JournalException {

  private static final long serialVersionUID = 1L;

  /** With what was found by the store. */
  public JournalUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }

  /** With what was found here. */
  public JournalUnavailableException(String message) {
    super(message);
  }
}
