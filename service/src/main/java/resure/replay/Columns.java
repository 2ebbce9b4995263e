package resure.replay;

import java.util.Arrays;
import resure.compute.SweepWindow;
import resure.observation.ObservationBatch;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/**
 * The usable losses of some dialogues in flat arrays, with the z-scores that one configuration
 * gives them. Filled again and again; the arrays stay. One thread at a time.
 */
final class Columns {

  private static final int FIRST_CELLS = 1024;

  private int size;
  private double[] losses = new double[0];
  private double[] zs = new double[0];
  private int[] cells = new int[0];
  private int[] slots = new int[0];
  private int[] sources = new int[0];
  private int[] gaps = new int[0];
  private boolean[] bad = new boolean[0];
  private int cellCount;
  private double[] means = new double[FIRST_CELLS];
  private double[] sds = new double[FIRST_CELLS];

  /** The cell of each slot of the weigher at hand, -1 while it has none. */
  private final int[] cellOfSlot = new int[Configuration.MOST_TURNS];

  /** Empties it and makes room. */
  void clear(int capacity) {
    size = 0;
    cellCount = 0;
    if (losses.length < capacity) {
      losses = new double[capacity];
      zs = new double[capacity];
      cells = new int[capacity];
      slots = new int[capacity];
      sources = new int[capacity];
      gaps = new int[capacity];
      bad = new boolean[capacity];
    }
  }

  int size() {
    return size;
  }

  int slot(int i) {
    return slots[i];
  }

  int source(int i) {
    return sources[i];
  }

  boolean bad(int i) {
    return bad[i];
  }

  /** Says that what is appended next is compared with other statistics than before. */
  void newReference() {
    Arrays.fill(cellOfSlot, -1);
  }

  /** Appends a dialogue's usable losses, for which there must be room. */
  void append(Recorded recorded, int dialogue, Configuration configuration, Weigher weigher) {
    ObservationBatch batch = recorded.scored().batch();
    double[] all = batch.losses();
    int source = recorded.source(dialogue);
    long turn = batch.firstTurn(dialogue);
    int from = batch.offsets()[dialogue];
    int to = batch.offsets()[dialogue + 1];
    int before = -1;
    for (int i = from; i < to; i++, turn++) {
      double loss = all[i];
      if (!configuration.usable(loss)) {
        continue;
      }
      int slot = configuration.slot(turn);
      losses[size] = loss;
      slots[size] = slot;
      sources[size] = source;
      gaps[size] = before < 0 ? 0 : i - before;
      bad[size] = recorded.bad(i);
      before = i;
      if (weigher.warmingUp(slot)) {
        zs[size] = Double.NaN;
        cells[size] = 0;
      } else {
        zs[size] = weigher.z(slot, loss);
        cells[size] = cell(slot, weigher);
      }
      size++;
    }
  }

  private int cell(int slot, Weigher weigher) {
    int cell = cellOfSlot[slot];
    if (cell < 0) {
      cell = cellCount++;
      if (cell == means.length) {
        means = Arrays.copyOf(means, 2 * cell);
        sds = Arrays.copyOf(sds, 2 * cell);
      }
      means[cell] = weigher.mean(slot);
      sds[cell] = weigher.sd(slot);
      cellOfSlot[slot] = cell;
    }
    return cell;
  }

  /** What was appended, for a sweep; valid until this is emptied. */
  SweepWindow window(int slotCount, int sourceCount) {
    return new SweepWindow(
        size, losses, zs, cells, means, sds, slots, slotCount, sources, sourceCount, gaps);
  }
}
