package resure.projection;

import java.util.Arrays;
import java.util.List;
import resure.drift.TurnDrift;
import resure.run.FoldedStep;
import resure.run.WeightSums;
import resure.statistics.Moments;

/**
 * What is shown of one folded step, or of some that follow each other, per slot: counts, means over
 * all observations, and the least and greatest of the steps' means. Mutable; one thread.
 */
public final class HistoryBucket {

  /** The highest slot that there may be. */
  public static final int LAST_SLOT = 1023;

  private static final int COLUMNS = 10;
  static final int LOSS = 0;
  static final int WEIGHT = 1;
  static final int SQUARE = 2;
  static final int MEAN = 3;
  static final int SD = 4;
  static final int DRIFT = 5;
  static final int LOSS_MIN = 6;
  static final int LOSS_MAX = 7;
  static final int WEIGHT_MIN = 8;
  static final int DRIFT_MAX = 9;

  long fromStep;
  long toStep;
  long sequence;
  long steps;

  /** How many steps before {@code toStep} the only one of these is; 0 but for one that was late. */
  long late;

  int slots;
  long[] usable = {};
  long[] unusable = {};
  long[] downWeighted = {};

  /** A row of {@link #COLUMNS} a slot; NaN for none. */
  double[] values = {};

  /** Of no step. */
  HistoryBucket() {}

  /**
   * Becomes that of one step, with the values that its row will have.
   *
   * @param at where it is shown: its own number, or of what came late that of the step before
   */
  void set(FoldedStep step, long at) {
    clear();
    fromStep = at;
    toStep = at;
    late = at - step.step();
    sequence = step.sequence();
    steps = 1;
    List<WeightSums> weights = step.totals().slots();
    for (int slot = 0; slot < weights.size(); slot++) {
      WeightSums sums = weights.get(slot);
      if (sums.observations() > 0) {
        reach(slot);
        usable[slot] = sums.usable();
        unusable[slot] = sums.unusable();
        downWeighted[slot] = sums.downWeighted();
        if (sums.usable() > 0) {
          set(step, slot, sums);
        }
      }
    }
  }

  private void set(FoldedStep step, int slot, WeightSums sums) {
    Moments losses = step.moments().moments(slot);
    Moments reference = step.reference().moments(slot);
    double drift =
        slot < step.drift().size() ? step.drift().get(slot).drift() : TurnDrift.NONE.drift();
    int at = slot * COLUMNS;
    values[at + LOSS] = (float) (losses.n() > 0 ? losses.mean() : Double.NaN);
    values[at + WEIGHT] = (float) sums.mean();
    values[at + SQUARE] = (float) sums.meanOfSquares();
    values[at + MEAN] = (float) (reference.seen() == 0 ? Double.NaN : reference.mean());
    values[at + SD] = (float) reference.sd();
    values[at + DRIFT] = (float) drift;
    setExtremes(slot);
  }

  /** Of one step the least and the greatest are its own. */
  void setExtremes(int slot) {
    int at = slot * COLUMNS;
    values[at + LOSS_MIN] = values[at + LOSS];
    values[at + LOSS_MAX] = values[at + LOSS];
    values[at + WEIGHT_MIN] = values[at + WEIGHT];
    values[at + DRIFT_MAX] = values[at + DRIFT];
  }

  void reach(int slot) {
    if (slot >= usable.length) {
      makeRoom(Math.max(slot + 1, Math.min(2 * usable.length, usable.length + 64)));
    }
    slots = Math.max(slots, slot + 1);
  }

  private void makeRoom(int capacity) {
    int from = values.length;
    usable = Arrays.copyOf(usable, capacity);
    unusable = Arrays.copyOf(unusable, capacity);
    downWeighted = Arrays.copyOf(downWeighted, capacity);
    values = Arrays.copyOf(values, capacity * COLUMNS);
    Arrays.fill(values, from, values.length, Double.NaN);
  }

  void clear() {
    steps = 0;
    late = 0;
    Arrays.fill(usable, 0, slots, 0);
    Arrays.fill(unusable, 0, slots, 0);
    Arrays.fill(downWeighted, 0, slots, 0);
    Arrays.fill(values, 0, slots * COLUMNS, Double.NaN);
    slots = 0;
  }

  /** Adds what comes next. */
  void add(HistoryBucket next) {
    if (steps == 0) {
      fromStep = next.fromStep;
      late = next.late;
    } else {
      late = 0;
    }
    toStep = next.toStep;
    sequence = next.sequence;
    steps += next.steps;
    for (int slot = 0; slot < next.slots; slot++) {
      if (next.observations(slot) > 0) {
        reach(slot);
        add(next, slot);
      }
    }
  }

  private void add(HistoryBucket next, int slot) {
    int at = slot * COLUMNS;
    long more = next.usable[slot];
    if (more > 0) {
      long all = usable[slot] + more;
      for (int column = LOSS; column <= SQUARE; column++) {
        double other = next.values[at + column];
        double own = values[at + column];
        values[at + column] =
            usable[slot] == 0 ? other : own + (other - own) * ((double) more / all);
      }
      values[at + LOSS_MIN] = least(values[at + LOSS_MIN], next.values[at + LOSS_MIN]);
      values[at + LOSS_MAX] = -least(-values[at + LOSS_MAX], -next.values[at + LOSS_MAX]);
      values[at + WEIGHT_MIN] = least(values[at + WEIGHT_MIN], next.values[at + WEIGHT_MIN]);
      values[at + DRIFT_MAX] = -least(-values[at + DRIFT_MAX], -next.values[at + DRIFT_MAX]);
      System.arraycopy(next.values, at + MEAN, values, at + MEAN, DRIFT - MEAN + 1);
      usable[slot] = all;
    }
    unusable[slot] += next.unusable[slot];
    downWeighted[slot] += next.downWeighted[slot];
  }

  /** The lesser of two, or the one that is there. */
  private static double least(double a, double b) {
    return Double.isNaN(a) || b < a ? b : a;
  }

  double value(int slot, int column) {
    return values[slot * COLUMNS + column];
  }

  void set(int slot, int column, double value) {
    values[slot * COLUMNS + column] = value;
  }

  /** The first of its steps; of a run without steps, the ordinal of the batch. */
  public long fromStep() {
    return fromStep;
  }

  /** The last of its steps. */
  public long toStep() {
    return toStep;
  }

  /** Sequence of the batch that closed the last of them. */
  public long sequence() {
    return sequence;
  }

  /** Of one step: its own number, which is before {@link #toStep} if it was late. */
  public long step() {
    return toStep - late;
  }

  /** Whether it is one step that was late. */
  public boolean late() {
    return late > 0;
  }

  /** One more than the highest slot with an observation. */
  public int slots() {
    return slots;
  }

  /** Losses of a slot that were not null. */
  public long observations(int slot) {
    return slot < slots ? usable[slot] + unusable[slot] : 0;
  }

  /** Observations of a slot that could be weighed. */
  public long usable(int slot) {
    return slot < slots ? usable[slot] : 0;
  }

  /** Observations of a slot that could not. */
  public long unusable(int slot) {
    return slot < slots ? unusable[slot] : 0;
  }

  /** Usable observations of a slot with a weight below 1. */
  public long downWeighted(int slot) {
    return slot < slots ? downWeighted[slot] : 0;
  }

  private double of(int slot, int column) {
    return slot < slots ? values[slot * COLUMNS + column] : Double.NaN;
  }

  /** Mean loss as it was folded, in nats; NaN for none, as everything that follows. */
  public double loss(int slot) {
    return of(slot, LOSS);
  }

  /** Least mean loss of a step. */
  public double lossMin(int slot) {
    return of(slot, LOSS_MIN);
  }

  /** Greatest mean loss of a step. */
  public double lossMax(int slot) {
    return of(slot, LOSS_MAX);
  }

  /** Mean of the reference that the last of the steps was folded into. */
  public double mean(int slot) {
    return of(slot, MEAN);
  }

  /** Standard deviation of that reference. */
  public double sd(int slot) {
    return of(slot, SD);
  }

  /** Mean weight. */
  public double weight(int slot) {
    return of(slot, WEIGHT);
  }

  /** Least mean weight of a step. */
  public double weightMin(int slot) {
    return of(slot, WEIGHT_MIN);
  }

  /** Mean of the squared weights. */
  public double meanOfSquares(int slot) {
    return of(slot, SQUARE);
  }

  /** Effective sample size per usable observation. */
  public double effectiveSampleRatio(int slot) {
    double weight = weight(slot);
    double squares = of(slot, SQUARE);
    // Of rounded numbers; it is no more than 1.
    return squares == 0 ? 0 : Math.min(1, weight * weight / squares);
  }

  /** Drift after the last of the steps, in standard deviations. */
  public double drift(int slot) {
    return of(slot, DRIFT);
  }

  /** Greatest drift after a step. */
  public double driftMax(int slot) {
    return of(slot, DRIFT_MAX);
  }
}
