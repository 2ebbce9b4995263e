package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.observation.ObservationBatch;
import resure.projection.DialogueFormat.DialogueRecord;
import resure.projection.DialogueFormat.Segment;
import resure.projection.DialogueFormat.SegmentWriter;
import resure.projection.DialogueFormat.Visits;
import resure.run.RunEvent;

/**
 * The rows of dialogues. A row for each would cost one read and one write a visit, several times
 * what scoring it costs. So what comes at once is sorted and kept as a segment of its own, and when
 * there are as many of one level as {@link #MOST_OF_A_LEVEL}, they are merged into one of the next:
 * a visit is written again as often as there are levels, which grow with the logarithm of their
 * number. Who asks merges what there is.
 */
public final class Dialogues implements Projection {

  private static final int MOST_OF_A_LEVEL = 64;

  /** Bytes of visits at which they are written. */
  private static final int MOST_BYTES = 16 << 20;

  /** Visits that are sorted at once; as many as {@link #INDEX_BITS} tell apart. */
  private static final int MOST_VISITS = 1 << 20;

  private static final int INDEX_BITS = 20;

  /** Adds the dialogues that were seen. */
  @Override
  public void project(List<RunEvent> events, RowsEdit rows) throws JournalException {
    List<Segment> segments =
        DialogueFormat.list(rows.get(RowKind.DIALOGUES, DialogueFormat.listKey()));
    int before = segments.size();
    long bytes = 0;
    for (RunEvent event : events) {
      if (event instanceof RunEvent.Batch batch) {
        bytes += DialogueFormat.bytes(batch.entry().batch());
      }
    }
    int capacity = (int) Math.min(MOST_BYTES, bytes);
    Visits visits = new Visits(capacity);
    for (RunEvent event : events) {
      if (event instanceof RunEvent.Batch batch) {
        if (visits.bytes() > MOST_BYTES
            || visits.count() + batch.entry().batch().dialogues() > MOST_VISITS) {
          add(visits, segments, rows);
          visits = new Visits(capacity);
        }
        add(batch, visits);
      }
    }
    add(visits, segments, rows);
    if (segments.size() > before) {
      merge(segments, rows);
      rows.put(RowKind.DIALOGUES, DialogueFormat.listKey(), DialogueFormat.list(segments));
    }
  }

  private static void add(RunEvent.Batch event, Visits visits) {
    ObservationBatch batch = event.entry().batch();
    int[] sourceOf = batch.sourceOf();
    byte[][] sources = new byte[batch.sources().size()][];
    for (int s = 0; s < sources.length; s++) {
      sources[s] = batch.sources().get(s).getBytes(UTF_8);
    }
    for (int d = 0; d < batch.dialogues(); d++) {
      int observations = DialogueSums.observations(batch, d);
      if (observations > 0) {
        int source = sourceOf == null ? -1 : sourceOf[d];
        visits.add(event, d, observations, source < 0 ? null : sources[source]);
      }
    }
  }

  /** Writes visits as a segment. */
  private static void add(Visits visits, List<Segment> segments, RowsEdit rows)
      throws JournalException {
    if (visits.count() == 0) {
      return;
    }
    int[] order = order(visits);
    long id = newId();
    SegmentWriter writer =
        new SegmentWriter(
            (block, content) ->
                rows.put(RowKind.DIALOGUES, DialogueFormat.blockKey(id, block), content));
    DialogueSums sums = new DialogueSums();
    DialogueRecord first = new DialogueRecord();
    DialogueRecord other = new DialogueRecord();
    for (int i = 0; i < order.length; ) {
      visits.read(order[i], first);
      int same = i + 1;
      while (same < order.length && isSame(visits, order[same], first, other)) {
        same++;
      }
      if (same == i + 1) {
        writer.add(first);
      } else {
        sums.clear();
        for (; i < same; i++) {
          visits.read(order[i], other);
          other.addTo(sums);
        }
        writer.add(first.hash(), sums);
      }
      i = same;
    }
    segments.add(writer.end(0, id));
  }

  private static boolean isSame(Visits visits, int visit, DialogueRecord as, DialogueRecord scratch)
      throws JournalException {
    if (visits.hash(visit) != as.hash()) {
      return false;
    }
    visits.read(visit, scratch);
    return scratch.compareTo(as) == 0;
  }

  /** By the places of the dialogues, those of one as they came. */
  private static int[] order(Visits visits) throws JournalException {
    int count = visits.count();
    long[] keys = new long[count];
    for (int visit = 0; visit < count; visit++) {
      keys[visit] = visits.hash(visit) >>> INDEX_BITS << INDEX_BITS | visit;
    }
    Arrays.sort(keys);
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[i] = (int) keys[i] & MOST_VISITS - 1;
    }
    // Of those that have the upper bits in common, by the rest.
    DialogueRecord first = new DialogueRecord();
    DialogueRecord other = new DialogueRecord();
    for (int from = 0; from < count; ) {
      int to = from + 1;
      if (to < count && upper(keys, to) == upper(keys, from)) {
        visits.read(order[from], first);
        boolean one = true;
        for (; to < count && upper(keys, to) == upper(keys, from); to++) {
          one &= isSame(visits, order[to], first, other);
        }
        if (!one) {
          sort(visits, order, from, to);
        }
      }
      from = to;
    }
    return order;
  }

  private static long upper(long[] keys, int i) {
    return keys[i] >>> INDEX_BITS;
  }

  private record Placed(int visit, DialogueRecord record) {}

  /** Those of one dialogue stay as they came. */
  private static void sort(Visits visits, int[] order, int from, int to) throws JournalException {
    List<Placed> some = new ArrayList<>();
    for (int i = from; i < to; i++) {
      DialogueRecord record = new DialogueRecord();
      visits.read(order[i], record);
      some.add(new Placed(order[i], record));
    }
    some.sort((a, b) -> a.record.compareTo(b.record));
    for (int i = from; i < to; i++) {
      order[i] = some.get(i - from).visit;
    }
  }

  private static long newId() {
    // Of two processes that write at once, neither may take the other's blocks for its own.
    return UUID.randomUUID().getLeastSignificantBits() ^ UUID.randomUUID().getMostSignificantBits();
  }

  private static void merge(List<Segment> segments, RowsEdit rows) throws JournalException {
    for (int level = 0; ; level++) {
      int of = level;
      List<Segment> some = segments.stream().filter(s -> s.level() == of).toList();
      if (some.size() < MOST_OF_A_LEVEL) {
        return;
      }
      segments.removeAll(some);
      segments.add(merge(some, level + 1, rows));
    }
  }

  private static Segment merge(List<Segment> segments, int level, RowsEdit rows)
      throws JournalException {
    long id = newId();
    SegmentWriter writer =
        new SegmentWriter(
            (block, content) ->
                rows.putAhead(RowKind.DIALOGUES, DialogueFormat.blockKey(id, block), content));
    DialogueMerge merge =
        new DialogueMerge(segments, (segment, block) -> block(rows, segment, block));
    DialogueSums scratch = new DialogueSums();
    while (merge.next()) {
      merge.copyTo(writer, scratch);
    }
    Segment merged = writer.end(level, id);
    for (Segment segment : segments) {
      for (int block = 0; block < segment.blocks(); block++) {
        rows.remove(RowKind.DIALOGUES, DialogueFormat.blockKey(segment.id(), block));
      }
    }
    return merged;
  }

  private static byte[] block(RowsEdit rows, long segment, int block) throws JournalException {
    byte[] content = rows.get(RowKind.DIALOGUES, DialogueFormat.blockKey(segment, block));
    if (content == null) {
      throw new CorruptJournalException("a block of dialogues is missing");
    }
    return content;
  }
}
