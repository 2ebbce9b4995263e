package resure.journal;

import java.io.IOException;

/** The store could not do what it was asked; the subclass says what that means for the data. */
public abstract sealed class JournalException extends IOException
    permits JournalUnavailableException, OutcomeUnknownException, CorruptJournalException {

  private static final long serialVersionUID = 1L;

  JournalException(String message, Throwable cause) {
    super(message, cause);
  }

  JournalException(String message) {
    super(message);
  }
}
