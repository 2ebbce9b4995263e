package resure.replay;

import resure.observation.ObservationBatch;
import resure.weighting.Configuration;

/**
 * Heap that a trial may use, whatever the size of the run and of the plan.
 *
 * @param windowBytes for the batches of one window and the columns made of them
 * @param passBytes for what is kept of classes and members from window to window
 */
record Budget(long windowBytes, long passBytes) {

  /** Columns of one loss, with a cell of its own. */
  private static final long COLUMN_BYTES = 52;

  /** Weights of one loss, and their copies while they are sorted. */
  private static final long RANKED_BYTES = 32;

  private static final long BATCH_BYTES = 512;
  private static final long DIALOGUE_BYTES = 40;
  private static final long LOSS_BYTES = 17;

  /** Triples, open steps and pending batches of a fold: an ordinary one takes less. */
  private static final long FOLD_BYTES = 64 << 10;

  private static final long ACCUMULATED_BYTES = 24;

  /** An eighth of the heap each. */
  static Budget ofHeap() {
    long share = Runtime.getRuntime().maxMemory() / 8;
    return new Budget(share, share);
  }

  /**
   * Part of the window that a batch takes.
   *
   * @param columns how many sets of columns are filled at a time
   * @param rankings how many members' weights are ranked at a time
   */
  static long ofBatch(ObservationBatch batch, int columns, int rankings) {
    long perLoss = LOSS_BYTES + columns * COLUMN_BYTES + rankings * RANKED_BYTES;
    perLoss += batch.tokens() == null ? 0 : Long.BYTES;
    perLoss += batch.appliedWeights() == null ? 0 : Double.BYTES;
    return BATCH_BYTES
        + batch.ids().length
        + batch.dialogues() * DIALOGUE_BYTES
        + batch.size() * perLoss;
  }

  static long ofFold(Survey survey) {
    return FOLD_BYTES + 2L * Double.BYTES * survey.largestBatch();
  }

  static long ofWarmUp(Survey survey) {
    return 2L * Integer.BYTES * Configuration.MOST_TURNS
        + Math.min(survey.observations(), Sample.OBSERVATIONS) * (COLUMN_BYTES + 12);
  }

  static long ofMember(int slots, int sources, boolean binned) {
    return (slots + sources) * ACCUMULATED_BYTES + 256 + (binned ? Separating.Binned.BYTES : 0);
  }
}
