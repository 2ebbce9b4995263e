package resure.statistics;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reduces the usable losses of a batch to one triple a slot: the corrected two-pass algorithm
 * (Chan, Golub, LeVeque 1983, eq. 1.7), every sum over a pairwise tree (adjacent pairs in the order
 * of the body, an odd one carried up), so that a backend that reduces level by level gets the same
 * bits.
 *
 * <p>Holds scratch space that grows to the largest batch seen. Owner thread only.
 */
public final class BatchReducer {

  private double[] values = new double[1024];
  private int[] ends = new int[64];

  /**
   * Reduces one batch.
   *
   * @param losses losses of all dialogues, one after the other; those above {@code maxLoss} in
   *     magnitude, infinite or NaN (also a turn without supervision) are left out
   * @param offsets dialogue {@code d} has the losses {@code offsets[d]} to {@code offsets[d + 1] -
   *     1}
   * @param firstTurns turn index of each dialogue's first loss; null when all are 0
   * @param maxTurns number of slots; turns past the last share it
   * @param maxLoss largest usable magnitude
   * @param caps a larger loss of that slot counts as this; slots past its end have no cap
   */
  public BatchMoments reduce(
      double[] losses,
      int[] offsets,
      long @Nullable [] firstTurns,
      int maxTurns,
      double maxLoss,
      double[] caps) {
    int slots = gatherBySlot(losses, offsets, firstTurns, maxTurns, maxLoss, caps);
    int used = 0;
    for (int slot = 0, from = 0; slot < slots; from = ends[slot++]) {
      used += ends[slot] > from ? 1 : 0;
    }
    if (used == 0) {
      return BatchMoments.NONE;
    }
    int[] slot = new int[used];
    double[] n = new double[used];
    double[] mean = new double[used];
    double[] m2 = new double[used];
    for (int s = 0, from = 0, i = 0; s < slots; from = ends[s++]) {
      int to = ends[s];
      if (to == from) {
        continue;
      }
      slot[i] = s;
      n[i] = to - from;
      mean[i] = pairwiseSum(values, from, to) / n[i];
      m2[i] = sumOfSquaredDeviations(from, to, mean[i]);
      i++;
    }
    return new BatchMoments(slot, n, mean, m2);
  }

  /**
   * Leaves slot {@code s} in {@code values[ends[s - 1] .. ends[s] - 1]}; returns the slots in use.
   */
  private int gatherBySlot(
      double[] losses,
      int[] offsets,
      long @Nullable [] firstTurns,
      int maxTurns,
      double maxLoss,
      double[] caps) {
    int dialogues = offsets.length - 1;
    if (values.length < offsets[dialogues]) {
      values = new double[Math.max(offsets[dialogues], 2 * values.length)];
    }
    if (ends.length < maxTurns) {
      ends = new int[maxTurns];
    }
    Arrays.fill(ends, 0, maxTurns, 0);
    int slots = 0;
    for (int d = 0; d < dialogues; d++) {
      long turn = firstTurns == null ? 0 : firstTurns[d];
      for (int i = offsets[d]; i < offsets[d + 1]; i++, turn++) {
        if (Math.abs(losses[i]) <= maxLoss) {
          int slot = (int) Math.min(turn, maxTurns - 1);
          ends[slot]++;
          slots = Math.max(slots, slot + 1);
        }
      }
    }
    for (int slot = 0, start = 0; slot < slots; slot++) {
      int count = ends[slot];
      ends[slot] = start;
      start += count;
    }
    for (int d = 0; d < dialogues; d++) {
      long turn = firstTurns == null ? 0 : firstTurns[d];
      for (int i = offsets[d]; i < offsets[d + 1]; i++, turn++) {
        double loss = losses[i];
        if (Math.abs(loss) <= maxLoss) {
          int slot = (int) Math.min(turn, maxTurns - 1);
          values[ends[slot]++] = slot < caps.length ? Math.min(loss, caps[slot]) : loss;
        }
      }
    }
    return slots;
  }

  private double sumOfSquaredDeviations(int from, int to, double mean) {
    for (int i = from; i < to; i++) {
      values[i] -= mean;
    }
    double deviations = pairwiseSum(values, from, to);
    for (int i = from; i < to; i++) {
      values[i] *= values[i];
    }
    double squares = pairwiseSum(values, from, to);
    // The correction can exceed the squares by their rounding when all losses are the same.
    return Math.max(0, squares - deviations * deviations / (to - from));
  }

  /** Sum of {@code values[from .. to - 1]}: adjacent pairs, level by level, an odd one carried. */
  static double pairwiseSum(double[] values, int from, int to) {
    int length = to - from;
    if (length == 8) {
      return ((values[from] + values[from + 1]) + (values[from + 2] + values[from + 3]))
          + ((values[from + 4] + values[from + 5]) + (values[from + 6] + values[from + 7]));
    }
    if (length <= 2) {
      return length == 0 ? 0 : length == 1 ? values[from] : values[from] + values[from + 1];
    }
    // The left part of such a tree is always the largest complete one.
    int middle = from + Integer.highestOneBit(length - 1);
    return pairwiseSum(values, from, middle) + pairwiseSum(values, middle, to);
  }
}
