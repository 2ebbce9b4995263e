package resure.compute;

import java.util.List;
import resure.statistics.BatchMoments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/**
 * Weighs and folds whole groups of batches, of any mix of runs. Not thread-safe: one owner. Never
 * blocks on I/O.
 *
 * <p>Every operation is free of effects on what exists: references are immutable, folding makes a
 * new one. So a group whose append lost a race is simply weighed again. Statistics are the same
 * bits on every implementation and for every grouping; weights agree within a bound in ULPs.
 *
 * <p>Weighing, folding and reducing throw a {@link DeviceException} when a device fails; loading,
 * releasing and closing never do, and the triples of a reference stay readable.
 */
public interface Compute extends AutoCloseable {

  /** Name of the backend. */
  String backend();

  /** Makes a reference of triples that were exported or stored; exact. Copies {@code triples}. */
  Reference load(Configuration configuration, MomentsTable triples);

  /**
   * Folds, for each element, steps into a base; a new reference each, in the order of the group.
   */
  List<Reference> fold(List<Folding> group);

  /** Weighs each batch against its reference, in the order of the group. */
  List<RawWeights> weigh(List<Weighing> group);

  /** Reduces each batch to what folding needs of it, capped by its reference's fold rule. */
  List<BatchMoments> reduce(List<Weighing> group);

  /** Says that a reference of this object will not be used again. */
  void release(Reference reference);

  @Override
  void close();
}
