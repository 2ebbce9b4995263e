package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.observation.ObservationBatch;
import resure.projection.DialogueFormat.Segment;
import resure.projection.DialogueFormat.SegmentWriter;
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

  /** Visits that are sorted at once; as many as {@link #INDEX_BITS} tell apart. */
  private static final int MOST_VISITS = 1 << 20;

  private static final int INDEX_BITS = 20;

  /** What comes at once. */
  private static final class Visits {
    final List<RunEvent.Batch> batches = new ArrayList<>();
    int[] batchOf = new int[256];
    int[] dialogueOf = new int[256];
    int count;

    void add(int dialogue) {
      if (count == batchOf.length) {
        batchOf = Arrays.copyOf(batchOf, 2 * count);
        dialogueOf = Arrays.copyOf(dialogueOf, 2 * count);
      }
      batchOf[count] = batches.size() - 1;
      dialogueOf[count++] = dialogue;
    }

    ObservationBatch batch(int visit) {
      return batches.get(batchOf[visit]).entry().batch();
    }

    int idStart(int visit) {
      int dialogue = dialogueOf[visit];
      return dialogue == 0 ? 0 : batch(visit).idEnds()[dialogue - 1];
    }

    int idEnd(int visit) {
      return batch(visit).idEnds()[dialogueOf[visit]];
    }

    long hash(int visit) {
      return DialogueFormat.hash(batch(visit).ids(), idStart(visit), idEnd(visit));
    }

    int compareIds(int a, int b) {
      return Arrays.compareUnsigned(
          batch(a).ids(), idStart(a), idEnd(a), batch(b).ids(), idStart(b), idEnd(b));
    }

    byte @Nullable [] source(int visit) {
      String source = batch(visit).source(dialogueOf[visit]);
      return source == null ? null : source.getBytes(UTF_8);
    }
  }

  /** Adds the dialogues that were seen. */
  @Override
  public void project(List<RunEvent> events, RowsEdit rows) throws JournalException {
    List<Segment> segments =
        DialogueFormat.list(rows.get(RowKind.DIALOGUES, DialogueFormat.listKey()));
    int before = segments.size();
    Visits visits = new Visits();
    for (RunEvent event : events) {
      if (event instanceof RunEvent.Batch batch) {
        ObservationBatch observations = batch.entry().batch();
        if (visits.count + observations.dialogues() > MOST_VISITS) {
          add(visits, segments, rows);
          visits = new Visits();
        }
        visits.batches.add(batch);
        for (int d = 0; d < observations.dialogues(); d++) {
          if (DialogueSums.isObserved(observations, d)) {
            visits.add(d);
          }
        }
      }
    }
    add(visits, segments, rows);
    if (segments.size() > before) {
      merge(segments, rows);
      rows.put(RowKind.DIALOGUES, DialogueFormat.listKey(), DialogueFormat.list(segments));
    }
  }

  /** Writes visits as a segment. */
  private static void add(Visits visits, List<Segment> segments, RowsEdit rows)
      throws JournalException {
    if (visits.count == 0) {
      return;
    }
    int[] order = order(visits);
    long id = newId();
    SegmentWriter writer =
        new SegmentWriter(
            (block, content) ->
                rows.put(RowKind.DIALOGUES, DialogueFormat.blockKey(id, block), content));
    DialogueSums sums = new DialogueSums();
    for (int i = 0; i < order.length; ) {
      int first = order[i];
      sums.clear();
      sums.id =
          Arrays.copyOfRange(visits.batch(first).ids(), visits.idStart(first), visits.idEnd(first));
      do {
        int visit = order[i];
        sums.add(
            visits.batches.get(visits.batchOf[visit]),
            visits.dialogueOf[visit],
            visits.source(visit));
        i++;
      } while (i < order.length && visits.compareIds(first, order[i]) == 0);
      writer.add(visits.hash(first), sums);
    }
    segments.add(writer.end(0, id));
  }

  /** By the places of the dialogues, those of one as they came. */
  private static int[] order(Visits visits) {
    int count = visits.count;
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
    for (int from = 0; from < count; ) {
      int to = from + 1;
      boolean one = true;
      while (to < count && keys[to] >>> INDEX_BITS == keys[from] >>> INDEX_BITS) {
        one &= visits.compareIds(order[from], order[to]) == 0;
        to++;
      }
      if (!one) {
        sort(visits, order, from, to);
      }
      from = to;
    }
    return order;
  }

  private static void sort(Visits visits, int[] order, int from, int to) {
    List<Integer> some = new ArrayList<>();
    for (int i = from; i < to; i++) {
      some.add(order[i]);
    }
    some.sort(
        Comparator.<Integer>comparingLong(visits::hash)
            .thenComparing(visits::compareIds)
            .thenComparing(Comparator.naturalOrder()));
    for (int i = from; i < to; i++) {
      order[i] = some.get(i - from);
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
