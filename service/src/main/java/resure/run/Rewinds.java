package resure.run;

import java.util.ArrayList;
import java.util.List;

/**
 * Which batches of a run still stand: a batch is removed by any later rewind to its step or before.
 * Only rewinds that are not covered by a later one to the same or an earlier step are kept.
 */
final class Rewinds {

  /** A rewind at a sequence: removes the batches before it of {@code nextStep} and later. */
  record Rewind(long sequence, long nextStep) {}

  private final List<Rewind> rewinds;

  Rewinds() {
    this(List.of());
  }

  Rewinds(List<Rewind> rewinds) {
    this.rewinds = new ArrayList<>(rewinds);
  }

  Rewinds copy() {
    return new Rewinds(rewinds);
  }

  List<Rewind> list() {
    return rewinds;
  }

  void add(long sequence, long nextStep) {
    rewinds.removeIf(earlier -> earlier.sequence <= sequence && earlier.nextStep >= nextStep);
    rewinds.add(new Rewind(sequence, nextStep));
  }

  /** Forgets those that removed nothing at {@code sequence} or later. */
  void forgetUpTo(long sequence) {
    rewinds.removeIf(rewind -> rewind.sequence <= sequence);
  }

  /** Whether the batch of {@code step} at {@code sequence} was removed. */
  boolean removed(long sequence, long step) {
    for (Rewind rewind : rewinds) {
      if (rewind.sequence > sequence && step >= rewind.nextStep) {
        return true;
      }
    }
    return false;
  }

  /** Whether a rewind after {@code sequence} went back to {@code step} or before. */
  boolean wentBackTo(long step, long sequence) {
    return rewinds.stream().anyMatch(r -> r.sequence > sequence && r.nextStep <= step);
  }
}
