package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import resure.statistics.Moments;

/**
 * The device's memory of all references: one row for each quantity, one cell for each slot. New
 * references are written at the end; when it is reached, those still in use are gathered to the
 * front of rows that are twice as large as they need, so memory follows the runs that are loaded in
 * both directions, and a write never waits for a hole that fits.
 */
final class Cells {

  /** A cell of no reference: nothing folded, in warm-up, no cap. */
  static final int EMPTY = 0;

  private static final int SMALLEST = 4096;
  private static final int ROWS = 5;

  private final NDManager manager;
  private final Staging staging = new Staging();
  private List<DjlReference> references = new ArrayList<>();
  private NDManager rowsOwner;
  private NDArray cells;
  private NDArray n;
  private NDArray mean;
  private NDArray m2;
  private NDArray sd;
  private NDArray cap;
  private int capacity;
  private int end = 1;
  private int live = 1;

  Cells(NDManager manager) {
    this.manager = manager;
    rowsOwner = manager.newSubManager();
    capacity = SMALLEST;
    cells = rowsOwner.zeros(new Shape(ROWS, capacity), DataType.FLOAT64);
    n = row(0);
    mean = row(1);
    m2 = row(2);
    sd = row(3);
    cap = row(4);
    try (NDManager owner = manager.newSubManager()) {
      double[] empty = {0, 0, 0, Double.NaN, Double.POSITIVE_INFINITY};
      write(0, 0, owner.create(empty, new Shape(ROWS, 1)));
    }
  }

  private NDArray row(int row) {
    return cells.get(rowsOwner, new NDIndex().addIndices(row));
  }

  private void write(int row, int from, NDArray values) {
    long rows = values.getShape().get(0);
    long columns = values.getShape().get(1);
    cells.set(new NDIndex().addSliceDim(row, row + rows).addSliceDim(from, from + columns), values);
  }

  /** The triples of cells. */
  Triples triples(NDManager owner, NDArray indices) {
    return new Triples(n.take(owner, indices), mean.take(owner, indices), m2.take(owner, indices));
  }

  /** Means of cells. */
  NDArray mean(NDManager owner, NDArray indices) {
    return mean.take(owner, indices);
  }

  /** Standard deviations of cells; NaN in warm-up. */
  NDArray sd(NDManager owner, NDArray indices) {
    return sd.take(owner, indices);
  }

  /** Largest losses that cells fold; infinite without a cap. */
  NDArray cap(NDManager owner, NDArray indices) {
    return cap.take(owner, indices);
  }

  /** Sends those references that are not here yet, all at once. */
  void load(Iterable<DjlReference> wanted) {
    List<DjlReference> missing = new ArrayList<>();
    int slots = 0;
    for (DjlReference reference : wanted) {
      if (reference.released) {
        throw new IllegalArgumentException("a released reference is used");
      }
      if (reference.cell == DjlReference.NOWHERE) {
        // Marked at once, since a group may hold it twice.
        reference.cell = EMPTY;
        missing.add(reference);
        slots += reference.slots();
      }
    }
    if (missing.isEmpty()) {
      return;
    }
    int from = room(slots);
    place(missing, from);
    if (slots > 0) {
      try (NDManager owner = manager.newSubManager()) {
        staging.begin();
        Staging.Column triples = staging.numbers(3 * slots);
        Staging.Column derived = derived(missing, slots);
        int at = 0;
        for (DjlReference reference : missing) {
          for (int slot = 0; slot < reference.slots(); slot++, at++) {
            Moments moments = reference.weigher.triples().moments(slot);
            staging.numbers[triples.at(at)] = moments.n();
            staging.numbers[triples.at(slots + at)] = moments.mean();
            staging.numbers[triples.at(2 * slots + at)] = moments.m2();
          }
        }
        staging.send(owner);
        write(0, from, staging.numbers(owner, triples).reshape(3, slots));
        write(3, from, staging.numbers(owner, derived).reshape(2, slots));
      }
    }
  }

  /** Keeps triples that were folded on the device: those of {@code folded}, one after the other. */
  void keep(List<DjlReference> folded, Triples triples) {
    int slots = (int) triples.n().size();
    int from = room(slots);
    place(folded, from);
    try (NDManager owner = manager.newSubManager()) {
      staging.begin();
      Staging.Column derived = derived(folded, slots);
      staging.send(owner);
      NDArray rows = NDArrays.stack(new NDList(triples.n(), triples.mean(), triples.m2()));
      write(0, from, rows);
      write(3, from, staging.numbers(owner, derived).reshape(2, slots));
    }
  }

  private Staging.Column derived(List<DjlReference> of, int slots) {
    Staging.Column column = staging.numbers(2 * slots);
    int at = 0;
    for (DjlReference reference : of) {
      double[] caps = reference.weigher.caps();
      for (int slot = 0; slot < reference.slots(); slot++, at++) {
        staging.numbers[column.at(at)] = reference.weigher.sd(slot);
        staging.numbers[column.at(slots + at)] =
            slot < caps.length ? caps[slot] : Double.POSITIVE_INFINITY;
      }
    }
    return column;
  }

  private void place(List<DjlReference> placed, int from) {
    int cell = from;
    for (DjlReference reference : placed) {
      reference.cell = cell;
      cell += reference.slots();
      references.add(reference);
    }
    end = cell;
    live += cell - from;
  }

  /** Says that a reference will not be used again. Asks nothing of the device. */
  void release(DjlReference reference) {
    if (!reference.released && reference.cell != DjlReference.NOWHERE) {
      live -= reference.slots();
    }
    reference.released = true;
  }

  /** First of so many free cells. */
  private int room(int slots) {
    boolean full = end + slots > capacity;
    boolean mostlyFree = capacity > SMALLEST && live + slots < capacity / 8;
    if (full || mostlyFree) {
      gather(Math.max(SMALLEST, Integer.highestOneBit(2 * (live + slots)) * 2));
    }
    return end;
  }

  /** Moves what is in use to the front of new rows. */
  private void gather(int newCapacity) {
    List<DjlReference> kept = new ArrayList<>();
    try (NDManager owner = manager.newSubManager()) {
      staging.begin();
      Staging.Column moved = staging.indices(live);
      int to = 0;
      staging.indices[moved.at(to++)] = EMPTY;
      for (DjlReference reference : references) {
        if (!reference.released) {
          for (int slot = 0; slot < reference.slots(); slot++) {
            staging.indices[moved.at(to++)] = reference.cell(slot);
          }
        }
      }
      staging.send(owner);
      NDArray from = staging.indices(owner, moved);
      NDArray rows =
          NDArrays.stack(
              new NDList(
                  n.take(owner, from),
                  mean.take(owner, from),
                  m2.take(owner, from),
                  sd.take(owner, from),
                  cap.take(owner, from)));
      NDManager old = rowsOwner;
      rowsOwner = manager.newSubManager();
      capacity = newCapacity;
      cells = rowsOwner.zeros(new Shape(ROWS, capacity), DataType.FLOAT64);
      n = row(0);
      mean = row(1);
      m2 = row(2);
      sd = row(3);
      cap = row(4);
      write(0, 0, rows);
      old.close();
    }
    int cell = 1;
    for (DjlReference reference : references) {
      if (!reference.released) {
        reference.cell = cell;
        cell += reference.slots();
        kept.add(reference);
      }
    }
    references = kept;
    end = cell;
  }

  /** Bytes on the device. */
  long bytes() {
    return (long) ROWS * capacity * Double.BYTES;
  }
}
