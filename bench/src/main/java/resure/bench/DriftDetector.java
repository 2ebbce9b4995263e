package resure.bench;

import java.util.function.Supplier;
import resure.statistics.Moments;

/** Says of a turn's steps, one after the other, when the loss has risen. */
@FunctionalInterface
interface DriftDetector {

  /** Takes a step's triple; true when it raises an alarm. */
  boolean add(Moments step);

  /**
   * A kind of detector.
   *
   * @param name for the tables
   * @param fresh makes one that has seen nothing
   */
  record Candidate(String name, Supplier<DriftDetector> fresh) {}
}
