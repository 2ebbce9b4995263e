package resure.projection;

import java.util.ArrayList;
import java.util.List;
import resure.journal.JournalException;
import resure.projection.DialogueFormat.BlockSource;
import resure.projection.DialogueFormat.Reader;
import resure.projection.DialogueFormat.Segment;

/**
 * Goes through the dialogues of several segments in the order of their places. One thread.
 *
 * <p>Merging is most of what the rows of dialogues cost, so the segments' next records are kept in
 * a heap by their hashes alone, in an array: nothing of a record is looked at to order it but where
 * hashes are the same.
 */
final class DialogueMerge {

  /** A binary heap of the next records' hashes. */
  private final long[] hashes;

  /** Whose they are. */
  private final Reader[] readers;

  private int size;

  /** Those that stand at the dialogue that is next. */
  private final List<Reader> same = new ArrayList<>();

  /** Those at other dialogues of the same hash, in order of their ids. */
  private final List<Reader> later = new ArrayList<>();

  DialogueMerge(List<Segment> segments, BlockSource source) throws JournalException {
    hashes = new long[segments.size()];
    readers = new Reader[segments.size()];
    for (Segment segment : segments) {
      Reader reader = new Reader(segment, source);
      if (reader.next()) {
        add(reader);
      }
    }
  }

  /** Goes to the next dialogue; false at the end. */
  boolean next() throws JournalException {
    for (Reader reader : same) {
      if (reader.next()) {
        add(reader);
      }
    }
    same.clear();
    later.forEach(this::add);
    later.clear();
    takeLeastHash();
    for (int i = 1; i < same.size(); i++) {
      if (same.get(i).compareTo(same.getFirst()) != 0) {
        separate();
        break;
      }
    }
    return !same.isEmpty();
  }

  private void takeLeastHash() {
    if (size > 0) {
      long hash = hashes[0];
      do {
        same.add(readers[0]);
        removeFirst();
      } while (size > 0 && hashes[0] == hash);
    }
  }

  /** Leaves those of the first of several dialogues of one hash. */
  private void separate() {
    same.sort(Reader::compareTo);
    int first = 1;
    while (same.get(first).compareTo(same.getFirst()) == 0) {
      first++;
    }
    List<Reader> others = same.subList(first, same.size());
    later.addAll(others);
    others.clear();
  }

  private void add(Reader reader) {
    long hash = reader.hash();
    int at = size++;
    while (at > 0 && hashes[(at - 1) >>> 1] > hash) {
      int above = (at - 1) >>> 1;
      hashes[at] = hashes[above];
      readers[at] = readers[above];
      at = above;
    }
    hashes[at] = hash;
    readers[at] = reader;
  }

  private void removeFirst() {
    long hash = hashes[--size];
    Reader reader = readers[size];
    int at = 0;
    for (int below = 1; below < size; below = 2 * at + 1) {
      if (below + 1 < size && hashes[below + 1] < hashes[below]) {
        below++;
      }
      if (hash <= hashes[below]) {
        break;
      }
      hashes[at] = hashes[below];
      readers[at] = readers[below];
      at = below;
    }
    hashes[at] = hash;
    readers[at] = reader;
  }

  /** Fills in what all segments say of the dialogue. */
  void read(DialogueSums sums) throws JournalException {
    sums.clear();
    for (Reader reader : same) {
      reader.addTo(sums);
    }
  }

  /** Writes the dialogue to another segment. */
  void copyTo(DialogueFormat.SegmentWriter writer, DialogueSums scratch) throws JournalException {
    if (same.size() == 1) {
      writer.add(same.getFirst());
    } else {
      read(scratch);
      writer.add(same.getFirst().hash(), scratch);
    }
  }
}
