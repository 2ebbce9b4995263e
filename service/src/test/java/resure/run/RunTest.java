package resure.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.journal.Entries;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Normalization;
import resure.weighting.Weigher;

/** What a run's batches are weighed against, and what they change. */
class RunTest {

  private static final int SEEDS = 60;

  private static Configuration configuration(int lag, Random random) {
    return Configuration.DEFAULT
        .withWarmUp(2)
        .withMaxTurns(1 + random.nextInt(8))
        .withLag(lag)
        .withHalfLife(random.nextBoolean() ? 9 : Double.POSITIVE_INFINITY)
        .withNormalization(
            random.nextBoolean() ? Normalization.RUN_MEAN : Normalization.BATCH_MEAN);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void everyBatchIsWeighedAgainstTheFoldOfAllStepsBeforeItsOwnLessTheLag(int lag)
      throws JournalException {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      Configuration configuration = configuration(lag, random);
      RecordedRun recorded = new RecordedRun(configuration);
      ReferenceOracle oracle = new ReferenceOracle(lag);
      Map<Long, BatchMoments> moments = new HashMap<>();
      Map<Long, RunMean> means = new HashMap<>();
      long front = 0;
      for (int i = 0; i < 30; i++) {
        // Ranks of a step, steps just closed, late ones, and jumps.
        front += random.nextInt(4) == 0 ? random.nextInt(5) : 0;
        long step = Math.max(0, front - (random.nextInt(3) == 0 ? random.nextInt(6) : 0));
        ObservationBatch batch =
            Batches.random(random, step, random.nextInt(3), random.nextInt(2), null);
        MomentsTable triples = new MomentsTable();
        double weightSum = 0;
        double tokenSum = 0;
        for (List<ReferenceOracle.Accepted> folded : oracle.reference(step)) {
          List<BatchMoments> ofStep = new ArrayList<>();
          for (ReferenceOracle.Accepted accepted : folded) {
            ofStep.add(Objects.requireNonNull(moments.get(accepted.sequence())));
            RunMean mean = Objects.requireNonNull(means.get(accepted.sequence()));
            weightSum += mean.weightSum();
            tokenSum += mean.tokenSum();
          }
          triples.fold(ofStep, configuration.halfLife());
        }
        boolean late = oracle.late(step);

        Weights weights = recorded.score(batch);

        String what = "seed %d, batch %d of step %d".formatted(seed, i, step);
        double[] expected = weigh(configuration, triples, batch);
        assertThat(weights.raw()).as(what).containsExactly(expected);
        assertThat(weights.late()).as(what).isEqualTo(late);
        assertThat(weights.runMean()).as(what).isEqualTo(tokenSum > 0 ? weightSum / tokenSum : 1);
        assertThat(weights.divisor())
            .as(what)
            .isEqualTo(
                configuration.normalization() == Normalization.RUN_MEAN
                    ? weights.runMean()
                    : runMean(batch, expected).value());
        long sequence = recorded.run().sequence();
        oracle.accept(sequence, batch);
        moments.put(sequence, reduce(configuration, triples, batch));
        means.put(sequence, runMean(batch, expected));
      }
    }
  }

  private static double[] weigh(
      Configuration configuration, MomentsTable triples, ObservationBatch batch) {
    Weigher weigher = new Weigher(configuration, triples);
    double[] weights = new double[batch.size()];
    int[] offsets = batch.offsets();
    for (int d = 0; d < batch.dialogues(); d++) {
      weigher.weigh(batch.losses(), offsets[d], offsets[d + 1], batch.firstTurn(d), weights);
    }
    return weights;
  }

  private static BatchMoments reduce(
      Configuration configuration, MomentsTable triples, ObservationBatch batch) {
    return new BatchReducer()
        .reduce(
            batch.losses(),
            batch.offsets(),
            batch.firstTurns(),
            configuration.maxTurns(),
            configuration.maxLoss(),
            new Weigher(configuration, triples).caps());
  }

  private static RunMean runMean(ObservationBatch batch, double[] weights) {
    double weightSum = 0;
    double tokenSum = 0;
    long[] tokens = batch.tokens();
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        double count = tokens == null ? 1 : Math.max(1, tokens[i]);
        weightSum += count * weights[i];
        tokenSum += count;
      }
    }
    return new RunMean(weightSum, tokenSum);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void theOrderInWhichRanksArriveChangesNoBitThenOrLater(int lag) throws JournalException {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      Configuration configuration = configuration(lag, random);
      List<ObservationBatch> inOrder = new ArrayList<>();
      for (long step = 0; step < 8; step++) {
        for (int rank = 0; rank < 3; rank++) {
          for (int microBatch = 0; microBatch < 2; microBatch++) {
            inOrder.add(Batches.random(random, step * (1 + seed % 2), rank, microBatch, null));
          }
        }
      }
      RecordedRun straight = new RecordedRun(configuration);
      RecordedRun shuffled = new RecordedRun(configuration);
      Map<String, Weights> expected = score(straight, inOrder);

      Map<String, Weights> actual = score(shuffled, shuffle(inOrder, lag, random));

      String what = "lag %d, seed %d".formatted(lag, seed);
      expected.forEach(
          (place, weights) ->
              assertSame(what + place, Objects.requireNonNull(actual.get(place)), weights));
      assertThat(shuffled.run().statistics().run().lateBatches()).as(what).isZero();
      assertThat(RecordedRun.bits(shuffled.run()))
          .as(what)
          .isEqualTo(RecordedRun.bits(straight.run()));
    }
  }

  /**
   * Any order in which nothing of a step comes while something of one before its lag is to come.
   */
  private static List<ObservationBatch> shuffle(
      List<ObservationBatch> batches, int lag, Random random) {
    List<ObservationBatch> left = new ArrayList<>(batches);
    List<ObservationBatch> shuffled = new ArrayList<>();
    while (!left.isEmpty()) {
      long oldest = left.stream().mapToLong(ObservationBatch::step).min().orElseThrow();
      List<ObservationBatch> possible =
          left.stream().filter(batch -> batch.step() <= oldest + lag).toList();
      ObservationBatch next = possible.get(random.nextInt(possible.size()));
      left.remove(next);
      shuffled.add(next);
    }
    return shuffled;
  }

  private static Map<String, Weights> score(RecordedRun run, List<ObservationBatch> batches)
      throws JournalException {
    Map<String, Weights> weights = new HashMap<>();
    for (ObservationBatch batch : batches) {
      weights.put(
          ", step %d, rank %d, micro-batch %d"
              .formatted(batch.step(), batch.rank(), batch.microBatch()),
          run.score(batch));
    }
    return weights;
  }

  private static void assertSame(String what, Weights actual, Weights expected) {
    assertThat(actual.raw()).as(what).containsExactly(expected.raw());
    assertThat(actual.divisor()).as(what).isEqualTo(expected.divisor());
    assertThat(actual.runMean()).as(what).isEqualTo(expected.runMean());
    assertThat(actual.warmingUp()).as(what).isEqualTo(expected.warmingUp());
  }

  @Test
  void aBatchWithoutAStepIsAStepOfItsOwn() throws JournalException {
    RecordedRun stepless = new RecordedRun(Configuration.DEFAULT.withWarmUp(2));
    RecordedRun stepped = new RecordedRun(Configuration.DEFAULT.withWarmUp(2));
    Random random = new Random(11);
    for (int i = 0; i < 20; i++) {
      double[] losses = {random.nextGaussian(), 2, random.nextGaussian()};

      Weights weights = stepless.score(Batches.of(ObservationBatch.NO_STEP, i % 3, losses));

      assertSame("batch " + i, weights, stepped.score(Batches.of(i, i % 3, losses)));
      assertThat(weights.late()).isFalse();
    }
    assertThat(stepless.run().describe().step()).isNull();
    assertThat(stepped.run().describe().step()).isEqualTo(19);
  }

  @Test
  void weighingChangesNothing() throws JournalException {
    RecordedRun recorded = new RecordedRun(configuration(1, new Random(3)));
    Random random = new Random(4);
    for (int step = 0; step < 6; step++) {
      recorded.score(Batches.random(random, step, 0, 0, null));
    }
    byte[] before = SnapshotFormat.encode(recorded.run().state()).state();

    for (long step : new long[] {9, 0, 5, 6, 40}) {
      recorded.compute.weigh(
          List.of(recorded.run().weighing(Batches.random(random, step, 1, 0, null))));
      recorded.run().statistics();
    }

    assertThat(SnapshotFormat.encode(recorded.run().state()).state()).isEqualTo(before);
  }

  @Test
  void theFirstBatchDecidesWhetherBatchesHaveSteps() throws JournalException {
    RecordedRun stepped = new RecordedRun(Configuration.DEFAULT);
    RecordedRun stepless = new RecordedRun(Configuration.DEFAULT);
    ObservationBatch withStep = Batches.of(3, 0, new double[] {1});
    ObservationBatch without = Batches.of(ObservationBatch.NO_STEP, 0, new double[] {1});
    assertThat(stepped.run().refuses(without, 10, 0)).isNull();

    stepped.score(withStep);
    stepless.score(without);

    assertThat(stepped.run().refuses(without, 10, 0)).isEqualTo(Refusal.STEPS_MIXED);
    assertThat(stepped.run().refuses(withStep, 10, 0)).isNull();
    assertThat(stepless.run().refuses(withStep, 10, 0)).isEqualTo(Refusal.STEPS_MIXED);
    assertThat(stepless.run().refuses(without, 10, 0)).isNull();
  }

  @Test
  void refusalsAreCheckedInTheOrderOfTheContract() throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT);
    recorded.score(attempted("job-1", 4));
    recorded.finish();
    ObservationBatch everythingWrong =
        Batches.of(ObservationBatch.NO_STEP, 0, 0, "job-0", new double[] {1});

    assertThat(recorded.run().refuses(everythingWrong, 1, 0)).isEqualTo(Refusal.STALE_ATTEMPT);
    assertThat(recorded.run().refuses(Batches.of(ObservationBatch.NO_STEP, 0), 1, 0))
        .isEqualTo(Refusal.RUN_FINISHED);
    recorded.rewind(9, null);
    assertThat(recorded.run().refuses(Batches.of(ObservationBatch.NO_STEP, 0), 1, 0))
        .isEqualTo(Refusal.STEPS_MIXED);
    assertThat(recorded.run().refuses(Batches.of(4, 0), 1, 0)).isEqualTo(Refusal.TOO_MANY_PENDING);
  }

  private static ObservationBatch attempted(String attempt, long step) {
    return Batches.of(step, 0, 0, attempt, new double[] {1, 2});
  }

  @Test
  void onlyABatchThatClosesStepsGoesPastThePendingLimit() throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT.withLag(1));
    recorded.score(Batches.of(5, 0, new double[] {1}));
    recorded.score(Batches.of(5, 1, new double[] {1}));
    recorded.score(Batches.of(6, 0, new double[] {1}));

    assertThat(recorded.run().refuses(Batches.of(6, 1), 4, 0)).isNull();
    assertThat(recorded.run().refuses(Batches.of(6, 1), 4, 1)).isEqualTo(Refusal.TOO_MANY_PENDING);
    assertThat(recorded.run().refuses(Batches.of(6, 1), 3, 0)).isEqualTo(Refusal.TOO_MANY_PENDING);
    assertThat(recorded.run().refuses(Batches.of(2, 1), 3, 0)).isEqualTo(Refusal.TOO_MANY_PENDING);
    assertThat(recorded.run().refuses(Batches.of(7, 0), 3, 0)).isNull();
  }

  @Test
  void afterTheFinishTheNewestStepAndThoseBeforeAreStillTakenAndARewindReopens()
      throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT);
    recorded.score(Batches.of(7, 0, new double[] {1}));

    recorded.finish();

    assertThat(recorded.run().describe().active()).isFalse();
    assertThat(recorded.run().refuses(Batches.of(8, 0), 10, 0)).isEqualTo(Refusal.RUN_FINISHED);
    assertThat(recorded.run().refuses(Batches.of(7, 1), 10, 0)).isNull();
    assertThat(recorded.run().refuses(Batches.of(2, 1), 10, 0)).isNull();
    recorded.rewind(8, null);
    assertThat(recorded.run().describe().active()).isTrue();
    assertThat(recorded.run().refuses(Batches.of(8, 0), 10, 0)).isNull();
  }

  @Test
  void theFirstAttemptSeenIsCurrentUntilARewindNamesAnother() throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT);
    recorded.score(Batches.of(0, 0, new double[] {1}));
    assertThat(recorded.run().refuses(attempted("job-1", 1), 10, 0)).isNull();
    recorded.score(attempted("job-1", 1));

    assertThat(recorded.run().refuses(attempted("job-2", 2), 10, 0))
        .isEqualTo(Refusal.STALE_ATTEMPT);
    assertThat(recorded.run().refuses(Batches.of(2, 0), 10, 0)).isNull();
    recorded.rewind(1, "job-2");

    Attempts attempts = recorded.run().attempts();
    assertThat(recorded.run().refuses(attempted("job-2", 2), 10, 0)).isNull();
    assertThat(recorded.run().refuses(attempted("job-1", 2), 10, 0))
        .isEqualTo(Refusal.STALE_ATTEMPT);
    assertThat(attempts.isPast("job-1")).isTrue();
    assertThat(attempts.isPast("job-2")).isFalse();
    assertThat(attempts.repeats(1, "job-2")).isTrue();
    assertThat(attempts.repeats(2, "job-2")).isFalse();
    assertThat(attempts.repeats(1, null)).isFalse();
  }

  @Test
  void anAttemptThatOnlyRemovedBatchesNamedStaysCurrent() throws JournalException {
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT);
    recorded.score(attempted("job-1", 5));

    recorded.rewind(0, null);

    assertThat(recorded.standing).isEmpty();
    assertThat(recorded.run().describe().step()).isNull();
    assertThat(recorded.run().describe().attempt()).isEqualTo("job-1");
    assertThat(recorded.run().stepping()).isEqualTo(Run.Stepping.UNDECIDED);
  }

  @Test
  void anEntryThatDoesNotFollowIsADefect() throws JournalException {
    Run run = new RecordedRun(Configuration.DEFAULT).run();

    assertThatThrownBy(() -> run.apply(3, new JournalEntry.Finished(Entries.AT)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("entry 3 does not follow 1");
  }

  @Test
  void sourcesPastTheFirstThousandAndTwentyFourArePooled() {
    Totals totals = new Totals();
    for (int i = 0; i < Totals.MAX_SOURCES + 10; i++) {
      totals.add(ofSource(i == 500 ? null : "source-" + i));
    }
    totals.add(ofSource(null));
    totals.add(ofSource("source-1"));

    assertThat(totals.sources()).hasSize(Totals.MAX_SOURCES + 1);
    assertThat(totals.sources())
        .hasEntrySatisfying(null, sums -> assertThat(sums.usable()).isEqualTo(2))
        .hasEntrySatisfying("source-1", sums -> assertThat(sums.usable()).isEqualTo(2));
    assertThat(totals.others().usable()).isEqualTo(9);
    assertThat(totals.all().usable()).isEqualTo(Totals.MAX_SOURCES + 12);
  }

  private static BatchTotals ofSource(@Nullable String source) {
    WeightSums sums = new WeightSums();
    sums.add(0.5, Double.NaN);
    return new BatchTotals(
        List.of(0),
        List.of(sums),
        Collections.<@Nullable String>singletonList(source),
        Arrays.asList(sums),
        0.5,
        1,
        false);
  }
}
