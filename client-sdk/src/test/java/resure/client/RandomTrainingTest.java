package resure.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import resure.client.SimulatedService.Fate;

/** Training runs through every trouble that a seed draws: what holds whatever happens. */
class RandomTrainingTest {

  private static final List<Statistics.Turn> TURNS =
      List.of(new Statistics.Turn(0, 41, 41, 2, 0.5, 10, 1, 1, 0));

  static List<Long> seeds() {
    String one = System.getProperty("resure.seed");
    if (one != null) {
      return List.of(Long.parseLong(one));
    }
    return new Random().longs(Integer.getInteger("resure.seeds", 300)).boxed().toList();
  }

  @ParameterizedTest(name = "resure.seed={0}")
  @MethodSource("seeds")
  void everyBatchIsCountedAndRecordedOnceInOrderWithTheWeightsThatWereApplied(long seed) {
    Random random = new Random(seed);
    SimulatedTime time = new SimulatedTime();
    SimulatedService service = new SimulatedService(time);
    service.turns = TURNS;
    Duration deadline = Duration.ofMillis(50 + random.nextInt(500));
    boolean rewinds = random.nextBoolean();
    TrainingRun training =
        new TrainingRun.Builder(service, "run")
            .deadline(deadline)
            .mode(random.nextBoolean() ? Mode.REMOTE : Mode.LOCAL)
            .queue(random.nextBoolean() ? 5 : 1000)
            .open(time, new Retries(random::nextDouble));
    Map<Long, Weights> applied = new HashMap<>();
    long step = 0;
    for (int i = 0; i < 200; i++) {
      if (random.nextInt(5) == 0) {
        service.usual = fate(random);
      }
      if (random.nextInt(4) == 0) {
        service.next(fate(random));
      }
      if (rewinds && random.nextInt(40) == 0) {
        step = Math.max(0, step - random.nextInt(10));
        long nextStep = step;
        applied.keySet().removeIf(s -> s >= nextStep);
        training.rewind(nextStep);
      }
      Duration before = time.elapsed();
      Weighed weighed =
          training.weigh(Batch.builder().step(step).dialogue("d").loss(2 + i % 7 * 0.4).build());
      assertThat(time.elapsed().minus(before)).isLessThanOrEqualTo(deadline);
      applied.put(step++, weighed.weights());
      addsUp(training.counts());
      time.pass(Duration.ofMillis(random.nextInt(100)));
      addsUp(training.counts());
    }
    long nextStep = step;
    service.usual = Fate.answer(5);
    training.close(Duration.ofMinutes(10));

    Counts counts = training.counts();
    addsUp(counts);
    assertThat(counts.queued()).isZero();
    List<Long> steps = new ArrayList<>();
    long otherwise = 0;
    for (Batch batch : service.recorded.values()) {
      steps.add(batch.step);
      Weights known = applied.get(batch.step);
      boolean asApplied =
          batch.applied == null
              ? known.weight(0) == SimulatedService.WEIGHT
              : known.equals(batch.applied);
      otherwise += asApplied ? 0 : 1;
    }
    assertThat(steps).as("%s of %s", counts, nextStep).isSorted().doesNotHaveDuplicates();
    // A rewind drops what is on its way, so that all it took back had been delivered before.
    long takenBack = service.takenBack.size();
    if (counts.dropped() == 0) {
      assertThat(steps.size() + takenBack).as("%s", counts).isEqualTo(counts.delivered());
      assertThat(otherwise)
          .as("%s", counts)
          .isBetween(counts.recordedOtherwise() - takenBack, counts.recordedOtherwise());
    } else {
      // One that was dropped on its way may have been recorded.
      assertThat(otherwise)
          .as("%s", counts)
          .isLessThanOrEqualTo(counts.recordedOtherwise() + counts.dropped());
    }
  }

  private static Fate fate(Random random) {
    return switch (random.nextInt(10)) {
      case 0 -> Fate.away();
      case 1 -> Fate.garbage();
      case 2 -> Fate.answerLost(random.nextInt(1500));
      case 3 -> Fate.answer(random.nextInt(4_900));
      case 4 -> Fate.problem(429, ProblemType.QUEUE_FULL, Duration.ofSeconds(random.nextInt(3)));
      case 5 -> Fate.problem(503, ProblemType.STORE_UNAVAILABLE, null);
      case 6 -> Fate.problem(422, ProblemType.LIMIT_EXCEEDED, null);
      case 7 -> Fate.silence();
      default -> Fate.answer(random.nextInt(20));
    };
  }

  private static void addsUp(Counts counts) {
    assertThat(counts.delivered() + counts.queued() + counts.dropped() + counts.refused())
        .as("%s", counts)
        .isEqualTo(counts.weighed());
  }
}
