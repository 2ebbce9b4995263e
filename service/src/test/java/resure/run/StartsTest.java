package resure.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import resure.compute.Weighing;
import resure.compute.jvm.JvmCompute;
import resure.journal.Entries;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.Start;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.StartFrom;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** What a new run begins with, found in the journal of another. */
class StartsTest {

  private static final double ALL = Double.POSITIVE_INFINITY;

  private static Outcome<Start> find(RecordedRun other, StartFrom asked, int slots)
      throws JournalException {
    JvmCompute compute = new JvmCompute();
    return new Starts(other.journal, new Recovery(other.journal, compute))
        .find(other.key.id(), asked, slots);
  }

  private static Start found(RecordedRun other, StartFrom asked) throws JournalException {
    if (find(other, asked, 64) instanceof Outcome.Done<Start> done) {
      return done.value();
    }
    throw new AssertionError(find(other, asked, 64));
  }

  private static List<Moments> moments(MomentsTable triples) {
    return IntStream.range(0, triples.slots()).mapToObj(triples::moments).toList();
  }

  private static RecordedRun ofSteps(int... steps) throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT.withWarmUp(2));
    Random random = new Random(3);
    for (int step : steps) {
      recorded.score(Batches.of(step, 0, new double[] {random.nextDouble(), 2}, new double[] {3}));
    }
    return recorded;
  }

  @Test
  void theNewestStatisticsAreThoseWithEverythingPendingFolded() throws JournalException {
    RecordedRun other = ofSteps(0, 1, 5);

    Start start = found(other, new StartFrom("sft-42", null, ALL));

    assertThat(start.step()).isEqualTo(5);
    assertThat(moments(start.triples())).isEqualTo(moments(other.run().statistics().turns()));
    assertThat(start.triples().moments(0).seen()).isEqualTo(6);
    assertThat(moments(found(other, new StartFrom("sft-42", 5L, ALL)).triples()))
        .isEqualTo(moments(start.triples()));
  }

  @Test
  void anEarlierStepIsFoundThoughTheRunWentOn() throws JournalException {
    RecordedRun other = ofSteps(0, 1);
    List<Moments> then = moments(other.run().statistics().turns());
    other.score(Batches.of(4, 0, new double[] {9, 9}));
    other.saveSnapshot();

    for (long step = 1; step < 4; step++) {
      Start start = found(other, new StartFrom("sft-42", step, ALL));
      assertThat(moments(start.triples())).as("step %d", step).isEqualTo(then);
      assertThat(start.step()).isEqualTo(step);
      assertThat(start.resolved()).isEqualTo(start.asked());
    }
  }

  @Test
  void aFinishedRunAndOneWithoutStepsMayBeStartedFrom() throws JournalException {
    RecordedRun finished = ofSteps(0, 3);
    finished.finish();
    assertThat(found(finished, new StartFrom("sft-42", null, ALL)).step()).isEqualTo(3);

    RecordedRun without = new RecordedRun(Configuration.DEFAULT);
    without.score(Batches.of(ObservationBatch.NO_STEP, 0, new double[] {2}));
    without.score(Batches.of(ObservationBatch.NO_STEP, 0, new double[] {4}));
    Start start = found(without, new StartFrom("sft-42", null, ALL));
    assertThat(start.step()).isNull();
    assertThat(start.triples().moments(0)).isEqualTo(new Moments(2, 3, 2, 2));
    assertThat(find(without, new StartFrom("sft-42", 0L, ALL), 64))
        .isEqualTo(Outcome.refused(Refusal.START_WITHOUT_STEPS));
  }

  @Test
  void aRunThatItselfBeganWithAnothersHandsThemOn() throws JournalException {
    Start first = found(ofSteps(0, 1), new StartFrom("sft-42", null, 5));
    RecordedRun second = new RecordedRun(Configuration.DEFAULT, first);

    assertThat(moments(found(second, new StartFrom("sft-42", null, ALL)).triples()))
        .isEqualTo(moments(first.triples()));
    second.score(Batches.of(7, 0, new double[] {2}));
    assertThat(moments(found(second, new StartFrom("sft-42", 3L, ALL)).triples()))
        .isEqualTo(moments(first.triples()));
  }

  @Test
  void whatIsNotThereIsRefused() throws JournalException {
    StartFrom newest = new StartFrom("sft-42", null, ALL);
    RecordedRun other = ofSteps(2, 6);
    JvmCompute compute = new JvmCompute();
    assertThat(
            new Starts(other.journal, new Recovery(other.journal, compute))
                .find(ShardDriver.id("none"), new StartFrom("none", null, ALL), 64))
        .isEqualTo(Outcome.refused(Refusal.START_UNKNOWN_RUN));
    assertThat(find(other, new StartFrom("sft-42", 7L, ALL), 64))
        .isEqualTo(new Outcome.Refused<>(Refusal.START_TOO_NEW, "6"));
    assertThat(find(other, new StartFrom("sft-42", 1L, ALL), 64))
        .isEqualTo(Outcome.refused(Refusal.START_TOO_OLD));
    other.rewind(0, null);
    assertThat(find(other, newest, 64)).isEqualTo(Outcome.refused(Refusal.START_EMPTY));
    assertThat(find(other, new StartFrom("sft-42", 0L, ALL), 64))
        .isEqualTo(new Outcome.Refused<>(Refusal.START_TOO_NEW, ""));
    other.score(Batches.of(0, 0, new double[] {Double.NaN}));
    assertThat(find(other, newest, 64)).isEqualTo(Outcome.refused(Refusal.START_EMPTY));
    Entries.append(other.journal, other.key, new JournalEntry.Deleted(Entries.AT));
    assertThat(find(other, newest, 64)).isEqualTo(Outcome.refused(Refusal.START_UNKNOWN_RUN));
    other.journal.close();
    assertThatThrownBy(() -> find(other, newest, 64))
        .isInstanceOf(JournalUnavailableException.class);
  }

  @Test
  void theTriplesAreWhatTheFirstBatchIsWeighedAgainst() throws JournalException {
    RecordedRun other = ofSteps(0, 1, 2, 3);
    Start start = found(other, new StartFrom("sft-42", null, ALL));
    Configuration configuration = Configuration.DEFAULT.withWarmUp(8);
    RecordedRun begun = new RecordedRun(configuration, start);
    ObservationBatch batch = Batches.of(0, 0, new double[] {9, 2.5, 3});
    JvmCompute compute = new JvmCompute();

    double[] expected =
        compute
            .weigh(List.of(new Weighing(compute.load(configuration, start.triples()), batch)))
            .getFirst()
            .values();

    assertThat(expected[0]).as("turn 0 has been seen 8 times").isLessThan(1);
    assertThat(begun.score(batch).raw()).containsExactly(expected);
    assertThat(begun.score(Batches.of(0, 1, new double[] {2})).runMean()).isEqualTo(1);
  }
}
