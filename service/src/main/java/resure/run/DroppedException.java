package resure.run;

/** What was being read is dropped by its run's retention: nobody's fault, and final. */
public final class DroppedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Of a run that is otherwise well. */
  public DroppedException() {
    super("batches were dropped by their run's retention while they were read");
  }
}
