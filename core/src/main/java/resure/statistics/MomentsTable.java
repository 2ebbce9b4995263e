package resure.statistics;

import java.util.Arrays;
import java.util.List;

/**
 * The triples of all slots of a run, in flat arrays. Grows to the highest slot that was ever used
 * and no further. Owner thread only, until nobody changes it any more.
 */
public final class MomentsTable {

  private int slots;
  private double[] n;
  private double[] mean;
  private double[] m2;
  private long[] seen;

  /** An empty table. */
  public MomentsTable() {
    n = new double[0];
    mean = new double[0];
    m2 = new double[0];
    seen = new long[0];
  }

  private MomentsTable(MomentsTable other) {
    slots = other.slots;
    n = Arrays.copyOf(other.n, slots);
    mean = Arrays.copyOf(other.mean, slots);
    m2 = Arrays.copyOf(other.m2, slots);
    seen = Arrays.copyOf(other.seen, slots);
  }

  /** An independent copy. */
  public MomentsTable copy() {
    return new MomentsTable(this);
  }

  /** One more than the highest slot that was ever used. */
  public int slots() {
    return slots;
  }

  /** The triple of a slot; {@link Moments#NONE} past the last one. */
  public Moments moments(int slot) {
    return slot < slots ? new Moments(n[slot], mean[slot], m2[slot], seen[slot]) : Moments.NONE;
  }

  /** Whether every triple is the same, bit for bit. */
  public boolean sameAs(MomentsTable other) {
    return slots == other.slots
        && Arrays.equals(n, 0, slots, other.n, 0, slots)
        && Arrays.equals(mean, 0, slots, other.mean, 0, slots)
        && Arrays.equals(m2, 0, slots, other.m2, 0, slots)
        && Arrays.equals(seen, 0, slots, other.seen, 0, slots);
  }

  /** Sets the triple of a slot: for what was stored, not for arithmetic. */
  public void set(int slot, Moments moments) {
    grow(slot + 1);
    n[slot] = moments.n();
    mean[slot] = moments.mean();
    m2[slot] = moments.m2();
    seen[slot] = moments.seen();
  }

  /**
   * Folds a step: merges its batches, ages what is here by the observations of the step, and merges
   * the two.
   *
   * @param batches the step's batches in canonical order (rank, micro-batch, sequence), which
   *     decides the last bits
   * @param halfLife observations of a slot after which older ones count half; infinite means never
   */
  public void fold(List<BatchMoments> batches, double halfLife) {
    fold(merged(batches), halfLife);
  }

  /** The same with the step's batches {@linkplain #merged(List) merged} already. */
  public void fold(MomentsTable step, double halfLife) {
    grow(step.slots);
    for (int slot = 0; slot < step.slots; slot++) {
      double observations = step.n[slot];
      if (observations > 0) {
        age(slot, ageing(observations, halfLife));
        merge(slot, observations, step.mean[slot], step.m2[slot], step.seen[slot]);
      }
    }
  }

  /**
   * Multiplies n and M2 of a slot by {@code ageing}, in (0, 1], and merges a disjoint sample that
   * is not empty.
   */
  public void merge(int slot, double ageing, Moments sample) {
    grow(slot + 1);
    age(slot, ageing);
    merge(slot, sample.n(), sample.mean(), sample.m2(), sample.seen());
  }

  private void age(int slot, double factor) {
    n[slot] *= factor;
    m2[slot] *= factor;
  }

  /**
   * What n and M2 are multiplied by when so many observations come: 2^(-observations / halfLife).
   */
  public static double ageing(double observations, double halfLife) {
    return halfLife < Double.POSITIVE_INFINITY ? StrictMath.pow(2, -observations / halfLife) : 1;
  }

  /** The triples of slot {@code from} and all after it, merged in their order. */
  public Moments pooled(int from) {
    MomentsTable pool = new MomentsTable();
    pool.grow(1);
    for (int slot = from; slot < slots; slot++) {
      if (n[slot] > 0) {
        pool.merge(0, n[slot], mean[slot], m2[slot], seen[slot]);
      }
    }
    return pool.moments(0);
  }

  /**
   * The triples that a run of {@code most} slots begins with when it goes on from these: slots past
   * its last one are pooled in that, and evidence counts at most as {@code observations}. Where n
   * is above that, n and M2 are multiplied by observations / n, as ageing does; mean and seen stay.
   *
   * @param most slots of the new run, at least 1; where it has more than this, each slot stays
   *     where it is
   * @param observations highest n, at least 2; infinite for no bound
   */
  public MomentsTable inherited(int most, double observations) {
    MomentsTable inherited = new MomentsTable();
    for (int slot = 0; slot < Math.min(slots, most); slot++) {
      Moments moments = slot == most - 1 ? pooled(slot) : moments(slot);
      if (moments.n() > observations) {
        moments =
            new Moments(
                observations,
                moments.mean(),
                moments.m2() * (observations / moments.n()),
                moments.seen());
      }
      inherited.set(slot, moments);
    }
    return inherited;
  }

  /**
   * The triples of a step: its batches merged over a pairwise tree (adjacent pairs in the order
   * given, an odd one carried up; a batch without a slot is nothing there). A tree, so that a
   * backend that merges level by level needs few operations and gets the same bits.
   *
   * @param batches in canonical order (rank, micro-batch, sequence)
   */
  public static MomentsTable merged(List<BatchMoments> batches) {
    return batches.isEmpty() ? new MomentsTable() : merged(batches, 0, batches.size());
  }

  private static MomentsTable merged(List<BatchMoments> batches, int from, int to) {
    if (to - from == 1) {
      return of(batches.get(from));
    }
    // The left part of such a tree is always the largest complete one.
    int middle = from + Integer.highestOneBit(to - from - 1);
    MomentsTable left = merged(batches, from, middle);
    MomentsTable right = merged(batches, middle, to);
    left.grow(right.slots);
    for (int slot = 0; slot < right.slots; slot++) {
      if (right.n[slot] > 0) {
        left.merge(slot, right.n[slot], right.mean[slot], right.m2[slot], right.seen[slot]);
      }
    }
    return left;
  }

  private static MomentsTable of(BatchMoments batch) {
    MomentsTable table = new MomentsTable();
    if (batch.size() > 0) {
      table.grow(batch.slot(batch.size() - 1) + 1);
    }
    for (int i = 0; i < batch.size(); i++) {
      int slot = batch.slot(i);
      table.n[slot] = batch.n(i);
      table.mean[slot] = batch.mean(i);
      table.m2[slot] = batch.m2(i);
      table.seen[slot] = (long) batch.n(i);
    }
    return table;
  }

  /**
   * Merges a disjoint sample into a slot (Chan, Golub, LeVeque 1983, eq. 1.5). Exact when either
   * side is empty; otherwise within a few ULPs of the two-pass result for well-conditioned losses.
   */
  private void merge(int slot, double nB, double meanB, double m2B, long seenB) {
    double nA = n[slot];
    seen[slot] += seenB;
    if (nA == 0) {
      n[slot] = nB;
      mean[slot] = meanB;
      m2[slot] = m2B;
      return;
    }
    double d = meanB - mean[slot];
    double total = nA + nB;
    n[slot] = total;
    mean[slot] = mean[slot] + d * nB / total;
    m2[slot] = m2[slot] + m2B + d * d * nA * nB / total;
  }

  private void grow(int atLeast) {
    if (n.length < atLeast) {
      int capacity = Math.max(atLeast, Math.min(2 * n.length, n.length + 64));
      n = Arrays.copyOf(n, capacity);
      mean = Arrays.copyOf(mean, capacity);
      m2 = Arrays.copyOf(m2, capacity);
      seen = Arrays.copyOf(seen, capacity);
    }
    slots = Math.max(slots, atLeast);
  }
}
