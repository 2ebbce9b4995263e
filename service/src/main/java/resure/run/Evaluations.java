package resure.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalEntry;

/**
 * A run's evaluations that stand, in order of sequence. An evaluation is of the batches before its
 * step: a rewind that removes one of those removes it, too. Owner thread only.
 */
final class Evaluations {

  /** As many as are kept of a run: hundreds of checkpoints on a dozen benchmarks. */
  static final int MOST = 4096;

  /** An evaluation, where it stands in the journal. */
  record Kept(long sequence, Instant at, long step, String benchmark, double score) {}

  private final List<Kept> kept = new ArrayList<>();

  void add(long sequence, JournalEntry.Evaluated evaluated) {
    String benchmark = evaluated.benchmark();
    // Most are of few benchmarks.
    for (int i = kept.size() - 1; i >= Math.max(0, kept.size() - 64); i--) {
      if (kept.get(i).benchmark.equals(benchmark)) {
        benchmark = kept.get(i).benchmark;
        break;
      }
    }
    kept.add(new Kept(sequence, evaluated.at(), evaluated.step(), benchmark, evaluated.score()));
  }

  /** Removes those of a model that was trained on a batch of {@code nextStep} or later. */
  void rewind(long nextStep) {
    kept.removeIf(evaluation -> evaluation.step > nextStep);
  }

  /** One that says the same, if there is one. */
  @Nullable Kept find(long step, String benchmark, double score) {
    for (Kept each : kept) {
      if (each.step == step
          && Double.compare(each.score, score) == 0
          && each.benchmark.equals(benchmark)) {
        return each;
      }
    }
    return null;
  }

  boolean full() {
    return kept.size() >= MOST;
  }

  List<Kept> list() {
    return Collections.unmodifiableList(kept);
  }
}
