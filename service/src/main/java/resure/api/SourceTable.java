package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The distinct sources of a batch in order of first appearance, found by their UTF-8 so that only a
 * new one becomes a String. Used again from batch to batch.
 */
final class SourceTable {

  /** Odd, and secret: nobody can send sources that all meet in one slot. */
  private final long multiplier = ThreadLocalRandom.current().nextLong() | 1;

  private final List<String> names = new ArrayList<>();
  private byte[] utf8 = new byte[256];
  private int[] ends = new int[16];

  /** Open addressing: 1 + index of the source, 0 for none; at most half full. */
  private int[] slots = new int[32];

  /** Index of the source in these bytes, which is added if it is new. */
  int index(byte[] text, int from, int to) {
    int slot = slot(text, from, to);
    while (slots[slot] != 0) {
      int index = slots[slot] - 1;
      if (Arrays.equals(utf8, start(index), ends[index], text, from, to)) {
        return index;
      }
      slot = slot + 1 & slots.length - 1;
    }
    slots[slot] = names.size() + 1;
    add(text, from, to);
    return names.size() - 1;
  }

  /** All of them, as long as the table is not cleared. */
  List<String> names() {
    return names;
  }

  void clear() {
    if (!names.isEmpty()) {
      names.clear();
      Arrays.fill(slots, 0);
    }
  }

  private void add(byte[] text, int from, int to) {
    int index = names.size();
    int start = start(index);
    if (start + to - from > utf8.length) {
      utf8 = Arrays.copyOf(utf8, 2 * (start + to - from));
    }
    System.arraycopy(text, from, utf8, start, to - from);
    if (index == ends.length) {
      ends = Arrays.copyOf(ends, 2 * index);
    }
    ends[index] = start + to - from;
    names.add(new String(text, from, to - from, UTF_8));
    if (2 * names.size() > slots.length) {
      grow();
    }
  }

  private void grow() {
    slots = new int[2 * slots.length];
    for (int index = 0; index < names.size(); index++) {
      int slot = slot(utf8, start(index), ends[index]);
      while (slots[slot] != 0) {
        slot = slot + 1 & slots.length - 1;
      }
      slots[slot] = index + 1;
    }
  }

  private int start(int index) {
    return index == 0 ? 0 : ends[index - 1];
  }

  private int slot(byte[] text, int from, int to) {
    long hash = 0;
    for (int i = from; i < to; i++) {
      hash = (hash ^ text[i]) * multiplier + 1;
      hash ^= hash >>> 32;
    }
    return (int) hash & slots.length - 1;
  }
}
