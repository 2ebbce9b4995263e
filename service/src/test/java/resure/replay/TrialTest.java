package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.compute.Sweep;
import resure.compute.SweepMember;
import resure.compute.SweepWindow;
import resure.compute.Swept;
import resure.compute.jvm.JvmCompute;
import resure.compute.jvm.JvmSweep;
import resure.journal.JournalException;
import resure.journal.Start;
import resure.observation.ObservationBatch;
import resure.observation.StartFrom;
import resure.run.Export;
import resure.run.RecordedRun;
import resure.run.Scored;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

@Timeout(120)
class TrialTest {

  private static final Budget ROOMY = new Budget(1 << 28, 1 << 28);

  /** A window for every batch, a pass for every configuration. */
  private static final Budget TINY = new Budget(1, 1);

  private final ThreadPoolExecutor executor = (ThreadPoolExecutor) Executors.newFixedThreadPool(3);

  @AfterEach
  void stop() throws InterruptedException {
    executor.shutdownNow();
    assertThat(executor.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
  }

  private List<ReplayResult> run(ReplayPlan plan, RecordedRun run, Budget budget, int threads)
      throws JournalException {
    return trial(plan, run.export()::again, budget, threads).run(fraction -> {});
  }

  private Trial trial(ReplayPlan plan, Passes passes, Budget budget, int threads) {
    List<JvmSweep> sweeps = IntStream.range(0, threads).mapToObj(thread -> new JvmSweep()).toList();
    return new Trial(plan, passes, JvmCompute::new, sweeps, executor, threads, budget);
  }

  private static ReplayPlan plan(List<Configuration> configurations, List<Bad> bad) {
    return new ReplayPlan(configurations, bad, !bad.isEmpty(), List.of());
  }

  @RepeatedTest(12)
  void everyConfigurationIsWeighedAsIfItHadBeenTheRunsOwn(RepetitionInfo repetition)
      throws JournalException {
    int seed = repetition.getCurrentRepetition();
    Random random = new Random(seed);
    MomentsTable begun = seed % 3 == 1 ? triples(random) : null;
    Configuration own = configuration(random);
    RecordedRun run = new RecordedRun(own, start(begun, own));
    List<ObservationBatch> standing = train(run, random, seed % 4 == 0);
    List<Configuration> configurations = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      configurations.add(configuration(random));
    }
    for (Configuration one : List.copyOf(configurations.subList(0, 4))) {
      configurations.add(one.withWarmUp(one.warmUp() + 3));
      configurations.add(one.withWeighting(one.weighting().withThreshold(0)));
    }
    List<Bad> bad = List.of(new Bad("d-3", null), new Bad("d-5", 1L), new Bad("d-7", 0L));
    ReplayPlan plan = plan(configurations, seed % 3 == 0 ? List.of() : bad);

    List<ReplayResult> atOnce = run(plan, run, ROOMY, 2);
    List<ReplayResult> inPieces = run(plan, run, TINY, 3);

    for (int i = 0; i < configurations.size(); i++) {
      String what = "seed " + seed + ", " + configurations.get(i);
      // Of the other run only what this one began with is recorded.
      Start recorded = start(begun, own);
      Start start = start(recorded == null ? null : recorded.triples(), configurations.get(i));
      BruteForce expected = new BruteForce(configurations.get(i), start, standing, plan.bad());
      assertThat(atOnce.get(i).index()).isEqualTo(i);
      expected.check(atOnce.get(i), plan.labelled(), what);
      expected.check(inPieces.get(i), plan.labelled(), what + ", in pieces");
      Separation exact = atOnce.get(i).separation();
      if (exact != null && !Double.isNaN(exact.auroc())) {
        assertThat(exact.aurocError()).isZero();
        assertThat(exact.averagePrecisionError()).isZero();
      }
    }
  }

  @RepeatedTest(3)
  void theRunsOwnConfigurationGivesExactlyTheRecordedWeights(RepetitionInfo repetition)
      throws JournalException {
    Random random = new Random(100 + repetition.getCurrentRepetition());
    // The floor is a power of two, as are hard's other weight and all sums: nothing is rounded.
    Configuration own =
        configuration(random)
            .withWeighting(new Weighting(new WeightFunction.Hard(), 0.5, 1, 0.0625))
            .withPropagation(Propagation.DEFAULT);
    RecordedRun run = new RecordedRun(own);
    train(run, random, false);

    ReplayResult result = run(plan(List.of(own), List.of()), run, ROOMY, 2).getFirst();

    double sum = 0;
    Export recorded = run.export();
    for (List<Scored> chunk = recorded.next(); !chunk.isEmpty(); chunk = recorded.next()) {
      for (Scored scored : chunk) {
        for (double weight : scored.weights().raw()) {
          sum += weight;
        }
      }
    }
    assertThat(result.all().weightSum()).isEqualTo(sum);
    assertThat(result.all().downWeighted()).isPositive();
  }

  @Test
  void sourcesBeyondThoseThatARunKeepsApartArePooled() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    for (int step = 0; step < 1030; step += 2) {
      // The first rank's batch comes last: sources are met in the order in which they are folded.
      run.score(
          Dialogue.batch(step, 1, 0, null, List.of(new Dialogue("d", "s" + (step + 1), 0, 1.0))));
      run.score(Dialogue.batch(step, 0, 0, null, List.of(new Dialogue("d", "s" + step, 0, 1.0))));
    }
    run.score(Dialogue.batch(2000, 0, 0, null, List.of(new Dialogue("d", null, 0, 1.0, 2.0))));

    List<SourceTally> sources =
        run(plan(List.of(Configuration.DEFAULT), List.of()), run, TINY, 1).getFirst().sources();

    assertThat(sources).hasSize(1026);
    assertThat(sources.get(0).source()).isEqualTo("s0");
    assertThat(sources.get(1023).source()).isEqualTo("s1023");
    assertThat(sources.get(1024).source()).isNull();
    assertThat(sources.get(1024).other()).isFalse();
    assertThat(sources.get(1024).tally().observations()).isEqualTo(2);
    assertThat(sources.get(1025).other()).isTrue();
    assertThat(sources.get(1025).tally().observations()).isEqualTo(6);
  }

  @Test
  void aRunWithoutObservationsGivesNothing() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    ReplayPlan plan = new ReplayPlan(List.of(Configuration.DEFAULT), List.of(), true, List.of());

    ReplayResult result = run(plan, run, ROOMY, 2).getFirst();

    assertThat(result.all()).isEqualTo(Tally.NONE);
    assertThat(result.turns()).isEmpty();
    assertThat(result.sources()).isEmpty();
    assertThat(result.steadiness()).isNaN();
    assertThat(result.separation()).isNotNull();
    assertThat(result.separation().auroc()).isNaN();
    assertThat(run(plan(List.of(), List.of()), run, ROOMY, 2)).isEmpty();
  }

  @Test
  void progressRisesToOne() throws JournalException {
    Random random = new Random(5);
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, random, false);
    List<Double> seen = new ArrayList<>();
    ReplayPlan plan = plan(List.of(Configuration.DEFAULT, configuration(random)), List.of());

    trial(plan, run.export()::again, TINY, 2).run(seen::add);

    assertThat(seen).isSorted().first().isEqualTo(0.0);
    assertThat(seen).last().isEqualTo(1.0);
    assertThat(seen.stream().distinct()).hasSizeGreaterThan(10);
  }

  @RepeatedTest(5)
  void aCancelledTrialEndsAtOnceAndLeavesNoTaskRunning(RepetitionInfo repetition)
      throws JournalException {
    Random random = new Random(6);
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, random, false);
    double until = (repetition.getCurrentRepetition() - 1) / 5.0;
    Progress progress =
        fraction -> {
          if (fraction >= until) {
            throw new CancellationException("enough");
          }
        };
    ReplayPlan plan =
        plan(List.of(Configuration.DEFAULT, configuration(random)), List.of(new Bad("d-1", null)));
    Trial trial = trial(plan, run.export()::again, TINY, 2);

    assertThatThrownBy(() -> trial.run(progress))
        .isInstanceOf(CancellationException.class)
        .hasMessage("enough");

    // What the pool still counts as active has done its last and only returns.
    executor.shutdown();
    assertThat(executor.getQueue()).isEmpty();
  }

  @Test
  void anInterruptedTrialIsCancelledAndStaysInterrupted() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, new Random(7), false);
    Trial trial =
        trial(plan(List.of(Configuration.DEFAULT), List.of()), run.export()::again, TINY, 2);

    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> trial.run(fraction -> {})).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aBackendThatFailsEndsTheTrialWithItsFailure() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, new Random(8), false);
    Sweep broken =
        new Sweep() {
          @Override
          public int membersAtOnce(int observations) {
            return 1;
          }

          @Override
          public Swept weigh(SweepWindow window, List<SweepMember> members, boolean withWeights) {
            throw new IllegalStateException("the device is gone");
          }

          @Override
          public void close() {}
        };
    ReplayPlan plan = plan(List.of(Configuration.DEFAULT), List.of());
    Trial trial =
        new Trial(plan, run.export()::again, JvmCompute::new, List.of(broken), executor, 2, ROOMY);

    assertThatThrownBy(() -> trial.run(fraction -> {})).hasMessage("the device is gone");
  }

  @Test
  void anExecutorThatTakesNothingEndsTheTrial() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, new Random(8), false);
    executor.shutdown();
    Trial trial =
        trial(plan(List.of(Configuration.DEFAULT), List.of()), run.export()::again, ROOMY, 2);

    assertThatThrownBy(() -> trial.run(fraction -> {}))
        .isInstanceOf(RejectedExecutionException.class);
  }

  @Test
  void batchesThatAreGoneWhenTheNextPassBeginsAreNoticed() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    train(run, new Random(9), false);
    Export whole = run.export();
    RecordedRun gone = new RecordedRun(Configuration.DEFAULT);
    int[] opened = {0};
    Passes passes = () -> opened[0]++ == 0 ? whole : gone.export();

    assertThatThrownBy(
            () ->
                trial(plan(List.of(Configuration.DEFAULT), List.of()), passes, TINY, 2)
                    .run(fraction -> {}))
        .isInstanceOf(ChangedRecordsException.class);
  }

  /** What a run has learnt of five turns. */
  private static MomentsTable triples(Random random) {
    MomentsTable triples = new MomentsTable();
    for (int turn = 0; turn < 5; turn++) {
      triples.set(turn, new Moments(40, 2 + 0.1 * turn, 30 + random.nextDouble(), 50));
    }
    return triples;
  }

  private static @Nullable Start start(@Nullable MomentsTable begun, Configuration configuration) {
    StartFrom asked = new StartFrom("sft-41", null, 25);
    return begun == null
        ? null
        : new Start(asked, null, begun.inherited(configuration.maxTurns(), 25));
  }

  private static Configuration configuration(Random random) {
    WeightFunction function = WeightFunction.ALL.get(random.nextInt(WeightFunction.ALL.size()));
    return new Configuration(
        new Weighting(function, random.nextDouble(2) - 0.5, 0.5 + random.nextDouble(3), 0.05),
        2 + random.nextInt(20),
        1 + random.nextInt(7),
        random.nextInt(4) == 0 ? 3.5 : 100,
        random.nextBoolean() ? 5 + random.nextInt(100) : Double.POSITIVE_INFINITY,
        random.nextInt(3),
        random.nextBoolean() ? FoldRule.WINSORIZED : FoldRule.RAW,
        new Propagation(random.nextInt(2) * random.nextDouble(2), random.nextInt(3) / 2.0),
        Normalization.values()[random.nextInt(3)],
        random.nextBoolean());
  }

  /** Trains with ranks, micro-batches, late batches and rewinds; what stands in the end. */
  private static List<ObservationBatch> train(RecordedRun run, Random random, boolean withoutSteps)
      throws JournalException {
    List<ObservationBatch> standing = new ArrayList<>();
    int attempt = 0;
    long next = 0;
    for (int i = 0; i < 90; i++) {
      long step = next;
      if (random.nextInt(6) == 0) {
        step = Math.max(0, next - random.nextInt(5));
      }
      for (int rank = random.nextInt(3); rank >= 0; rank--) {
        ObservationBatch batch =
            batch(
                random,
                withoutSteps ? ObservationBatch.NO_STEP : step,
                rank,
                random.nextInt(2),
                "job-" + attempt);
        run.score(batch);
        standing.add(batch);
      }
      next += 1 + random.nextInt(2);
      if (!withoutSteps && random.nextInt(20) == 0) {
        attempt++;
        long to = Math.max(0, next - 1 - random.nextInt(12));
        run.rewind(to, "job-" + attempt);
        standing.removeIf(batch -> batch.step() >= to);
        next = to;
      }
    }
    run.finish();
    return standing;
  }

  private static ObservationBatch batch(
      Random random, long step, long rank, long microBatch, String attempt) {
    List<Dialogue> dialogues = new ArrayList<>();
    for (int d = random.nextInt(5); d > 0; d--) {
      Double[] losses = new Double[random.nextInt(7)];
      for (int i = 0; i < losses.length; i++) {
        losses[i] =
            switch (random.nextInt(12)) {
              case 0 -> null;
              case 1 -> 1e9;
              case 2 -> 2.0;
              default -> 2 + random.nextGaussian();
            };
      }
      int source = random.nextInt(4);
      dialogues.add(
          new Dialogue(
              "d-" + random.nextInt(12),
              source == 0 ? null : "source " + source,
              random.nextInt(3),
              losses));
    }
    return Dialogue.batch(step, rank, microBatch, attempt, dialogues);
  }
}
