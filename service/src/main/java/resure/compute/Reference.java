package resure.compute;

import resure.statistics.MomentsTable;
import resure.weighting.Weigher;

/** Frozen triples of one run, wherever a {@link Compute} keeps them. Immutable. */
public interface Reference {

  /** What weighs against them on the host, by plain arithmetic. */
  Weigher weigher();

  /** The triples, exactly, as a copy. */
  default MomentsTable triples() {
    return weigher().triples().copy();
  }
}
