package resure.compute.djl;

import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import resure.compute.Folding;
import resure.compute.Reference;
import resure.statistics.BatchMoments;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * Folds steps into the bases of a group, one lane for each run and slot, all lanes at once: the
 * batches of a step merged over a pairwise tree, the base aged by factors from the host, the two
 * merged, step after step.
 */
final class GroupFolding {

  private final Cells cells;
  private final Staging staging;

  GroupFolding(Cells cells, Staging staging) {
    this.cells = cells;
    this.staging = staging;
  }

  /** A base and the lanes of its slots. */
  private static final class Lanes {
    final DjlReference base;
    final List<List<BatchMoments>> steps;
    final int from;
    final int slots;
    final long[] seen;

    Lanes(Folding folding, int from) {
      base = (DjlReference) folding.base();
      steps = folding.steps();
      this.from = from;
      int most = base.slots();
      for (List<BatchMoments> step : steps) {
        most = Math.max(most, slotsOf(step));
      }
      slots = most;
      seen = new long[slots];
      for (int slot = 0; slot < base.slots(); slot++) {
        seen[slot] = base.weigher.triples().moments(slot).seen();
      }
    }

    static int slotsOf(List<BatchMoments> step) {
      int most = 0;
      for (BatchMoments batch : step) {
        if (batch.size() > 0) {
          most = Math.max(most, batch.slot(batch.size() - 1) + 1);
        }
      }
      return most;
    }

    List<BatchMoments> step(int index) {
      return index < steps.size() ? steps.get(index) : List.of();
    }
  }

  /** One step of every base, staged. */
  private record StagedStep(
      Staging.Column n,
      Staging.Column mean,
      Staging.Column m2,
      PairwiseTree tree,
      Staging.Column segmentOf,
      Staging.Column factors) {}

  List<Reference> fold(NDManager owner, List<Folding> group) {
    staging.begin();
    List<Lanes> all = new ArrayList<>(group.size());
    int lanes = 0;
    int steps = 0;
    for (Folding folding : group) {
      Lanes added = new Lanes(folding, lanes);
      all.add(added);
      lanes += added.slots;
      steps = Math.max(steps, added.steps.size());
    }
    if (lanes == 0) {
      return folded(all, new double[0], 0);
    }
    Staging.Column baseCells = staging.indices(lanes);
    for (Lanes of : all) {
      for (int slot = 0; slot < of.slots; slot++) {
        staging.indices[baseCells.at(of.from + slot)] = of.base.cell(slot);
      }
    }
    List<StagedStep> staged = new ArrayList<>(steps);
    for (int step = 0; step < steps; step++) {
      staged.add(stage(all, step, lanes));
    }
    staging.send(owner);

    Triples triples = cells.triples(owner, staging.indices(owner, baseCells));
    for (StagedStep step : staged) {
      Triples batches =
          new Triples(
              staging.numbers(owner, step.n),
              staging.numbers(owner, step.mean),
              staging.numbers(owner, step.m2));
      Triples ofStep =
          step.tree.merge(owner, batches).take(owner, staging.indices(owner, step.segmentOf));
      triples = triples.aged(staging.numbers(owner, step.factors)).merge(ofStep);
    }
    double[] values =
        NDArrays.concat(new NDList(triples.n(), triples.mean(), triples.m2())).toDoubleArray();
    List<Reference> folded = folded(all, values, lanes);
    List<DjlReference> kept = new ArrayList<>(folded.size());
    folded.forEach(reference -> kept.add((DjlReference) reference));
    cells.keep(kept, triples);
    return folded;
  }

  /** A segment of the tree is a lane that the step touches, its elements the step's batches. */
  private StagedStep stage(List<Lanes> all, int index, int lanes) {
    int elements = 1;
    int segments = 0;
    for (Lanes of : all) {
      List<BatchMoments> step = of.step(index);
      int touched = Lanes.slotsOf(step);
      segments += touched;
      elements += touched * step.size();
    }
    Staging.Column n = staging.numbers(elements);
    Staging.Column mean = staging.numbers(elements);
    Staging.Column m2 = staging.numbers(elements);
    Staging.Column factors = staging.numbers(lanes);
    Staging.Column segmentOf = staging.indices(lanes);
    Arrays.fill(staging.numbers, n.from(), m2.from() + elements, 0);
    Arrays.fill(staging.numbers, factors.from(), factors.at(lanes), 1);
    Arrays.fill(staging.indices, segmentOf.from(), segmentOf.at(lanes), 0);
    int[] lengths = new int[segments];
    int segment = 0;
    int from = 1;
    for (Lanes of : all) {
      List<BatchMoments> step = of.step(index);
      int touched = Lanes.slotsOf(step);
      double[] observations = new double[touched];
      for (int b = 0; b < step.size(); b++) {
        BatchMoments batch = step.get(b);
        for (int i = 0; i < batch.size(); i++) {
          int slot = batch.slot(i);
          int element = from + slot * step.size() + b;
          staging.numbers[n.at(element)] = batch.n(i);
          staging.numbers[mean.at(element)] = batch.mean(i);
          staging.numbers[m2.at(element)] = batch.m2(i);
          observations[slot] += batch.n(i);
        }
      }
      for (int slot = 0; slot < touched; slot++) {
        lengths[segment++] = step.size();
        staging.indices[segmentOf.at(of.from + slot)] = segment;
        staging.numbers[factors.at(of.from + slot)] =
            MomentsTable.ageing(observations[slot], of.base.configuration.halfLife());
        of.seen[slot] += (long) observations[slot];
      }
      from += touched * step.size();
    }
    return new StagedStep(
        n, mean, m2, new PairwiseTree(staging, lengths, segments), segmentOf, factors);
  }

  private static List<Reference> folded(List<Lanes> all, double[] values, int lanes) {
    List<Reference> folded = new ArrayList<>(all.size());
    for (Lanes of : all) {
      MomentsTable table = new MomentsTable();
      for (int slot = 0; slot < of.slots; slot++) {
        int lane = of.from + slot;
        table.set(
            slot,
            new Moments(
                values[lane], values[lanes + lane], values[2 * lanes + lane], of.seen[slot]));
      }
      folded.add(new DjlReference(of.base.configuration, table));
    }
    return folded;
  }
}
