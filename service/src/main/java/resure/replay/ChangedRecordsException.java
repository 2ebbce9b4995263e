package resure.replay;

/** A pass over the recorded batches found others than the pass before: the run is gone. */
public final class ChangedRecordsException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  ChangedRecordsException() {
    super("the recorded batches are no longer what they were");
  }
}
