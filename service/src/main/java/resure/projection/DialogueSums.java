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

  /** Losses are cut to this magnitude: no sum of them overflows before some millions were added. */
  private static final double LARGEST_LOSS = 1 << 20;

  /** Standard deviations to which an excess is cut, so that a single loss cannot stand for many. */
  static final double LARGEST_EXCESS = 3;

  /** Standard deviations above the mean that are nothing unusual. */
  static final double USUAL_EXCESS = 1;

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

  /** Whether a dialogue of a batch has anything to be added. */
  static boolean isObserved(ObservationBatch batch, int dialogue) {
    int[] offsets = batch.offsets();
    for (int i = offsets[dialogue]; i < offsets[dialogue + 1]; i++) {
      if (batch.supervised(i)) {
        return true;
      }
    }
    return false;
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
      loss[slot] += fixed(Math.clamp(losses[i], -LARGEST_LOSS, LARGEST_LOSS));
      weight[slot] += fixed(raw[i]);
      if (!reference.warmingUp(slot)) {
        double z = Math.clamp(reference.z(slot, losses[i]), -LARGEST_EXCESS, LARGEST_EXCESS);
        rated[slot]++;
        excess[slot] += fixed(z);
        beyond[slot] += fixed(Math.max(0, z - USUAL_EXCESS));
      }
    }
    visits++;
    source = sourceOfVisit;
    lastSequence = event.sequence();
    lastStep = batch.hasStep() ? event.step() : -1;
  }

  private static long fixed(double value) {
    return Math.round(value * SCALE);
  }
}
