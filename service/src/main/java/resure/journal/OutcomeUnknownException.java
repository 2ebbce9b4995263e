package resure.journal;

/** An append failed half-way: its group may or may not have been written. */
public final class OutcomeUnknownException extends JournalException {

  private static final long serialVersionUID = 1L;

  /** With what was found by the store. */
  public OutcomeUnknownException(String message, Throwable cause) {
    super(message, cause);
  }

  /** With what was found here. */
  public OutcomeUnknownException(String message) {
    super(message);
  }
}
