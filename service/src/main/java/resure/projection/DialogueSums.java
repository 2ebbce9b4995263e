package resure.projection;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalEntry;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.RunEvent;
import resure.weighting.Weigher;

/**
 * What is known of one dialogue, per turn: sums over the visits that were added. Used again for one
 * dialogue after the other; one thread.
 *
 * <p>The sums are of whole numbers, multiples of 2^-13, so that they are the same in whatever order
 * and grouping they are made: a sum of doubles is not. What is not a sum (source, last step) is
 * that of the last visit.
 */
final class DialogueSums {

  /** What a sum of 1 is kept as. */
  static final double SCALE = 1 << 13;

  /** Losses are cut to 2^20: no sum of them overflows before some millions were added. */
  private static final long LARGEST_LOSS = 1L << 33;

  /** Three standard deviations, to which it is cut, so that one loss cannot stand for many. */
  private static final long LARGEST_EXCESS = 3 << 13;

  /** One standard deviation above the mean, which is nothing unusual. */
  private static final long USUAL_EXCESS = 1 << 13;

  /** In UTF-8. */
  byte[] id = {};

  /** In UTF-8; null for none. */
  byte @Nullable [] source;

  long visits;
  long lastSequence;

  /** -1 for none. */
  long lastStep = -1;

  /** Slots that may have anything: those before it. */
  int slots;

  /** Usable observations. */
  long[] usable = new long[8];

  long[] unusable = new long[8];

  /** Usable observations that there was a reference for. */
  long[] rated = new long[8];

  long[] loss = new long[8];
  long[] weight = new long[8];

  /** Standard deviations above the mean, of those rated. */
  long[] excess = new long[8];

  /** Of the same the part beyond what is usual. */
  long[] beyond = new long[8];

  /** Forgets everything. */
  void clear() {
    source = null;
    visits = 0;
    lastSequence = 0;
    lastStep = -1;
    for (long[] sums : new long[][] {usable, unusable, rated, loss, weight, excess, beyond}) {
      Arrays.fill(sums, 0, slots, 0);
    }
    slots = 0;
  }

  /** Makes room for a slot. */
  void reach(int slot) {
    if (slot >= usable.length) {
      int length = Math.max(slot + 1, 2 * usable.length);
      usable = Arrays.copyOf(usable, length);
      unusable = Arrays.copyOf(unusable, length);
      rated = Arrays.copyOf(rated, length);
      loss = Arrays.copyOf(loss, length);
      weight = Arrays.copyOf(weight, length);
      excess = Arrays.copyOf(excess, length);
      beyond = Arrays.copyOf(beyond, length);
    }
    slots = Math.max(slots, slot + 1);
  }

  /** How many observations a dialogue of a batch has. */
  static int observations(ObservationBatch batch, int dialogue) {
    int from = batch.offsets()[dialogue];
    int to = batch.offsets()[dialogue + 1];
    if (batch.unsupervised() == null) {
      return to - from;
    }
    int count = 0;
    for (int i = from; i < to; i++) {
      count += batch.supervised(i) ? 1 : 0;
    }
    return count;
  }

  /** Adds a visit, which is later than those before it: a dialogue of a batch. */
  void add(RunEvent.Batch event, int dialogue, byte @Nullable [] sourceOfVisit) {
    JournalEntry.Batch entry = event.entry();
    ObservationBatch batch = entry.batch();
    Weights weights = entry.weights();
    Weigher reference = event.reference();
    double[] losses = batch.losses();
    double[] raw = weights.raw();
    int[] offsets = batch.offsets();
    long turn = batch.firstTurn(dialogue);
    for (int i = offsets[dialogue]; i < offsets[dialogue + 1]; i++, turn++) {
      if (!batch.supervised(i)) {
        continue;
      }
      int slot = reference.slot(turn);
      reach(slot);
      if (!weights.usable(i)) {
        unusable[slot]++;
        continue;
      }
      usable[slot]++;
      loss[slot] += loss(losses[i]);
      weight[slot] += fixed(raw[i]);
      if (!reference.warmingUp(slot)) {
        rate(slot, excess(reference, slot, losses[i]));
      }
    }
    visits++;
    source = sourceOfVisit;
    lastSequence = event.sequence();
    lastStep = step(event);
  }

  /** Adds the excess of one loss that there was a reference for. */
  void rate(int slot, long excessOfOne) {
    rated[slot]++;
    excess[slot] += excessOfOne;
    beyond[slot] += Math.max(0, excessOfOne - USUAL_EXCESS);
  }

  /** What is kept as the step of a visit. */
  static long step(RunEvent.Batch event) {
    return event.entry().batch().hasStep() ? event.step() : -1;
  }

  /** What is kept of a usable loss. */
  static long loss(double loss) {
    return Math.clamp(fixed(loss), -LARGEST_LOSS, LARGEST_LOSS);
  }

  /** What is kept of how much a loss exceeds a reference. */
  static long excess(Weigher reference, int slot, double loss) {
    return Math.clamp(fixed(reference.z(slot, loss)), -LARGEST_EXCESS, LARGEST_EXCESS);
  }

  /** The nearest multiple; of two the even one. */
  static long fixed(double value) {
    return (long) Math.rint(value * SCALE);
  }
}
