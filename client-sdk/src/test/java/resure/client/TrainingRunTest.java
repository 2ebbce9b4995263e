package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.client.SimulatedService.Fate;
import resure.weighting.Normalization;

/** On a simulated clock: the sender's work and the service's answers run while a step waits. */
class TrainingRunTest {

  private static final Duration DEADLINE = Duration.ofMillis(500);

  /** Mean 2, standard deviation 0.5, out of warm-up. */
  private static final List<Statistics.Turn> TURNS =
      List.of(new Statistics.Turn(0, 41, 41, 2, 0.5, 10, 1, 1, 0));

  private final SimulatedTime time = new SimulatedTime();
  private final SimulatedService service = new SimulatedService(time);

  private TrainingRun open(UnaryOperator<TrainingRun.Builder> settings) {
    return settings
        .apply(new TrainingRun.Builder(service, "run").deadline(DEADLINE).attempt("a"))
        .open(time, new Retries(() -> 0.5));
  }

  private TrainingRun open() {
    return open(builder -> builder);
  }

  private static Batch batch(long step, double... losses) {
    BatchBuilder builder = Batch.builder().step(step);
    for (double loss : losses) {
      builder.dialogue("d").loss(loss);
    }
    return builder.build();
  }

  private static Batch batch(long step) {
    return batch(step, 2.0, 3.0);
  }

  private Duration timeOf(Runnable task) {
    Duration before = time.elapsed();
    task.run();
    return time.elapsed().minus(before);
  }

  private static void addsUp(Counts counts) {
    assertThat(counts.delivered() + counts.queued() + counts.dropped() + counts.refused())
        .as("%s", counts)
        .isEqualTo(counts.weighed());
  }

  @Test
  void aStepGetsTheServicesWeights() {
    TrainingRun training = open();

    Weighed weighed = training.weigh(batch(0));

    assertThat(weighed.by()).isEqualTo(Weighed.By.SERVICE);
    assertThat(weighed.reason()).isNull();
    assertThat(weighed.weights().toArray()).containsExactly(0.5, 0.5);
    assertThat(weighed.meanWeight()).isEqualTo(0.5);
    assertThat(weighed.effectiveSampleRatio()).isEqualTo(1);
    assertThat(training.counts().delivered()).isEqualTo(1);
    assertThat(training.counts().fallbacks()).isZero();
    assertThat(service.recorded.keySet()).containsExactly("run/a/0/0/0");
    assertThat(service.recorded.get("run/a/0/0/0").applied).isNull();
    assertThat(service.calls).containsExactly("create", "statistics", "post 0");
  }

  @Test
  void aWaitEndsExactlyAtTheDeadline() {
    service.turns = TURNS;
    TrainingRun training = open();
    service.next(Fate.answer(600));

    List<Weighed> weighed = new ArrayList<>();
    Duration waited = timeOf(() -> weighed.add(training.weigh(batch(0))));

    assertThat(waited).isEqualTo(DEADLINE);
    assertThat(weighed.get(0).by()).isEqualTo(Weighed.By.LOCAL);
    assertThat(weighed.get(0).reason()).isEqualTo(FallbackReason.TIMEOUT);
    assertThat(weighed.get(0).weights().weight(0)).isEqualTo(1);
    // e = (3 - 2) / 0.5 - 1 = 1
    assertThat(weighed.get(0).weights().weight(1)).isEqualTo(StrictMath.exp(-2));
    assertThat(training.counts().toLocal()).isEqualTo(Map.of(FallbackReason.TIMEOUT, 1L));
    assertThat(training.counts().queued()).isEqualTo(1);
  }

  @Test
  void anAnswerThatComesTooLateIsADeliveryWithOtherWeights() {
    TrainingRun training = open();
    service.next(Fate.answer(600));

    training.weigh(batch(0));
    time.pass(Duration.ofSeconds(1));

    Counts counts = training.counts();
    assertThat(counts.delivered()).isEqualTo(1);
    assertThat(counts.recordedOtherwise()).isEqualTo(1);
    assertThat(service.posts()).hasSize(1);
    assertThat(training.weigh(batch(1)).by()).isEqualTo(Weighed.By.SERVICE);
    addsUp(training.counts());
  }

  @Test
  void anAnswerTooLateThatSaysTheSameIsNoDifference() {
    // A loss that is nobody's: weight 0 here; made the service's answer too.
    TrainingRun training = open();
    service.next(Fate.answer(600));

    training.weigh(Batch.builder().step(0).dialogue("d").unsupervised().build());
    time.pass(Duration.ofSeconds(1));

    assertThat(training.counts().delivered()).isEqualTo(1);
    assertThat(training.counts().recordedOtherwise()).isZero();
  }

  @Test
  void anOutageCostsOneDeadlineAndNotOneAStep() {
    TrainingRun training = open();
    training.weigh(batch(0));
    service.usual = Fate.away();

    Duration first = timeOf(() -> training.weigh(batch(1)));
    Duration rest = Duration.ZERO;
    for (int step = 2; step < 200; step++) {
      long now = step;
      rest = rest.plus(timeOf(() -> training.weigh(batch(now))));
      time.pass(Duration.ofMillis(100));
    }

    assertThat(first).isLessThanOrEqualTo(DEADLINE);
    assertThat(rest).isEqualTo(Duration.ZERO);
    assertThat(training.counts().queued()).isEqualTo(199);
    assertThat(training.counts().fallbacks()).isEqualTo(199);
    addsUp(training.counts());
  }

  @Test
  void afterAnOutageEverythingIsDeliveredInOrderWithTheWeightsThatWereApplied() {
    service.turns = TURNS;
    TrainingRun training = open();
    service.usual = Fate.away();
    List<Weights> applied = new ArrayList<>();
    for (int step = 0; step < 50; step++) {
      applied.add(training.weigh(batch(step, 2, 2.6 + step * 0.01)).weights());
    }

    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(service.recorded.values().stream().map(b -> b.step))
        .containsExactlyElementsOf(java.util.stream.LongStream.range(0, 50).boxed().toList());
    assertThat(service.recorded.values().stream().map(b -> b.applied))
        .containsExactlyElementsOf(applied);
    assertThat(training.counts().delivered()).isEqualTo(50);
    assertThat(training.counts().recordedOtherwise()).isZero();
    assertThat(training.weigh(batch(50)).by()).isEqualTo(Weighed.By.SERVICE);
  }

  @Test
  void aConnectionThatBreaksOnceIsTriedAgainWithinTheDeadline() {
    TrainingRun training = open();
    service.next(Fate.away());

    Weighed weighed = training.weigh(batch(0));

    assertThat(weighed.by()).isEqualTo(Weighed.By.SERVICE);
    assertThat(training.counts().fallbacks()).isZero();
  }

  @Test
  void aStepDoesNotWaitForWhatCannotComeByItsDeadline() {
    TrainingRun training = open();
    service.next(Fate.problem(429, ProblemType.QUEUE_FULL, Duration.ofSeconds(2)));

    Duration waited = timeOf(() -> training.weigh(batch(0)));

    assertThat(waited).isEqualTo(Duration.ofMillis(3));
    assertThat(training.counts().toOne()).isEqualTo(Map.of());
    assertThat(training.counts().toLocal()).isEqualTo(Map.of(FallbackReason.UNAVAILABLE, 1L));
    Duration refused = time.elapsed();
    time.pass(Duration.ofSeconds(10));
    assertThat(service.callTimes.get(3).minus(refused))
        .isGreaterThanOrEqualTo(Duration.ofSeconds(2));
    assertThat(training.counts().delivered()).isEqualTo(1);
    assertThat(training.counts().recordedOtherwise()).isZero();
  }

  @Test
  void aBatchThatWasRecordedBeforeItsWeightsWereAppliedIsRecordedOnceAndOtherwise() {
    TrainingRun training = open();
    service.next(Fate.answerLost(700));

    training.weigh(batch(0));
    time.pass(Duration.ofSeconds(10));

    assertThat(service.posts()).hasSize(2);
    assertThat(service.recorded.values()).hasSize(1);
    Counts counts = training.counts();
    assertThat(counts.delivered()).isEqualTo(1);
    assertThat(counts.recordedOtherwise()).isEqualTo(1);
    assertThat(counts.refused()).isZero();
  }

  @Test
  void aKeyThatAnEarlierStartHasUsedIsARefusal() {
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL));
    service.recorded.put("run/a/0/0/0", batch(0));

    training.weigh(batch(0));
    time.pass(Duration.ofSeconds(1));

    assertThat(training.counts().refused()).isEqualTo(1);
    assertThat(training.counts().delivered()).isZero();
  }

  @Test
  void aFullQueueDropsTheOldest() {
    TrainingRun training = open(builder -> builder.queue(3));
    service.usual = Fate.away();
    for (int step = 0; step < 10; step++) {
      training.weigh(batch(step));
    }
    addsUp(training.counts());

    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(service.recorded.values().stream().map(b -> b.step)).containsExactly(7L, 8L, 9L);
    assertThat(training.counts().dropped()).isEqualTo(7);
    assertThat(training.counts().delivered()).isEqualTo(3);
  }

  @Test
  void aBatchThatComesBackToAFullQueueDoesNotLiftItsBound() {
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL).queue(3));
    service.usual = Fate.silence();
    training.weigh(batch(0));
    time.pass(Duration.ofMillis(100)); // batch 0 is on its way, for seconds
    for (int step = 1; step < 6; step++) {
      training.weigh(batch(step));
    }

    time.pass(Outbox.PATIENCE.minusMillis(90)); // it has failed, and waits for its next attempt
    for (int step = 6; step < 20; step++) {
      training.weigh(batch(step));
      assertThat(training.counts().queued()).as("step %d", step).isLessThanOrEqualTo(4);
    }
    addsUp(training.counts());

    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(training.counts().queued()).isZero();
    assertThat(new ArrayList<>(service.recorded.values()).get(service.recorded.size() - 1).step)
        .isEqualTo(19);
    addsUp(training.counts());
  }

  @Test
  void aRefusedBatchFallsBackAtOnceAndTheNextGoesOn() {
    service.turns = TURNS;
    TrainingRun training = open();
    service.next(Fate.problem(422, ProblemType.LIMIT_EXCEEDED, null));

    Weighed refused = training.weigh(batch(0));
    Weighed next = training.weigh(batch(1));

    assertThat(refused.by()).isEqualTo(Weighed.By.LOCAL);
    assertThat(refused.reason()).isEqualTo(FallbackReason.REFUSED);
    assertThat(next.by()).isEqualTo(Weighed.By.SERVICE);
    assertThat(training.counts().refused()).isEqualTo(1);
    assertThat(service.posts()).hasSize(2);
    addsUp(training.counts());
  }

  @Test
  void anOvertakenAttemptTrainsOnButPostsNothingMore() {
    service.turns = TURNS;
    TrainingRun training = open();
    service.usual = Fate.away();
    training.weigh(batch(0));
    training.weigh(batch(1));
    service.usual = Fate.problem(409, ProblemType.STALE_ATTEMPT, null);
    time.pass(Duration.ofSeconds(10));
    int posts = service.calls.size();

    Weighed weighed = training.weigh(batch(2));
    time.pass(Duration.ofSeconds(10));

    assertThat(service.calls).hasSize(posts);
    assertThat(weighed.by()).isEqualTo(Weighed.By.LOCAL);
    assertThat(weighed.reason()).isEqualTo(FallbackReason.OVERTAKEN);
    Counts counts = training.counts();
    assertThat(counts.refused()).isEqualTo(1);
    assertThat(counts.dropped()).isEqualTo(2);
    addsUp(counts);
    assertThatThrownBy(() -> training.rewind(0))
        .isInstanceOfSatisfying(
            ProblemException.class,
            problem -> assertThat(problem.type()).isEqualTo(ProblemType.STALE_ATTEMPT));
    assertThat(timeOf(training::close)).isEqualTo(Duration.ZERO);
  }

  @Test
  void aRewindDropsTheQueueAndWhatIsOnItsWay() {
    TrainingRun training = open();
    service.next(Fate.answer(2000));
    training.weigh(batch(7));
    training.weigh(batch(8));
    training.weigh(batch(9));
    assertThat(training.counts().queued()).isEqualTo(3);

    training.rewind(5);

    assertThat(training.counts().dropped()).isEqualTo(3);
    assertThat(training.counts().delivered()).isZero();
    // The rewind is sent only when the batch before it has its answer, so it takes that back too.
    assertThat(service.calls)
        .containsExactly("create", "statistics", "post 7", "rewind 5", "statistics");
    assertThat(service.recorded).isEmpty();
    assertThat(training.weigh(batch(5)).by()).isEqualTo(Weighed.By.SERVICE);
    assertThat(training.counts().delivered()).isEqualTo(1);
    addsUp(training.counts());
  }

  @Test
  void whatWasOnItsWayBeforeARewindTeachesNothing() {
    TrainingRun training = open();
    service.turns = TURNS;
    service.next(Fate.answer(2000), Fate.away());
    training.weigh(batch(7));

    training.rewind(5);

    // The rewind itself has failed once; the statistics that the old batch brought were not taken.
    assertThat(service.recorded).hasSize(1);
    assertThat(training.weigh(batch(5)).by()).isEqualTo(Weighed.By.ONE);
    time.pass(Duration.ofSeconds(10));
    assertThat(service.recorded.keySet()).containsExactly("run/a/5/0/0");
  }

  @Test
  void aRewindForgetsStatisticsOfWhatItTakesBack() {
    service.turns = TURNS;
    service.step = 7L;
    TrainingRun training = open();
    service.usual = Fate.away();

    training.rewind(8);
    assertThat(training.weigh(batch(8)).by()).isEqualTo(Weighed.By.LOCAL);
    training.rewind(7);
    assertThat(training.weigh(batch(7)).by()).isEqualTo(Weighed.By.ONE);
  }

  @Test
  void aRewindDuringAnOutageReturnsAndGoesFirstWhenTheServiceIsBack() {
    TrainingRun training = open();
    service.usual = Fate.away();
    training.weigh(batch(7));

    Duration waited = timeOf(() -> training.rewind(5));
    training.weigh(batch(5));
    training.weigh(batch(6));
    int before = service.calls.size();
    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(waited).isEqualTo(Duration.ZERO);
    assertThat(service.calls.subList(before, service.calls.size()))
        .startsWith("rewind 5", "statistics")
        .element(3)
        .asString()
        .startsWith("post 6");
    assertThat(service.recorded.keySet()).containsExactly("run/a/5/0/0", "run/a/6/0/0");
    assertThat(training.counts().dropped()).isEqualTo(1);
    addsUp(training.counts());
  }

  @Test
  void aRefusedRewindIsLoud() {
    TrainingRun training = open();
    service.next(Fate.problem(422, ProblemType.RUN_WITHOUT_STEPS, null));

    assertThatThrownBy(() -> training.rewind(5)).isInstanceOf(ProblemException.class);

    assertThat(training.weigh(batch(0)).by()).isEqualTo(Weighed.By.SERVICE);
  }

  @Test
  void garbageFallsBackAndIsTriedAgain() {
    TrainingRun training = open();
    service.usual = Fate.garbage();

    Weighed weighed = training.weigh(batch(0));
    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(weighed.reason()).isEqualTo(FallbackReason.UNEXPECTED);
    assertThat(training.counts().delivered()).isEqualTo(1);
    assertThat(service.recorded.get("run/a/0/0/0").applied).isEqualTo(weighed.weights());
  }

  @Test
  void aBatchThatIsNeverAnsweredWithSenseDoesNotBlockTheOthersForEver() {
    TrainingRun training = open();
    for (int i = 0; i < Outbox.MOST_SENSELESS; i++) {
      service.next(Fate.garbage());
    }

    training.weigh(batch(0));
    training.weigh(batch(1));
    time.pass(Duration.ofMinutes(5));

    assertThat(service.recorded.keySet()).containsExactly("run/a/1/0/0");
    assertThat(training.counts().dropped()).isEqualTo(1);
    assertThat(training.counts().delivered()).isEqualTo(1);
  }

  @Test
  void localModeNeverWaitsAndPostsWhatItApplied() {
    service.turns = TURNS;
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL));
    service.usual = Fate.answer(300);

    List<Weights> applied = new ArrayList<>();
    Duration waited =
        timeOf(
            () -> {
              for (int step = 0; step < 10; step++) {
                Weighed weighed = training.weigh(batch(step, 2, 2.6 + step * 0.1));
                assertThat(weighed.by()).isEqualTo(Weighed.By.LOCAL);
                assertThat(weighed.reason()).isNull();
                applied.add(weighed.weights());
              }
            });
    time.pass(Duration.ofSeconds(10));

    assertThat(waited).isEqualTo(Duration.ZERO);
    assertThat(service.posts()).hasSize(10).allMatch(post -> post.endsWith("with statistics"));
    assertThat(service.recorded.values().stream().map(b -> b.applied))
        .containsExactlyElementsOf(applied);
    assertThat(training.counts().fallbacks()).isZero();
    assertThat(training.counts().recordedOtherwise()).isZero();
  }

  @Test
  void localModeTakesTheStatisticsThatAnswersBring() {
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL));
    assertThat(training.weigh(batch(0, 3)).weights().weight(0)).isEqualTo(1);

    service.turns = TURNS;
    service.runMeanWeight = 0.9;
    time.pass(Duration.ofSeconds(1));
    training.weigh(batch(1));
    time.pass(Duration.ofSeconds(1));

    Weighed weighed = training.weigh(batch(2, 3));
    assertThat(weighed.weights().weight(0)).isEqualTo(StrictMath.exp(-2));
    assertThat(weighed.runMeanWeight()).isEqualTo(0.9);
  }

  @Test
  void localModeWithoutStatisticsWeighsByOneAndCountsIt() {
    service.usual = Fate.away();
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL));

    Weighed weighed = training.weigh(batch(0, 2, Double.NaN, 1e9));

    assertThat(weighed.by()).isEqualTo(Weighed.By.ONE);
    assertThat(weighed.weights().toArray()).containsExactly(1, 0, 0);
    assertThat(training.counts().toOne()).isEqualTo(Map.of(FallbackReason.NO_STATISTICS, 1L));
  }

  @Test
  void remoteModeAsksForStatisticsOnceASecond() {
    TrainingRun training = open();
    for (int step = 0; step < 100; step++) {
      training.weigh(batch(step));
      time.pass(Duration.ofMillis(40));
    }

    // 100 steps of 50 ms.
    assertThat(service.posts()).hasSize(100);
    assertThat(service.posts().stream().filter(post -> post.endsWith("with statistics")).count())
        .isBetween(4L, 5L);
  }

  @Test
  void trainingBeginsWithoutTheServiceWhichIsToldOfItsRunLater() {
    service.usual = Fate.away();
    List<TrainingRun> opened = new ArrayList<>();
    Duration waited = timeOf(() -> opened.add(open()));
    TrainingRun training = opened.get(0);

    Duration steps =
        timeOf(
            () -> {
              training.weigh(batch(0));
              training.weigh(batch(1));
            });
    service.usual = Fate.answer(10);
    int before = service.calls.size();
    time.pass(Duration.ofSeconds(10));

    assertThat(waited).isLessThan(Duration.ofMillis(10));
    assertThat(steps).isEqualTo(Duration.ZERO);
    assertThat(service.calls.subList(before, service.calls.size()))
        .startsWith("create", "statistics", "post 0");
    assertThat(service.recorded.keySet()).containsExactly("run/a/0/0/0", "run/a/1/0/0");
    assertThat(training.counts().toOne()).isEqualTo(Map.of(FallbackReason.UNAVAILABLE, 2L));
  }

  @Test
  void otherSettingsThanTheRunsAreLoudAtTheStart() {
    service.next(Fate.problem(409, ProblemType.RUN_CONFLICT, null));

    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            ProblemException.class,
            problem -> assertThat(problem.type()).isEqualTo(ProblemType.RUN_CONFLICT));
    assertThat(time.ended).isTrue();
  }

  @Test
  void settingsThatAreRefusedAfterAnOutageEndThePostingOnly() {
    service.usual = Fate.away();
    TrainingRun training = open();
    training.weigh(batch(0));
    service.usual = Fate.problem(409, ProblemType.RUN_CONFLICT, null);
    time.pass(Duration.ofSeconds(10));
    int calls = service.calls.size();
    int works = time.works;

    Weighed weighed = training.weigh(batch(1));
    time.pass(Duration.ofSeconds(10));

    assertThat(weighed.reason()).isEqualTo(FallbackReason.REFUSED);
    // Nothing to do is no work.
    assertThat(time.works - works).isLessThan(5);
    assertThat(service.calls).hasSize(calls);
    assertThat(training.counts().dropped()).isEqualTo(2);
    addsUp(training.counts());
  }

  @Test
  void aBacklogLongerThanTheDeadlineIsNotWaitedFor() {
    TrainingRun training = open();
    service.usual = Fate.answer(100);
    training.weigh(batch(0));
    service.usual = Fate.away();
    for (int step = 1; step <= 20; step++) {
      training.weigh(batch(step));
    }
    service.usual = Fate.answer(100);
    while (training.counts().delivered() == 1) {
      time.pass(Duration.ofMillis(10));
    }

    List<Weighed> weighed = new ArrayList<>();
    Duration waited = timeOf(() -> weighed.add(training.weigh(batch(21))));

    assertThat(waited).isEqualTo(Duration.ZERO);
    assertThat(weighed.get(0).reason()).isEqualTo(FallbackReason.BEHIND);
    time.pass(Duration.ofSeconds(3));
    assertThat(training.weigh(batch(22)).by()).isEqualTo(Weighed.By.SERVICE);
    assertThat(service.recorded).hasSize(23);
  }

  @Test
  void closingDeliversWhatIsQueued() {
    TrainingRun training = open(builder -> builder.mode(Mode.LOCAL));
    for (int step = 0; step < 20; step++) {
      training.weigh(batch(step));
    }

    Duration waited = timeOf(training::close);

    assertThat(waited).isEqualTo(Duration.ofMillis(200));
    assertThat(training.counts().delivered()).isEqualTo(20);
    assertThat(time.ended).isTrue();
    assertThatThrownBy(() -> training.weigh(batch(20))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closingEndsAtItsLimitAndCountsWhatIsLeft() {
    TrainingRun training = open();
    service.usual = Fate.away();
    training.weigh(batch(0));
    training.weigh(batch(1));

    Duration waited = timeOf(() -> training.close(Duration.ofSeconds(3)));

    assertThat(waited).isEqualTo(Duration.ofSeconds(3));
    assertThat(training.counts().dropped()).isEqualTo(2);
    assertThat(training.counts().queued()).isZero();
    addsUp(training.counts());
  }

  @Test
  void underShadowAFallbackAppliesOneAndLeavesTheServicesWeightsToBeRecorded() {
    service.configuration = SimulatedService.EXPONENTIAL.withShadow(true);
    service.turns = TURNS;
    TrainingRun training = open();
    service.usual = Fate.away();

    Weighed weighed = training.weigh(batch(0, 2, 3, Double.NaN));
    service.usual = Fate.answer(10);
    time.pass(Duration.ofSeconds(10));

    assertThat(weighed.weights().toArray()).containsExactly(1, 1, 0);
    assertThat(weighed.meanWeight()).isEqualTo((1 + StrictMath.exp(-2)) / 2);
    assertThat(service.recorded.get("run/a/0/0/0").applied).isNull();
  }

  @Test
  void aFallbackNormalizesAsTheRunDoes() {
    service.configuration = SimulatedService.EXPONENTIAL.withNormalization(Normalization.RUN_MEAN);
    service.turns = TURNS;
    service.runMeanWeight = 0.8;
    TrainingRun training = open();
    service.usual = Fate.away();

    assertThat(training.weigh(batch(0, 2, 3)).weights().toArray())
        .containsExactly(1 / 0.8, StrictMath.exp(-2) / 0.8);
  }

  @Test
  void aBatchIsSentAsOneOfThisRankAndAttempt() {
    TrainingRun training = open(builder -> builder.rank(3));

    training.weigh(batch(0));
    training.weigh(Batch.builder().step(0).rank(3).microBatch(1).build());

    assertThat(service.recorded.keySet()).containsExactly("run/a/0/3/0", "run/a/0/3/1");
    assertThat(service.recorded.values()).allMatch(b -> b.rank == 3 && "a".equals(b.attempt));
    assertThatThrownBy(() -> training.weigh(Batch.builder().step(0).rank(2).build()))
        .isInstanceOf(IllegalArgumentException.class);
    addsUp(training.counts());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "job-\uD800", "job-\u0000"})
  void anAttemptThatNoRequestCanNameIsRefusedWhereItIsSet(String attempt) {
    assertThatThrownBy(() -> open(builder -> builder.attempt(attempt)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("attempt");
  }

  @Test
  void aBatchWithoutStepHasAKeyOfItsOwn() {
    TrainingRun training = open();

    training.weigh(Batch.builder().dialogue("d").loss(1).build());
    training.weigh(Batch.builder().dialogue("d").loss(1).build());

    assertThat(service.recorded).hasSize(2);
  }

  @Test
  void aKeyThatAHeaderCannotCarryIsHashed() {
    Batch unicode = batch(4).sentBy(0, "köln");
    Batch lengthy = batch(4).sentBy(0, "a".repeat(256));

    assertThat(Delivery.key("run", unicode)).matches("[0-9a-f]{64}");
    assertThat(Delivery.key("run", lengthy)).matches("[0-9a-f]{64}");
    assertThat(Delivery.key("run", unicode)).isEqualTo(Delivery.key("run", unicode));
    assertThat(Delivery.key("run", unicode))
        .isNotEqualTo(Delivery.key("run", batch(5).sentBy(0, "köln")));
    assertThat(Delivery.key("run", batch(4))).isEqualTo("run/-/4/0/0");
  }
}
