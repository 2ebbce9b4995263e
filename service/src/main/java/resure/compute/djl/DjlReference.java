package resure.compute.djl;

import resure.compute.Reference;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/**
 * Frozen triples of one run: in {@link Cells} on the device, once a group has needed them, and on
 * the host for whoever reads them. The host's copy came with the result of the fold, so reading it
 * asks nothing of the device, and survives it.
 */
final class DjlReference implements Reference {

  /** Where a reference begins that is not on the device. */
  static final int NOWHERE = -1;

  final Configuration configuration;

  /** What weighing needs of each slot, worked out by the same code as on the other backend. */
  final Weigher weigher;

  /** First cell of slot 0; {@link Cells} moves it. */
  int cell = NOWHERE;

  boolean released;

  DjlReference(Configuration configuration, MomentsTable triples) {
    this.configuration = configuration;
    weigher = new Weigher(configuration, triples);
  }

  int slots() {
    return weigher.triples().slots();
  }

  /** Cell of a slot; the empty cell for one past the last. */
  int cell(int slot) {
    return slot < slots() ? cell + slot : Cells.EMPTY;
  }

  @Override
  public Weigher weigher() {
    return weigher;
  }
}
