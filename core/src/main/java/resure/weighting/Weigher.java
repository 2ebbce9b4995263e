package resure.weighting;

import java.util.Arrays;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * Weighs losses against one reference: frozen triples, with what weighing needs of each slot worked
 * out once: mean, standard deviation, and whether the slot is still in warm-up. Immutable.
 *
 * <p>A slot is in warm-up while {@code seen < warmUp}, n is at most 1, or the standard deviation is
 * at most 1e-6 * max(1, |mean|): its weights are 1 and its losses are folded uncapped.
 */
public final class Weigher {

  /** Standard deviations above the mean to which the winsorized fold rule cuts a loss. */
  private static final double CAP = 3;

  private static final double SMALLEST_RELATIVE_SD = 1e-6;

  private final Configuration configuration;
  private final MomentsTable triples;
  private final double[] mean;

  /** NaN for a slot in warm-up. */
  private final double[] sd;

  private final double[] caps;

  /** Freezes {@code triples}, which nobody may change afterwards. */
  public Weigher(Configuration configuration, MomentsTable triples) {
    this.configuration = configuration;
    this.triples = triples;
    int slots = triples.slots();
    mean = new double[slots];
    sd = new double[slots];
    caps = new double[configuration.fold() == FoldRule.WINSORIZED ? slots : 0];
    Arrays.fill(caps, Double.POSITIVE_INFINITY);
    for (int slot = 0; slot < slots; slot++) {
      Moments moments = triples.moments(slot);
      mean[slot] = moments.mean();
      sd[slot] = weighable(moments) ? moments.sd() : Double.NaN;
      if (caps.length > 0 && !Double.isNaN(sd[slot])) {
        caps[slot] = mean[slot] + CAP * sd[slot];
      }
    }
  }

  private boolean weighable(Moments moments) {
    // Asked this way round, a NaN sd (no more than one observation) is warm-up too.
    return moments.seen() >= configuration.warmUp()
        && moments.sd() > SMALLEST_RELATIVE_SD * Math.max(1, Math.abs(moments.mean()));
  }

  /** The frozen triples; not to be changed. */
  public MomentsTable triples() {
    return triples;
  }

  /**
   * Largest loss that a slot folds, infinite where there is no cap; slots past its end have none.
   */
  public double[] caps() {
    return caps;
  }

  /** Slot of a turn. */
  public int slot(long turn) {
    return configuration.slot(turn);
  }

  /** Standard deviation of a slot; NaN in warm-up. */
  public double sd(int slot) {
    return slot < sd.length ? sd[slot] : Double.NaN;
  }

  /** Whether the weight of a loss of this slot is 1 for want of evidence. */
  public boolean warmingUp(int slot) {
    return slot >= sd.length || Double.isNaN(sd[slot]);
  }

  /** Mean of a slot that is not in warm-up. */
  public double mean(int slot) {
    return mean[slot];
  }

  /** z-score of a loss of a slot that is not in warm-up. */
  public double z(int slot, double loss) {
    return (loss - mean[slot]) / sd[slot];
  }

  /**
   * Weighs one dialogue: the weights before normalization, in [floor, 1] for a usable loss and 0
   * for any other (a turn without supervision is NaN here).
   *
   * @param losses column of losses of which the dialogue has {@code from} to {@code to - 1}
   * @param firstTurn turn index of the first of them
   * @param weights column that receives the weights at the same places
   * @return whether a usable loss was weighed in warm-up
   */
  public boolean weigh(double[] losses, int from, int to, long firstTurn, double[] weights) {
    Weighting weighting = configuration.weighting();
    boolean warmingUp = false;
    long turn = firstTurn;
    for (int i = from; i < to; i++, turn++) {
      double loss = losses[i];
      if (!configuration.usable(loss)) {
        weights[i] = 0;
        continue;
      }
      int slot = configuration.slot(turn);
      if (warmingUp(slot)) {
        warmingUp = true;
        weights[i] = 1;
      } else {
        weights[i] = weighting.weight(z(slot, loss), loss, mean[slot], sd[slot]);
      }
    }
    if (configuration.propagation().strength() > 0) {
      propagate(losses, from, to, weights);
    }
    return warmingUp;
  }

  private void propagate(double[] losses, int from, int to, double[] weights) {
    Propagation propagation = configuration.propagation();
    double floor = configuration.weighting().floor();
    double carried = 0;
    for (int i = from; i < to; i++) {
      double own = 1;
      if (configuration.usable(losses[i])) {
        own = weights[i];
        weights[i] = propagation.lowered(own, carried, floor);
      }
      carried = propagation.carry(carried, own);
    }
  }
}
