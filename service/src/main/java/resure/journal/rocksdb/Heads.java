package resure.journal.rocksdb;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.journal.Head;
import resure.journal.RunKey;
import resure.observation.RunId;

/**
 * The newest entries of runs used lately, and which runs are being written to. Whoever appends to a
 * run holds its name from the look at its head until the write has returned, so that of two writers
 * one waits and then sees what the other did; the write-ahead log never holds a run's entries out
 * of order. Any thread; the monitor guards both collections.
 */
final class Heads {

  /** About 200 bytes each. */
  private static final int CAPACITY = 16_384;

  /** A run's place in the store. */
  static final class Place {

    private final byte[] row;
    private final Head head;

    Place(byte[] row, Head head) {
      this.row = row;
      this.head = head;
    }

    /** What its keys begin with; not to be changed. */
    byte[] row() {
      return row;
    }

    /** Its newest entry; {@link Head#NONE} when it has none, or is gone. */
    Head head() {
      return head;
    }
  }

  private final Set<RunId> held = new HashSet<>();
  private final Map<RunKey, Place> known =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<RunKey, Place> eldest) {
          return size() > CAPACITY;
        }
      };

  /** Waits until nobody holds any of the names, then takes all at once: no order, no deadlock. */
  synchronized void hold(Collection<RunId> names) {
    boolean interrupted = false;
    while (anyHeld(names)) {
      try {
        wait();
      } catch (InterruptedException e) {
        // The holder is in a write that ends by itself; giving up here would say nothing of ours.
        interrupted = true;
      }
    }
    held.addAll(names);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean anyHeld(Collection<RunId> names) {
    for (RunId name : names) {
      if (held.contains(name)) {
        return true;
      }
    }
    return false;
  }

  synchronized void release(Collection<RunId> names) {
    for (RunId name : names) {
      held.remove(name);
    }
    notifyAll();
  }

  synchronized @Nullable Place get(RunKey run) {
    return known.get(run);
  }

  synchronized void put(RunKey run, Place place) {
    known.put(run, place);
  }

  synchronized void putAll(Map<RunKey, Place> places) {
    known.putAll(places);
  }
}
