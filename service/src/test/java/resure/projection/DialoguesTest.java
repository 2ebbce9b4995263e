package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.InMemoryRows;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.RunEvent;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/** The rows of dialogues, written in pieces of any size. */
class DialoguesTest {

  private static final Configuration CONFIGURATION =
      Configuration.DEFAULT.withWarmUp(2).withMaxTurns(4);

  private final long seed = Long.getLong("resure.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final RunKey run = Entries.run("run");

  /** Rows of a run, with a projection that writes to them. */
  private final class Written {
    final InMemoryRows rows = new InMemoryRows(any -> true);
    RowsMark mark = new RowsMark(new Head(1, 0), -1, 2);

    Written() throws JournalException {
      assertThat(rows.write(run, null, mark, List.of())).isTrue();
    }

    void write(List<RunEvent> events) throws JournalException {
      RowsEdit edit = new RowsEdit(rows, run, mark);
      new Dialogues().project(events, edit);
      RowsMark next = new RowsMark(new Head(events.getLast().sequence(), 0), 0, 2);
      assertThat(rows.write(run, mark, next, edit.changes())).isTrue();
      mark = next;
    }

    List<DialogueReliability> all() throws JournalException {
      return new DialogueRanking(run, new DialogueQuery(1_000_000, null, null, null))
          .at(rows, mark)
          .dialogues();
    }
  }

  private static Weigher reference(Random random) {
    MomentsTable triples = new MomentsTable();
    for (int slot = 0; slot < 3; slot++) {
      // The last slot, and now and then another, is in warm-up.
      triples.set(slot, new Moments(100, 2, 99, random.nextInt(10) == 0 ? 0 : 100));
    }
    return new Weigher(CONFIGURATION, triples);
  }

  private RunEvent.Batch event(long sequence, ObservationBatch batch) {
    Weigher reference = reference(random);
    double[] raw = new double[batch.size()];
    for (int d = 0; d < batch.dialogues(); d++) {
      var _ =
          reference.weigh(
              batch.losses(), batch.offsets()[d], batch.offsets()[d + 1], batch.firstTurn(d), raw);
    }
    return new RunEvent.Batch(
        sequence,
        new JournalEntry.Batch(
            Entries.AT, null, batch, new Weights(raw, 1, 1, false, false, false)),
        sequence,
        reference);
  }

  private List<RunEvent> events(int batches, int dialogues) {
    List<RunEvent> events = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      events.add(event(i + 2, Visitors.batch(random, i, 0, dialogues)));
    }
    return events;
  }

  @Test
  void thePiecesInWhichTheyAreWrittenDoNotShow() throws JournalException {
    List<RunEvent> events = events(1500, 300);
    Written atOnce = new Written();
    atOnce.write(events);
    Written inPieces = new Written();
    for (int from = 0; from < events.size(); ) {
      int to = Math.min(events.size(), from + 1 + random.nextInt(8));
      inPieces.write(events.subList(from, to));
      from = to;
    }

    assertThat(inPieces.all()).as("seed %d", seed).isEqualTo(atOnce.all());
    assertThat(DialogueBytes.of(inPieces.rows, run))
        .as("seed %d", seed)
        .isEqualTo(DialogueBytes.of(atOnce.rows, run));
    List<DialogueFormat.Segment> segments =
        DialogueFormat.list(inPieces.rows.get(run, RowKind.DIALOGUES, DialogueFormat.listKey()));
    assertThat(segments).hasSizeLessThan(3 * 64);
    long blocks = segments.stream().mapToLong(DialogueFormat.Segment::blocks).sum();
    assertThat(inPieces.rows.scan(run, RowKind.DIALOGUES, new byte[0], null, 100_000))
        .as("what was merged is removed")
        .hasSize((int) blocks + 1);
  }

  /** Sums of doubles, one visit after the other. */
  private static final class Plain {
    long visits;
    long observations;
    long unusable;
    double weight;
    long rated;
    double excess;
    double beyond;
    final Map<Integer, Integer> ratedOf = new HashMap<>();
    String source = "";
  }

  @Test
  void theyAreWhatPlainSumsSay() throws JournalException {
    List<RunEvent> events = events(400, 50);
    Written written = new Written();
    for (RunEvent event : events) {
      written.write(List.of(event));
    }
    Map<String, Plain> plain = new TreeMap<>();
    for (RunEvent each : events) {
      RunEvent.Batch event = (RunEvent.Batch) each;
      ObservationBatch batch = event.entry().batch();
      for (int d = 0; d < batch.dialogues(); d++) {
        List<Integer> turns = new ArrayList<>();
        for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++) {
          if (batch.supervised(i)) {
            turns.add(i - batch.offsets()[d]);
          }
        }
        if (turns.isEmpty()) {
          continue;
        }
        Plain sums = plain.computeIfAbsent(batch.id(d), id -> new Plain());
        sums.visits++;
        sums.source = String.valueOf(batch.source(d));
        for (int turn : turns) {
          double loss = batch.losses()[batch.offsets()[d] + turn];
          sums.observations++;
          if (!(Math.abs(loss) <= 100)) {
            sums.unusable++;
            continue;
          }
          sums.weight += event.entry().weights().raw()[batch.offsets()[d] + turn];
          int slot = Math.min(turn, 3);
          if (!event.reference().warmingUp(slot)) {
            // Mean 2 and standard deviation 1.
            double z = Math.max(-3, Math.min(3, loss - 2));
            sums.rated++;
            sums.ratedOf.merge(slot, 1, Integer::sum);
            sums.excess += z;
            sums.beyond += Math.max(0, z - 1);
          }
        }
      }
    }
    List<DialogueReliability> all = written.all();
    assertThat(all).as("seed %d", seed).hasSameSizeAs(plain.keySet());
    for (DialogueReliability found : all) {
      Plain sums = requireNonNull(plain.get(found.dialogue()));
      long usable = sums.observations - sums.unusable;
      assertThat(found.visits()).isEqualTo(sums.visits);
      assertThat(String.valueOf(found.source())).isEqualTo(sums.source);
      assertThat(found.observations()).isEqualTo(sums.observations);
      assertThat(found.unusable()).isEqualTo(sums.unusable);
      assertThat(found.meanWeight())
          .isCloseTo(usable == 0 ? Double.NaN : sums.weight / usable, within(1e-4));
      int visits = sums.ratedOf.values().stream().mapToInt(n -> n).max().orElse(0);
      double expected =
          visits == 0 ? 0 : (sums.excess + 3 * sums.beyond) / sums.rated * visits / (visits + 3);
      assertThat(found.unreliability()).isCloseTo(expected, within(5e-4));
    }
    List<Double> order = all.stream().map(DialogueReliability::unreliability).toList();
    List<Double> sorted = new ArrayList<>(order);
    sorted.sort(Collections.reverseOrder());
    assertThat(order).isEqualTo(sorted);
  }

  @Test
  void manyDialoguesAreMergedInPieces() throws JournalException {
    // Large enough that merging writes ahead of the rest.
    Written written = new Written();
    int sequence = 2;
    for (int piece = 0; piece < 64; piece++) {
      List<RunEvent> events = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        events.add(event(sequence++, numbered(piece * 500 + i * 100)));
      }
      written.write(events);
    }
    assertThat(
            DialogueFormat.list(written.rows.get(run, RowKind.DIALOGUES, DialogueFormat.listKey())))
        .hasSize(1);
    List<DialogueReliability> all = written.all();
    assertThat(all).hasSize(32_000);
    assertThat(all.stream().map(DialogueReliability::dialogue).distinct().count())
        .isEqualTo(32_000);
  }

  /** A hundred dialogues of two turns with long ids. */
  private static ObservationBatch numbered(int from) {
    StringBuilder ids = new StringBuilder();
    int[] idEnds = new int[100];
    int[] offsets = new int[101];
    for (int d = 0; d < 100; d++) {
      ids.append("dialogue of a rather long name ").append(from + d);
      idEnds[d] = ids.length();
      offsets[d + 1] = 2 * d + 2;
    }
    double[] losses = new double[200];
    Arrays.fill(losses, 3);
    return new ObservationBatch(
        0,
        0,
        0,
        null,
        offsets,
        losses,
        null,
        null,
        ids.toString().getBytes(UTF_8),
        idEnds,
        List.of(),
        null,
        null,
        null);
  }

  @Test
  void oneDialogueAManyTimesInABatchIsOne() throws JournalException {
    byte[] ids = "x".repeat(50_000).getBytes(UTF_8);
    int[] idEnds = new int[50_000];
    int[] offsets = new int[50_001];
    for (int d = 0; d < 50_000; d++) {
      idEnds[d] = d + 1;
      offsets[d + 1] = d + 1;
    }
    double[] losses = new double[50_000];
    Arrays.fill(losses, 2);
    Written written = new Written();
    written.write(
        List.of(
            event(
                2,
                new ObservationBatch(
                    0, 0, 0, null, offsets, losses, null, null, ids, idEnds, List.of(), null, null,
                    null))));

    assertThat(written.all())
        .singleElement()
        .extracting(DialogueReliability::visits)
        .isEqualTo(50_000L);
  }
}
