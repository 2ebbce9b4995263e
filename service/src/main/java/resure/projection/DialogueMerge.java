package resure.projection;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import resure.journal.JournalException;
import resure.projection.DialogueFormat.BlockSource;
import resure.projection.DialogueFormat.Reader;
import resure.projection.DialogueFormat.Segment;

/** Goes through the dialogues of several segments in the order of their places. One thread. */
final class DialogueMerge {

  /** Those that have a record left, but for {@code same}. */
  private final PriorityQueue<Reader> readers = new PriorityQueue<>(Reader::compareTo);

  /** Those that stand at the dialogue that is next. */
  private final List<Reader> same = new ArrayList<>();

  DialogueMerge(List<Segment> segments, BlockSource source) throws JournalException {
    for (Segment segment : segments) {
      Reader reader = new Reader(segment, source);
      if (reader.next()) {
        readers.add(reader);
      }
    }
  }

  /** Goes to the next dialogue; false at the end. */
  boolean next() throws JournalException {
    for (Reader reader : same) {
      if (reader.next()) {
        readers.add(reader);
      }
    }
    same.clear();
    Reader first = readers.poll();
    if (first == null) {
      return false;
    }
    same.add(first);
    for (Reader other = readers.peek();
        other != null && other.compareTo(first) == 0;
        other = readers.peek()) {
      same.add(readers.remove());
    }
    return true;
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
