package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import resure.compute.Weighing;
import resure.observation.ObservationBatch;
import resure.statistics.BatchMoments;
import resure.weighting.Configuration;

/**
 * Reduces the usable losses of every batch and slot of a group to one triple each: the corrected
 * two-pass of {@code BatchReducer}, all batches and slots at once.
 */
final class GroupReduction {

  private final Cells cells;
  private final Staging staging;

  GroupReduction(Cells cells, Staging staging) {
    this.cells = cells;
    this.staging = staging;
  }

  List<BatchMoments> reduce(NDManager owner, List<Weighing> group) {
    staging.begin();
    int usable = 0;
    int segments = 0;
    // Per batch, how many usable losses each slot has.
    int[][] counts = new int[group.size()][];
    for (int b = 0; b < group.size(); b++) {
      counts[b] = counts(group.get(b));
      for (int count : counts[b]) {
        usable += count;
        segments += count > 0 ? 1 : 0;
      }
    }
    if (usable == 0) {
      return new ArrayList<>(java.util.Collections.nCopies(group.size(), BatchMoments.NONE));
    }
    Staging.Column losses = staging.numbers(usable + 1);
    Staging.Column sizes = staging.numbers(segments + 1);
    Staging.Column cellOf = staging.indices(usable + 1);
    Staging.Column segmentOf = staging.indices(usable + 1);
    staging.numbers[losses.at(0)] = -0.0;
    staging.numbers[sizes.at(0)] = 1;
    staging.indices[cellOf.at(0)] = Cells.EMPTY;
    staging.indices[segmentOf.at(0)] = 0;
    int[] lengths = new int[segments];
    int segment = 0;
    int next = 1;
    for (int b = 0; b < group.size(); b++) {
      int[] places = new int[counts[b].length];
      DjlReference reference = (DjlReference) group.get(b).reference();
      for (int slot = 0; slot < places.length; slot++) {
        int count = counts[b][slot];
        places[slot] = next;
        if (count > 0) {
          Arrays.fill(
              staging.indices, cellOf.at(next), cellOf.at(next + count), reference.cell(slot));
          Arrays.fill(staging.indices, segmentOf.at(next), segmentOf.at(next + count), segment + 1);
          staging.numbers[sizes.at(segment + 1)] = count;
          lengths[segment++] = count;
          next += count;
        }
      }
      place(group.get(b), places, losses);
    }
    PairwiseTree tree = new PairwiseTree(staging, lengths, segments);
    staging.send(owner);

    NDArray x = staging.numbers(owner, losses);
    NDArray n = staging.numbers(owner, sizes);
    NDArray cap = cells.cap(owner, staging.indices(owner, cellOf));
    x = NDArrays.where(x.gt(cap), cap, x);
    NDArray mean = tree.sum(owner, x).div(n);
    NDArray deviations = x.sub(mean.take(owner, staging.indices(owner, segmentOf)));
    NDArray squares = tree.sum(owner, deviations.mul(deviations));
    NDArray sum = tree.sum(owner, deviations);
    NDArray m2 = squares.sub(sum.mul(sum).divi(n));
    return results(counts, NDArrays.concat(new NDList(mean, m2)).toDoubleArray(), segments + 1);
  }

  private static int[] counts(Weighing weighing) {
    Configuration configuration = ((DjlReference) weighing.reference()).configuration;
    ObservationBatch batch = weighing.batch();
    double[] losses = batch.losses();
    int[] counts = new int[0];
    for (int d = 0; d < batch.dialogues(); d++) {
      long turn = batch.firstTurn(d);
      for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++, turn++) {
        if (configuration.usable(losses[i])) {
          int slot = configuration.slot(turn);
          if (slot >= counts.length) {
            counts =
                Arrays.copyOf(
                    counts, Math.min(configuration.maxTurns(), Math.max(slot + 1, 2 * slot)));
          }
          counts[slot]++;
        }
      }
    }
    return counts;
  }

  /** Writes the usable losses of a batch slot by slot, those of a slot in the order of the body. */
  private void place(Weighing weighing, int[] places, Staging.Column column) {
    Configuration configuration = ((DjlReference) weighing.reference()).configuration;
    ObservationBatch batch = weighing.batch();
    double[] losses = batch.losses();
    double[] numbers = staging.numbers;
    for (int d = 0; d < batch.dialogues(); d++) {
      long turn = batch.firstTurn(d);
      for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++, turn++) {
        if (configuration.usable(losses[i])) {
          numbers[column.at(places[configuration.slot(turn)]++)] = losses[i];
        }
      }
    }
  }

  private static List<BatchMoments> results(int[][] counts, double[] values, int m2From) {
    List<BatchMoments> reduced = new ArrayList<>(counts.length);
    int segment = 1;
    for (int[] ofBatch : counts) {
      int size = 0;
      for (int count : ofBatch) {
        size += count > 0 ? 1 : 0;
      }
      int[] slots = new int[size];
      double[] n = new double[size];
      double[] mean = new double[size];
      double[] m2 = new double[size];
      int i = 0;
      for (int slot = 0; slot < ofBatch.length; slot++) {
        if (ofBatch[slot] > 0) {
          slots[i] = slot;
          n[i] = ofBatch[slot];
          mean[i] = values[segment];
          // The correction can exceed the squares by their rounding when all losses are the same.
          m2[i] = Math.max(0, values[m2From + segment]);
          segment++;
          i++;
        }
      }
      reduced.add(size == 0 ? BatchMoments.NONE : new BatchMoments(slots, n, mean, m2));
    }
    return reduced;
  }
}
