package resure.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/**
 * What a batch adds to its run's totals: weight sums per slot and per source, in the order of its
 * body. Immutable once made; small, since a pending batch keeps it.
 *
 * @param slots slots with an observation, ascending
 * @param perSlot sums of each of them
 * @param sources sources with an observation; null for dialogues without one
 * @param perSource sums of each of them
 * @param tokenWeightSum sum of tokens times weight over the usable observations
 * @param tokenSum sum of their tokens, none or 0 counting as 1
 * @param clientWeighted whether its trainer had applied weights already
 */
record BatchTotals(
    List<Integer> slots,
    List<WeightSums> perSlot,
    List<@Nullable String> sources,
    List<WeightSums> perSource,
    double tokenWeightSum,
    double tokenSum,
    boolean clientWeighted) {

  private static final int FEW_SLOTS = 8;

  /** Losses that are not null. */
  long observations() {
    long observations = 0;
    for (WeightSums sums : perSlot) {
      observations += sums.observations();
    }
    return observations;
  }

  /** Of a batch that was given these weights, beside what it was weighed against. */
  static BatchTotals of(
      Configuration configuration, ObservationBatch batch, Weights weights, Weigher reference) {
    @Nullable WeightSums[] bySlot = new WeightSums[FEW_SLOTS];
    // The last one is for dialogues without a source.
    @Nullable WeightSums[] bySource = new WeightSums[batch.sources().size() + 1];
    double tokenWeightSum = 0;
    double tokenSum = 0;
    int[] offsets = batch.offsets();
    int[] sourceOf = batch.sourceOf();
    double[] losses = batch.losses();
    double[] raw = weights.raw();
    for (int d = 0; d < batch.dialogues(); d++) {
      int source = sourceOf == null || sourceOf[d] < 0 ? bySource.length - 1 : sourceOf[d];
      WeightSums ofSource = bySource[source];
      long turn = batch.firstTurn(d);
      for (int i = offsets[d]; i < offsets[d + 1]; i++, turn++) {
        if (!batch.supervised(i)) {
          continue;
        }
        if (ofSource == null) {
          ofSource = bySource[source] = new WeightSums();
        }
        int slot = configuration.slot(turn);
        if (slot >= bySlot.length) {
          bySlot = Arrays.copyOf(bySlot, Math.max(slot + 1, 2 * bySlot.length));
        }
        WeightSums ofSlot = bySlot[slot];
        if (ofSlot == null) {
          ofSlot = bySlot[slot] = new WeightSums();
        }
        if (weights.usable(i)) {
          double weight = raw[i];
          double z = reference.warmingUp(slot) ? Double.NaN : reference.z(slot, losses[i]);
          ofSlot.add(weight, z);
          ofSource.add(weight, z);
          double tokens = batch.tokenWeight(i);
          tokenWeightSum += tokens * weight;
          tokenSum += tokens;
        } else {
          ofSlot.addUnusable();
          ofSource.addUnusable();
        }
      }
    }
    int used = used(bySlot);
    List<Integer> slots = new ArrayList<>(used);
    List<WeightSums> perSlot = new ArrayList<>(used);
    for (int slot = 0; slot < bySlot.length; slot++) {
      WeightSums sums = bySlot[slot];
      if (sums != null) {
        slots.add(slot);
        perSlot.add(sums);
      }
    }
    used = used(bySource);
    List<@Nullable String> sources = new ArrayList<>(used);
    List<WeightSums> perSource = new ArrayList<>(used);
    for (int source = 0; source < bySource.length; source++) {
      WeightSums sums = bySource[source];
      if (sums != null) {
        sources.add(source < batch.sources().size() ? batch.sources().get(source) : null);
        perSource.add(sums);
      }
    }
    return new BatchTotals(
        slots,
        perSlot,
        sources,
        perSource,
        tokenWeightSum,
        tokenSum,
        batch.appliedWeights() != null);
  }

  private static int used(@Nullable WeightSums[] all) {
    int used = 0;
    for (WeightSums sums : all) {
      used += sums == null ? 0 : 1;
    }
    return used;
  }
}
