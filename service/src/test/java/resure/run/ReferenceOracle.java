package resure.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import resure.observation.ObservationBatch;

/**
 * Which batches a batch is weighed against, by definition rather than by keeping state:
 * reference(t) holds every batch of a step before t - lag that was accepted before the first batch
 * of step t or of a later one; it is ordered by the reference that a batch entered first, then by
 * step, rank, micro-batch and sequence.
 */
final class ReferenceOracle {

  /** An accepted batch. */
  record Accepted(long sequence, ObservationBatch batch) {
    long step() {
      return batch.step();
    }
  }

  private final int lag;
  private final List<Accepted> accepted = new ArrayList<>();

  ReferenceOracle(int lag) {
    this.lag = lag;
  }

  void accept(long sequence, ObservationBatch batch) {
    accepted.add(new Accepted(sequence, batch));
  }

  long newest() {
    return accepted.stream().mapToLong(Accepted::step).max().orElse(-1);
  }

  boolean late(long step) {
    return step < newest() - lag;
  }

  /** What a batch that is accepted next is weighed against: steps to fold, oldest first. */
  List<List<Accepted>> reference(long step) {
    return contents(late(step) ? newest() : step);
  }

  private List<List<Accepted>> contents(long t) {
    TreeMap<String, List<Accepted>> steps = new TreeMap<>();
    for (Accepted batch : accepted) {
      if (batch.step() < t - lag && batch.sequence < frozen(t)) {
        long entered = batch.step() + lag + 1;
        while (batch.sequence >= frozen(entered)) {
          entered++;
        }
        steps
            .computeIfAbsent("%09d %09d".formatted(entered, batch.step()), k -> new ArrayList<>())
            .add(batch);
      }
    }
    for (List<Accepted> batches : steps.values()) {
      batches.sort(
          Comparator.comparingLong((Accepted b) -> b.batch.rank())
              .thenComparingLong(b -> b.batch.microBatch())
              .thenComparingLong(Accepted::sequence));
    }
    return List.copyOf(steps.values());
  }

  /** Sequence of the batch that froze reference(t); that of the next one when none has yet. */
  private long frozen(long t) {
    return accepted.stream()
        .filter(batch -> batch.step() >= t)
        .mapToLong(Accepted::sequence)
        .min()
        .orElse(Long.MAX_VALUE);
  }
}
