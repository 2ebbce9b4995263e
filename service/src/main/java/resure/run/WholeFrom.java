package resure.run;

/**
 * From where on every batch of a run that stands is recorded.
 *
 * @param step every batch of this step or a later one is; of a run without steps, so many of its
 *     batches are not
 * @param sequence they are all at this sequence or later
 */
public record WholeFrom(long step, long sequence) {

  /** Of a run that has lost nothing. */
  public static final WholeFrom BEGINNING = new WholeFrom(0, 1);

  /** Whether something was dropped. */
  public boolean trimmed() {
    return sequence > BEGINNING.sequence;
  }
}
