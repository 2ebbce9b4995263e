package resure.projection;

import java.util.ArrayList;
import java.util.List;
import resure.journal.JournalException;
import resure.projection.DialogueFormat.BlockSource;
import resure.projection.DialogueFormat.Reader;
import resure.projection.DialogueFormat.Segment;

/** Goes through the dialogues of several segments in the order of their places. One thread. */
final class DialogueMerge {

  /** Those that have a record left. */
  private final List<Reader> readers = new ArrayList<>();

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
      if (!reader.next()) {
        readers.remove(reader);
      }
    }
    same.clear();
    for (Reader reader : readers) {
      int order = same.isEmpty() ? 0 : reader.compareTo(same.getFirst());
      if (order < 0) {
        same.clear();
      }
      if (order <= 0) {
        same.add(reader);
      }
    }
    return !same.isEmpty();
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
