package resure.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.journal.JournalEntry;

/**
 * Batches of some runs that are weighed at once. Those of a run are adjacent, and of one step.
 * Owner: the shard's thread.
 */
final class Picks {

  private final List<Pick> picks = new ArrayList<>();

  /** A batch, with the position that its entry will get. */
  record Pick(Slot slot, Run run, Request.Score request, long sequence) {}

  void add(Slot slot, Run run, Request.Score request, long sequence) {
    picks.add(new Pick(slot, run, request, sequence));
  }

  boolean isEmpty() {
    return picks.isEmpty();
  }

  /** All of them; none are left. */
  List<Pick> takeAll() {
    List<Pick> all = List.copyOf(picks);
    picks.clear();
    return all;
  }

  /**
   * Weighs them, against what the steps that they close are folded to; none are left.
   *
   * @throws resure.compute.DeviceException when that fails; all are left
   */
  List<InFlight> weigh(Compute compute, Instant now) {
    fold(compute);
    List<Weighing> weighings = new ArrayList<>(picks.size());
    for (Pick pick : picks) {
      weighings.add(pick.run.weighing(pick.request.batch));
    }
    List<RawWeights> raw = compute.weigh(weighings);
    List<InFlight> weighed = new ArrayList<>(picks.size());
    for (int i = 0; i < picks.size(); i++) {
      Pick pick = picks.get(i);
      JournalEntry.Batch entry =
          new JournalEntry.Batch(
              now,
              pick.request.key,
              pick.request.batch,
              pick.run.weights(pick.request.batch, raw.get(i)));
      weighed.add(new InFlight(pick.slot, pick.request, pick.run, pick.sequence, entry));
    }
    picks.clear();
    return weighed;
  }

  /** Folds, for all runs at once, what the steps of the picked batches close. */
  private void fold(Compute compute) {
    List<Run> runs = new ArrayList<>();
    List<Folding> foldings = new ArrayList<>();
    do {
      runs.clear();
      foldings.clear();
      Run last = null;
      for (Pick pick : picks) {
        Folding folding = pick.run == last ? null : pick.run.unfolded(pick.request.batch);
        if (folding != null) {
          runs.add(pick.run);
          foldings.add(folding);
        }
        last = pick.run;
      }
      List<Reference> folded = foldings.isEmpty() ? List.of() : compute.fold(foldings);
      for (int i = 0; i < folded.size(); i++) {
        runs.get(i).folded(folded.get(i));
      }
    } while (!foldings.isEmpty());
  }
}
