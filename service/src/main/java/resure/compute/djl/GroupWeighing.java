package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import resure.compute.RawWeights;
import resure.compute.Weighing;
import resure.observation.ObservationBatch;
import resure.weighting.Configuration;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * Weighs every loss of a group at once. Batches are laid out by weight function, so that each
 * function works on one stretch of the columns, whatever the mix of runs. Element 0 of every column
 * stands for nothing, and has weight 1: what a turn without a predecessor refers to.
 */
final class GroupWeighing {

  private final Cells cells;
  private final Staging staging;
  private final Constants constants;

  GroupWeighing(Cells cells, Staging staging, Constants constants) {
    this.cells = cells;
    this.staging = staging;
    this.constants = constants;
  }

  /** Columns with an element for each loss, and with one for each batch. */
  private record Staged(
      Staging.Column losses,
      Staging.Column usable,
      Staging.Column cellOf,
      Staging.Column batchOf,
      Staging.Column thresholds,
      Staging.Column sharpness,
      Staging.Column floors) {}

  private record StagedPropagation(
      Staging.Column strengths, Staging.Column decays, List<Staging.Column> earlier) {}

  /** One function's stretch of the columns. */
  private record Stretch(WeightFunction function, int from, int to) {}

  List<RawWeights> weigh(NDManager owner, List<Weighing> group) {
    staging.begin();
    List<Integer> order = new ArrayList<>(group.size());
    int losses = 0;
    int longest = 0;
    for (int b = 0; b < group.size(); b++) {
      order.add(b);
      ObservationBatch batch = group.get(b).batch();
      losses += batch.size();
      if (configuration(group, b).propagation().strength() > 0) {
        longest = Math.max(longest, longestDialogue(batch));
      }
    }
    if (losses == 0) {
      return group.stream().map(w -> new RawWeights(new double[0], false)).toList();
    }
    order.sort((a, b) -> Integer.compare(functionOf(group, a), functionOf(group, b)));
    boolean[] warmingUp = new boolean[group.size()];
    int[] starts = new int[group.size()];
    Staged staged = stage(group, order, losses, starts, warmingUp);
    StagedPropagation propagation =
        longest > 1 ? stagePropagation(group, order, losses, longest, starts) : null;
    staging.send(owner);

    NDArray batchOf = staging.indices(owner, staged.batchOf);
    NDArray floors = staging.numbers(owner, staged.floors).take(owner, batchOf);
    NDArray weights = own(owner, staged, batchOf, floors, stretches(group, order, starts, losses));
    if (propagation != null) {
      weights = propagate(owner, propagation, batchOf, floors, weights);
    }
    weights = weights.mul(staging.numbers(owner, staged.usable));
    return results(group, weights.toDoubleArray(), starts, warmingUp);
  }

  private static Configuration configuration(List<Weighing> group, int batch) {
    return ((DjlReference) group.get(batch).reference()).configuration;
  }

  private static int functionOf(List<Weighing> group, int batch) {
    return WeightFunction.ALL.indexOf(configuration(group, batch).weighting().function());
  }

  private static int longestDialogue(ObservationBatch batch) {
    int longest = 0;
    for (int d = 0; d < batch.dialogues(); d++) {
      longest = Math.max(longest, batch.offsets()[d + 1] - batch.offsets()[d]);
    }
    return longest;
  }

  private Staged stage(
      List<Weighing> group, List<Integer> order, int losses, int[] starts, boolean[] warmingUp) {
    Staged staged =
        new Staged(
            staging.numbers(losses + 1),
            staging.numbers(losses + 1),
            staging.indices(losses + 1),
            staging.indices(losses + 1),
            staging.numbers(group.size()),
            staging.numbers(group.size()),
            staging.numbers(group.size()));
    double[] numbers = staging.numbers;
    long[] indices = staging.indices;
    numbers[staged.losses.at(0)] = Double.NaN;
    numbers[staged.usable.at(0)] = 0;
    indices[staged.cellOf.at(0)] = Cells.EMPTY;
    indices[staged.batchOf.at(0)] = 0;
    int next = 1;
    for (int b : order) {
      DjlReference reference = (DjlReference) group.get(b).reference();
      Configuration configuration = reference.configuration;
      Weighting weighting = configuration.weighting();
      numbers[staged.thresholds.at(b)] = weighting.threshold();
      numbers[staged.sharpness.at(b)] = weighting.sharpness();
      numbers[staged.floors.at(b)] = weighting.floor();
      ObservationBatch batch = group.get(b).batch();
      double[] ofBatch = batch.losses();
      starts[b] = next;
      System.arraycopy(ofBatch, 0, numbers, staged.losses.at(next), ofBatch.length);
      Arrays.fill(indices, staged.batchOf.at(next), staged.batchOf.at(next + ofBatch.length), b);
      for (int d = 0; d < batch.dialogues(); d++) {
        long turn = batch.firstTurn(d);
        for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++, turn++) {
          int slot = configuration.slot(turn);
          boolean usable = configuration.usable(ofBatch[i]);
          numbers[staged.usable.at(next + i)] = usable ? 1 : 0;
          indices[staged.cellOf.at(next + i)] = usable ? reference.cell(slot) : Cells.EMPTY;
          warmingUp[b] |= usable && reference.weigher.warmingUp(slot);
        }
      }
      next += ofBatch.length;
    }
    return staged;
  }

  private static List<Stretch> stretches(
      List<Weighing> group, List<Integer> order, int[] starts, int losses) {
    List<Stretch> stretches = new ArrayList<>();
    // The first stretch begins with the element that stands for nothing.
    int from = 0;
    for (int i = 0; i < order.size(); i++) {
      int b = order.get(i);
      int to = i + 1 < order.size() ? starts[order.get(i + 1)] : losses + 1;
      boolean last =
          i + 1 == order.size() || functionOf(group, order.get(i + 1)) != functionOf(group, b);
      if (last && to > from) {
        stretches.add(new Stretch(configuration(group, b).weighting().function(), from, to));
        from = to;
      }
    }
    return stretches;
  }

  /** Weights of the losses by themselves; 1 where a loss is not usable. */
  private NDArray own(
      NDManager owner, Staged staged, NDArray batchOf, NDArray floors, List<Stretch> stretches) {
    NDArray cellOf = staging.indices(owner, staged.cellOf);
    NDArray x = staging.numbers(owner, staged.losses);
    NDArray mean = cells.mean(owner, cellOf);
    NDArray sd = cells.sd(owner, cellOf);
    NDArray threshold = staging.numbers(owner, staged.thresholds).take(owner, batchOf);
    NDArray sharpness = staging.numbers(owner, staged.sharpness).take(owner, batchOf);
    NDArray z = x.sub(mean).divi(sd);
    // False where z is NaN: in warm-up, and for what is not usable.
    NDArray beyond = z.gt(threshold);
    NDArray excess = z.subi(threshold);
    NDList values = new NDList();
    for (Stretch s : stretches) {
      Formulas.Operands operands =
          new Formulas.Operands() {
            @Override
            public NDArray excess() {
              return part(owner, excess, s);
            }

            @Override
            public NDArray threshold() {
              return part(owner, threshold, s);
            }

            @Override
            public NDArray sharpness() {
              return part(owner, sharpness, s);
            }

            @Override
            public NDArray floor() {
              return part(owner, floors, s);
            }

            @Override
            public NDArray loss() {
              return part(owner, x, s);
            }

            @Override
            public NDArray mean() {
              return part(owner, mean, s);
            }

            @Override
            public NDArray sd() {
              return part(owner, sd, s);
            }
          };
      values.add(Formulas.beyond(s.function, operands, constants));
    }
    NDArray below = stretches.size() == 1 ? values.getFirst() : NDArrays.concat(values);
    return NDArrays.where(beyond, below, constants.one);
  }

  private static NDArray part(NDManager owner, NDArray column, Stretch stretch) {
    return column.getShape().size() == stretch.to - stretch.from
        ? column
        : Staging.slice(owner, column, stretch.from, stretch.to);
  }

  /**
   * Level k of {@code earlier} is, for each loss, the one 2^k turns before it in its dialogue, or
   * element 0: with decays squared from level to level, sums over all earlier turns take as many
   * levels as the longest dialogue has binary digits.
   */
  private StagedPropagation stagePropagation(
      List<Weighing> group, List<Integer> order, int losses, int longest, int[] starts) {
    Staging.Column strengths = staging.numbers(group.size());
    Staging.Column decays = staging.numbers(group.size());
    for (int b = 0; b < group.size(); b++) {
      staging.numbers[strengths.at(b)] = configuration(group, b).propagation().strength();
      staging.numbers[decays.at(b)] = configuration(group, b).propagation().decay();
    }
    List<Staging.Column> earlier = new ArrayList<>();
    for (int distance = 1; distance < longest; distance *= 2) {
      Staging.Column column = staging.indices(losses + 1);
      earlier.add(column);
      staging.indices[column.at(0)] = 0;
      for (int b : order) {
        ObservationBatch batch = group.get(b).batch();
        int[] offsets = batch.offsets();
        for (int d = 0; d < batch.dialogues(); d++) {
          for (int i = offsets[d]; i < offsets[d + 1]; i++) {
            staging.indices[column.at(starts[b] + i)] =
                i - distance >= offsets[d] ? starts[b] + i - distance : 0;
          }
        }
      }
    }
    return new StagedPropagation(strengths, decays, earlier);
  }

  private NDArray propagate(
      NDManager owner, StagedPropagation staged, NDArray batchOf, NDArray floors, NDArray own) {
    NDArray strength = staging.numbers(owner, staged.strengths).take(owner, batchOf);
    NDArray decay = staging.numbers(owner, staged.decays).take(owner, batchOf);
    NDArray power = decay;
    // Of a turn itself and all before it; 0 where the weight is 1, as that of element 0.
    NDArray sum = own.log();
    for (Staging.Column level : staged.earlier) {
      sum = sum.take(owner, staging.indices(owner, level)).muli(power).addi(sum);
      power = power.mul(power);
    }
    NDArray before = sum.take(owner, staging.indices(owner, staged.earlier.getFirst()));
    return before.muli(decay).muli(strength).exp().muli(own).maximum(floors);
  }

  private static List<RawWeights> results(
      List<Weighing> group, double[] weights, int[] starts, boolean[] warmingUp) {
    List<RawWeights> results = new ArrayList<>(group.size());
    for (int b = 0; b < group.size(); b++) {
      int size = group.get(b).batch().size();
      results.add(
          new RawWeights(Arrays.copyOfRange(weights, starts[b], starts[b] + size), warmingUp[b]));
    }
    return results;
  }
}
