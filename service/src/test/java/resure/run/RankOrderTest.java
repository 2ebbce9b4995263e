package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import resure.api.StatisticsText;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.InMemoryJournal;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.observation.Weights;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.Propagation;

/**
 * The ranks of a step, posted to several replicas in any order and at the same time, get the same
 * bits as at one: here of replicas with their own threads on one journal.
 */
@Timeout(120)
class RankOrderTest {

  private static final int REPLICAS = 3;
  private static final int RANKS = 4;
  private static final int MICRO_BATCHES = 2;
  private static final int STEPS = 12;
  private static final int ORDERS = 6;
  private static final RunId ID = ShardDriver.id("sft-42");

  private final long seed = Long.getLong("resure.seed", System.nanoTime());
  private final Random random = new Random(seed);

  static List<Configuration> configurations() {
    Configuration plain = Configuration.DEFAULT.withWarmUp(4);
    return List.of(
        plain,
        plain
            .withNormalization(Normalization.RUN_MEAN)
            .withHalfLife(50)
            .withPropagation(new Propagation(0.7, 0.5)),
        plain.withFold(FoldRule.RAW).withNormalization(Normalization.BATCH_MEAN).withMaxTurns(3));
  }

  /**
   * All that is answered: weights by place in the run, and the statistics in the end.
   *
   * @param late batches of a step that was closed already
   */
  private record Answered(Map<String, List<Object>> weights, List<String> statistics, long late) {}

  @ParameterizedTest
  @MethodSource("configurations")
  void ranksAtAnyReplicaInAnyOrderGetTheBitsOfOne(Configuration configuration) {
    List<List<ObservationBatch>> steps = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      List<ObservationBatch> batches = new ArrayList<>();
      for (int rank = 0; rank < RANKS; rank++) {
        for (int microBatch = 0; microBatch < MICRO_BATCHES; microBatch++) {
          batches.add(Batches.random(random, step, rank, microBatch, null));
        }
      }
      steps.add(batches);
    }
    Answered alone = train(1, configuration, steps);
    assertThat(alone.late()).isZero();

    for (int order = 0; order < ORDERS; order++) {
      Answered together = train(REPLICAS, configuration, steps);

      assertThat(together.weights()).as("seed %d", seed).isEqualTo(alone.weights());
      assertThat(together.statistics())
          .as("seed %d", seed)
          .hasSize(REPLICAS)
          .containsOnly(alone.statistics().getFirst());
    }
  }

  private Answered train(
      int replicas, Configuration configuration, List<List<ObservationBatch>> steps) {
    InMemoryJournal journal = new InMemoryJournal();
    if (replicas > 1) {
      journal.share();
    }
    List<Runs> all = new ArrayList<>();
    try {
      for (int i = 0; i < replicas; i++) {
        all.add(
            new Runs(
                journal,
                JvmCompute::new,
                JvmCompute::new,
                Durability.FSYNC,
                ShardDriver.LIMITS,
                InstantSource.system(),
                RunListener.NONE,
                RunFollower.NONE));
      }
      done(all.getFirst().create(ID, new Wanted(configuration), null, 0));
      Map<String, List<Object>> weights = new TreeMap<>();
      long sequence = 1;
      for (List<ObservationBatch> step : steps) {
        List<ObservationBatch> shuffled = new ArrayList<>(step);
        Collections.shuffle(shuffled, random);
        List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
        for (ObservationBatch batch : shuffled) {
          Runs replica = all.get(random.nextInt(replicas));
          answers.add(replica.score(ID, place(batch), batch));
        }
        // A rank that has its answer waits for the others, as synchronous training does.
        for (CompletableFuture<Outcome<Scored>> answer : answers) {
          Scored scored = done(answer);
          weights.put(place(scored.batch()), bits(scored.weights()));
          sequence++;
        }
      }
      List<String> statistics = new ArrayList<>();
      long late = 0;
      for (Runs replica : all) {
        RunStatistics said = done(replica.statistics(ID, sequence));
        late = said.run().lateBatches();
        statistics.add(StatisticsText.of(said));
      }
      return new Answered(weights, statistics, late);
    } finally {
      for (Runs replica : all) {
        // The one before has closed it.
        journal.reopen();
        replica.close();
      }
    }
  }

  private static String place(ObservationBatch batch) {
    return batch.step() + "/" + batch.rank() + "/" + batch.microBatch();
  }

  private static List<Object> bits(Weights weights) {
    List<Object> bits = new ArrayList<>();
    for (double weight : weights.raw()) {
      bits.add(weight);
    }
    bits.add(weights.divisor());
    bits.add(weights.runMean());
    bits.add(weights.warmingUp());
    return bits;
  }

  private static <T> T done(CompletableFuture<Outcome<T>> answer) {
    Outcome<T> outcome = answer.orTimeout(30, TimeUnit.SECONDS).join();
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return Objects.requireNonNull(((Outcome.Done<T>) outcome).value());
  }

  private record Wanted(Configuration configuration) implements WantedSettings {

    @Override
    public RunSettings complete() {
      return new RunSettings(configuration, Map.of());
    }

    @Override
    public @Nullable String conflict(RunSettings existing) {
      return null;
    }
  }
}
