package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.compute.ComputeSource;
import resure.compute.WeightBound;
import resure.compute.djl.Djl;
import resure.compute.jvm.JvmCompute;
import resure.drift.TurnDrift;
import resure.journal.InMemoryJournal;
import resure.observation.ObservationBatch;
import resure.observation.RecordedTrace;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;

/** Losses of a real training through both backends, in groups that chance makes. */
@Timeout(300)
class BackendsTest {

  private static final RunLimits LIMITS =
      new RunLimits(4096, 10_000_000, 1000, Duration.ofMinutes(10), Duration.ofSeconds(1));
  private static final int RANKS = 3;

  private static List<Configuration> configurations() {
    List<Configuration> all = new ArrayList<>();
    for (WeightFunction function : WeightFunction.ALL) {
      Configuration one =
          Configuration.DEFAULT.withWeighting(
              Configuration.DEFAULT.weighting().withFunction(function));
      all.add(one);
      all.add(one.withHalfLife(4000).withPropagation(new Propagation(1, 0.5)).withLag(1));
    }
    all.add(Configuration.DEFAULT.withFold(FoldRule.RAW).withMaxTurns(3));
    return all;
  }

  /** Statistics after the last step, and all weights, of each configuration. */
  private record Trained(
      List<MomentsTable> turns,
      List<MomentsTable> references,
      List<List<TurnDrift>> drifts,
      List<List<double[]>> weights) {}

  private static Trained train(ComputeSource computes, long seed) {
    Random random = new Random(seed);
    List<Configuration> configurations = configurations();
    InMemoryJournal journal = new InMemoryJournal();
    ShardDriver driver =
        new ShardDriver(
            journal, LIMITS, key -> new Recovery(journal, new JvmCompute()).recover(key), computes);
    List<List<CompletableFuture<Outcome<Scored>>>> answers = new ArrayList<>();
    for (int run = 0; run < configurations.size(); run++) {
      driver.create("run-" + run, configurations.get(run));
      answers.add(new ArrayList<>());
    }
    for (List<ObservationBatch> step : RecordedTrace.steps(RANKS)) {
      for (ObservationBatch batch : step) {
        for (int run = 0; run < configurations.size(); run++) {
          answers.get(run).add(driver.score("run-" + run, null, batch));
          if (random.nextInt(10) == 0) {
            driver.work();
          }
        }
      }
      driver.work();
    }
    Trained trained =
        new Trained(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int run = 0; run < configurations.size(); run++) {
      RunStatistics statistics = driver.statistics("run-" + run);
      trained.turns.add(statistics.turns());
      trained.references.add(statistics.reference());
      trained.drifts.add(statistics.drift());
      trained.weights.add(
          answers.get(run).stream().map(a -> ShardDriver.value(a).weights().raw()).toList());
    }
    return trained;
  }

  @Test
  void statisticsAreTheSameBitsAndWeightsWithinTheirBound() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Trained plain = train(JvmCompute::new, seed);
    Trained tensors = train(Djl.onCpu()::compute, seed + 1);

    List<Configuration> configurations = configurations();
    double largest = 0;
    double largestOfBound = 0;
    for (int run = 0; run < configurations.size(); run++) {
      assertThat(tensors.turns.get(run).sameAs(plain.turns.get(run))).as("run %d", run).isTrue();
      assertThat(tensors.references.get(run).sameAs(plain.references.get(run))).isTrue();
      assertThat(tensors.drifts.get(run)).isEqualTo(plain.drifts.get(run));
      for (int b = 0; b < plain.weights.get(run).size(); b++) {
        double[] expected = plain.weights.get(run).get(b);
        double[] actual = tensors.weights.get(run).get(b);
        for (int i = 0; i < expected.length; i++) {
          double difference = Math.abs(actual[i] - expected[i]);
          if (difference > 0) {
            // The trace's dialogues have up to 6 turns.
            double bound = expected[i] * WeightBound.of(configurations.get(run), 5);
            largest = Math.max(largest, difference);
            largestOfBound = Math.max(largestOfBound, difference / bound);
            assertThat(difference).as("run %d, batch %d, loss %d", run, b, i).isLessThan(bound);
          }
        }
      }
    }
    System.out.printf(
        "largest difference of any weight %.3g, at most %.2f of its bound%n",
        largest, largestOfBound);
    // Were it 0, exp would have been compared with itself.
    assertThat(largest).isPositive();
  }
}
