package resure.compute;

import java.util.List;

/**
 * Weighs one window of recorded losses for many configurations that fold alike. Not thread-safe:
 * one owner at a time. Never blocks on I/O, changes nothing.
 *
 * <p>Weights are those before normalization and agree with {@link Compute#weigh} within a bound in
 * ULPs (those of the jvm backend are the same bits); sums may be in any order.
 */
public interface Sweep extends AutoCloseable {

  /** How many members a call for a window of this size should have at most; at least 1. */
  int membersAtOnce(int observations);

  /**
   * Weighs every observation of a window for each member.
   *
   * @param withWeights whether every single weight is wanted, too
   */
  Swept weigh(SweepWindow window, List<SweepMember> members, boolean withWeights);

  @Override
  void close();
}
