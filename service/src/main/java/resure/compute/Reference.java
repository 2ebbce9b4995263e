package resure.compute;

import resure.statistics.MomentsTable;

/** Frozen triples of one run, wherever a {@link Compute} keeps them. Immutable. */
public interface Reference {

  /** The triples, exactly, as a copy. */
  MomentsTable triples();
}
