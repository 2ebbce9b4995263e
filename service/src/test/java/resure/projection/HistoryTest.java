package resure.projection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import resure.journal.Entries;
import resure.journal.InMemoryJournal;
import resure.journal.JournalException;
import resure.journal.Row;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.observation.Batches;
import resure.run.FoldedStep;
import resure.run.RecordedRun;
import resure.run.RunEvent;
import resure.run.RunPast;
import resure.statistics.Moments;
import resure.weighting.Configuration;

class HistoryTest {

  private final History history = new History();

  /** Rows of a run that is there. */
  private static final class Written {
    final RunKey run = Entries.run("history");
    final RunRows rows;
    RowsMark mark = RunPast.NOTHING;

    Written() throws JournalException {
      InMemoryJournal journal = new InMemoryJournal();
      Entries.append(journal, run, Entries.created());
      rows = journal.rows();
      rows.clear(run, null, mark);
    }

    void project(History history, List<RunEvent> events) throws JournalException {
      RowsEdit edit = new RowsEdit(rows, run, mark);
      history.project(events, edit);
      assertThat(rows.write(run, mark, mark, edit.changes())).isTrue();
    }

    List<String> all() throws JournalException {
      List<String> all = new ArrayList<>();
      for (Row row : rows.scan(run, RowKind.HISTORY, new byte[0], null, 1 << 20)) {
        all.add(
            HexFormat.of().formatHex(row.key()) + " " + HexFormat.of().formatHex(row.content()));
      }
      return all;
    }

    HistoryView query(int points, long from, long to) throws JournalException {
      return new HistoryQuery(run, points, from, to).at(rows, mark);
    }
  }

  private static List<RunEvent> events(Random random, int steps, boolean late)
      throws JournalException {
    RecordedRun run =
        new RecordedRun(Configuration.DEFAULT.withWarmUp(3).withLag(random.nextInt(3)));
    long step = 0;
    for (int i = 0; i < steps; i++) {
      int ranks = 1 + random.nextInt(2);
      for (int rank = 0; rank < ranks; rank++) {
        run.score(Batches.random(random, step, rank, 0, null));
      }
      if (late && random.nextInt(4) == 0) {
        run.score(Batches.random(random, random.nextLong(step + 1), 9, i, null));
      }
      step += 1 + random.nextInt(3) / 2;
    }
    run.finish();
    return run.events();
  }

  @Test
  void theRowsAreTheSameHoweverWhatHappenedIsGrouped() throws JournalException {
    for (int seed = 0; seed < 10; seed++) {
      Random random = new Random(seed);
      List<RunEvent> events = events(random, 100 + random.nextInt(100), true);
      Written atOnce = new Written();
      atOnce.project(history, events);
      Written inPieces = new Written();
      for (int from = 0, to; from < events.size(); from = to) {
        to = Math.min(events.size(), from + 1 + random.nextInt(30));
        inPieces.project(history, events.subList(from, to));
      }
      assertThat(inPieces.all()).as("seed %d", seed).isEqualTo(atOnce.all());
    }
  }

  @Test
  void eachStretchIsWhatItsStepsSayInAsManyPointsAsAreWanted() throws JournalException {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      boolean late = random.nextBoolean();
      List<RunEvent> events = events(random, 1 + random.nextInt(700), late);
      Written written = new Written();
      written.project(history, events);
      List<FoldedStep> steps = new ArrayList<>();
      for (RunEvent event : events) {
        if (event instanceof RunEvent.Folded folded) {
          steps.add(folded.step());
        }
      }
      check(
          written.query(2000, 0, Long.MAX_VALUE).buckets(), steps, 2000, 0, Long.MAX_VALUE, "all");
      long last = steps.stream().mapToLong(FoldedStep::step).max().orElse(0);
      for (int i = 0; i < 20; i++) {
        int points = 1 + random.nextInt(60);
        long from = i == 0 ? 0 : random.nextLong(last + 2);
        long to = i == 0 ? Long.MAX_VALUE : from + random.nextLong(last + 2);
        String as = "seed %d, %d points from %d to %d".formatted(seed, points, from, to);
        List<HistoryBucket> buckets = written.query(points, from, to).buckets();
        if (!late) {
          check(buckets, steps, points, from, to, as);
        }
        // Of a bucket of many steps, what came late at its edge may be in the one beside it.
        assertThat(buckets.stream().mapToLong(b -> b.observations(1)).sum())
            .as(as)
            .isEqualTo(
                written.query(100_000, from, to).buckets().stream()
                    .mapToLong(b -> b.observations(1))
                    .sum());
      }
    }
  }

  /** Against all steps, one by one. */
  private static void check(
      List<HistoryBucket> buckets,
      List<FoldedStep> steps,
      int points,
      long from,
      long to,
      String as) {
    assertThat(buckets).as(as).hasSizeLessThanOrEqualTo(points);
    long shownAt = -1;
    int next = 0;
    for (FoldedStep step : steps) {
      shownAt = Math.max(shownAt, step.step());
      if (shownAt < from) {
        next++;
      }
    }
    shownAt = -1;
    for (int i = 0; i < next; i++) {
      shownAt = Math.max(shownAt, steps.get(i).step());
    }
    long before = -1;
    for (HistoryBucket bucket : buckets) {
      assertThat(bucket.fromStep()).as(as).isGreaterThan(before);
      assertThat(bucket.toStep()).as(as).isGreaterThanOrEqualTo(bucket.fromStep());
      before = bucket.toStep();
      List<FoldedStep> of = new ArrayList<>();
      while (next < steps.size() && Math.max(shownAt, steps.get(next).step()) <= bucket.toStep()) {
        shownAt = Math.max(shownAt, steps.get(next).step());
        of.add(steps.get(next++));
      }
      for (int slot = 0; slot < 10; slot++) {
        check(bucket, of, slot, as);
      }
    }
    boolean whole = next == steps.size() || Math.max(shownAt, steps.get(next).step()) > to;
    assertThat(whole).as(as + ": to the end").isTrue();
  }

  private static void check(HistoryBucket bucket, List<FoldedStep> steps, int slot, String as) {
    long observations = 0;
    long downWeighted = 0;
    double n = 0;
    double sum = 0;
    double least = Double.POSITIVE_INFINITY;
    double greatest = Double.NEGATIVE_INFINITY;
    double leastWeight = Double.POSITIVE_INFINITY;
    double weights = 0;
    double mean = Double.NaN;
    for (FoldedStep step : steps) {
      if (slot < step.totals().slots().size()) {
        observations += step.totals().slots().get(slot).observations();
        downWeighted += step.totals().slots().get(slot).downWeighted();
        Moments moments = step.moments().moments(slot);
        if (moments.n() > 0) {
          n += moments.n();
          sum += moments.n() * moments.mean();
          least = Math.min(least, moments.mean());
          greatest = Math.max(greatest, moments.mean());
          double weight = step.totals().slots().get(slot).mean();
          weights += moments.n() * weight;
          leastWeight = Math.min(leastWeight, weight);
          Moments reference = step.reference().moments(slot);
          mean = reference.seen() == 0 ? Double.NaN : reference.mean();
        }
      }
    }
    assertThat(bucket.observations(slot)).as(as).isEqualTo(observations);
    assertThat(bucket.downWeighted(slot)).as(as).isEqualTo(downWeighted);
    if (n > 0) {
      assertThat(bucket.loss(slot)).as(as).isCloseTo(sum / n, within(1e-5));
      assertThat(bucket.weight(slot)).as(as).isCloseTo(weights / n, within(1e-6));
      assertThat(Float.valueOf((float) bucket.lossMin(slot)))
          .as(as)
          .isEqualTo(Float.valueOf((float) least));
      assertThat(Float.valueOf((float) bucket.lossMax(slot)))
          .as(as)
          .isEqualTo(Float.valueOf((float) greatest));
      assertThat(Float.valueOf((float) bucket.weightMin(slot)))
          .as(as)
          .isEqualTo(Float.valueOf((float) leastWeight));
      assertThat(Float.valueOf((float) bucket.mean(slot)))
          .as(as)
          .isEqualTo(Float.valueOf((float) mean));
    } else {
      assertThat(bucket.loss(slot)).as(as).isNaN();
    }
  }

  @Test
  void eventsAreTheSameFromWhereverTheyAreResumed() throws JournalException {
    for (int seed = 0; seed < 5; seed++) {
      Random random = new Random(seed);
      Written written = new Written();
      List<RunEvent> events = events(random, 150, true);
      written.project(history, events);
      HistoryEvent.Position start = HistoryEvent.Position.after(0);
      List<HistoryEvent.Position> all = positions(written, start, 1_000_000);
      assertThat(all)
          .as("seed %d", seed)
          .hasSize(1 + (int) events.stream().filter(e -> e instanceof RunEvent.Folded).count())
          .isSorted()
          .doesNotHaveDuplicates();
      for (int i = 0; i < 20; i++) {
        int from = random.nextInt(all.size());
        assertThat(positions(written, all.get(from), 1 + random.nextInt(9)))
            .as("seed %d, after %s", seed, all.get(from))
            .isEqualTo(all.subList(from + 1, all.size()));
      }
    }
  }

  private static List<HistoryEvent.Position> positions(
      Written written, HistoryEvent.Position after, int limit) throws JournalException {
    List<HistoryEvent.Position> positions = new ArrayList<>();
    HistoryEvent.Position at = after;
    while (true) {
      List<HistoryEvent> found =
          new EventsQuery(written.run, at, limit).at(written.rows, written.mark);
      if (found.isEmpty()) {
        return positions;
      }
      found.forEach(event -> positions.add(event.position()));
      at = positions.getLast();
    }
  }
}
