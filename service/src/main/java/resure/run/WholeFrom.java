package resure.run;

import resure.observation.ObservationBatch;

/**
 * From where on every batch of a run that stands is recorded.
 *
 * @param step every batch of this step or a later one is; {@link ObservationBatch#NO_STEP} for a
 *     run without steps
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
