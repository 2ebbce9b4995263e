package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import resure.client.Batch;
import resure.client.BatchBuilder;
import resure.client.Counts;
import resure.client.ExportedObservation;
import resure.client.Mode;
import resure.client.ResureClient;
import resure.client.Scores;
import resure.client.Settings;
import resure.client.TrainingRun;
import resure.client.Weighed;
import resure.client.Weights;
import resure.weighting.Normalization;

/** Training runs of the SDK with the packaged service, which is killed under them. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TrainingIT {

  private static final Duration DEADLINE = Duration.ofMillis(300);

  /** What a busy machine may add to a wait. */
  private static final Duration SLACK = Duration.ofMillis(200);

  private static final int KILLS = 2;
  private static final int DIALOGUES = 4;
  private static final int TURNS = 3;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final long seed = Long.getLong("resure.seed", System.nanoTime());
  private final Random random = new Random(seed);

  private static Batch batch(long step, Random random) {
    BatchBuilder builder = Batch.builder().step(step);
    for (int d = 0; d < DIALOGUES; d++) {
      builder.dialogue("dialogue-" + random.nextInt(1000)).source("source-" + d % 2);
      for (int t = 0; t < TURNS; t++) {
        double loss = 2 + 0.3 * random.nextGaussian() + (random.nextInt(10) == 0 ? 2 : 0);
        if (random.nextInt(20) == 0) {
          builder.unsupervised();
        } else {
          builder.loss(random.nextInt(50) == 0 ? Double.NaN : loss, 1 + random.nextInt(30));
        }
      }
    }
    return builder.build();
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void aTrainingRunSurvivesTheServiceAndTheServiceHoldsWhatItWasGiven(Mode mode) throws Exception {
    Path state = temporary.resolve("state-" + mode);
    ServiceProcess first = ServiceProcess.start(state, Map.of());
    String port = "server.port=" + first.port();
    AtomicReference<ServiceProcess> service = new AtomicReference<>(first);
    AtomicBoolean killed = new AtomicBoolean();
    Thread killer = killer(service, state, port, killed);
    List<Weighed> weighed = new ArrayList<>();
    List<Batch> batches = new ArrayList<>();
    Counts counts;
    try (ResureClient client =
        ResureClient.builder().address(URI.create("http://127.0.0.1:" + first.port())).build()) {
      TrainingRun training = client.training("run").mode(mode).attempt("a").deadline(DEADLINE).open();
      killer.start();
      Duration longest = Duration.ZERO;
      // On until all is well again after the last kill, however long its restarts take.
      for (long step = 0, calm = 0; calm < 20; step++) {
        Batch batch = batch(step, random);
        long begun = System.nanoTime();
        Weighed one = training.weigh(batch);
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        longest = took.compareTo(longest) > 0 ? took : longest;
        batches.add(batch);
        weighed.add(one);
        calm = killed.get() && training.counts().queued() <= 1 ? calm + 1 : 0;
        // The rest of a training step.
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(30));
      }
      killer.join();
      training.close(Duration.ofMinutes(1));
      counts = training.counts();
      System.out.printf(
          "resure.seed=%d, %s: %d steps, the longest wait %d ms; %s%n",
          seed, mode, weighed.size(), longest.toMillis(), counts);

      assertThat(longest).as("seed %d", seed).isLessThan(DEADLINE.plus(SLACK));
      assertThat(counts.weighed()).isEqualTo(weighed.size());
      assertThat(counts.queued()).isZero();
      assertThat(counts.dropped()).isZero();
      assertThat(counts.refused()).isZero();
      assertThat(counts.delivered()).isEqualTo(weighed.size());
      if (mode == Mode.REMOTE) {
        assertThat(counts.fallbacks()).isPositive();
        assertThat(weighed.get(weighed.size() - 1).by()).isEqualTo(Weighed.By.SERVICE);
      }
      try (Stream<ExportedObservation> export = client.export("run", null, null)) {
        checkExport(export.toList(), batches, weighed, counts);
      }
    } finally {
      killer.interrupt();
      killer.join();
      service.get().close();
    }
  }

  private Thread killer(
      AtomicReference<ServiceProcess> service, Path state, String port, AtomicBoolean killed) {
    long[] waits = random.longs(2 * KILLS, 200, 3_000).toArray();
    return new Thread(
        () -> {
          try {
            for (int i = 0; i < KILLS; i++) {
              Thread.sleep(waits[2 * i]);
              service.get().kill();
              Thread.sleep(waits[2 * i + 1]);
              service.set(ServiceProcess.start(state, Map.of(), port));
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          } catch (IOException e) {
            throw new AssertionError(e);
          } finally {
            killed.set(true);
          }
        });
  }

  private void checkExport(
      List<ExportedObservation> export, List<Batch> batches, List<Weighed> weighed, Counts counts) {
    int next = 0;
    int otherwise = 0;
    for (int b = 0; b < batches.size(); b++) {
      Batch batch = batches.get(b);
      Weights weights = weighed.get(b).weights();
      boolean asApplied = true;
      for (int d = 0; d < batch.dialogues(); d++) {
        for (int i = batch.from(d); i < batch.from(d + 1); i++) {
          if (!batch.supervised(i)) {
            continue;
          }
          ExportedObservation observation = export.get(next++);
          assertThat(observation.step()).as("seed %d, step %d", seed, b).isEqualTo(batch.step());
          assertThat(observation.dialogue()).isEqualTo(batch.id(d));
          assertThat(observation.turn()).isEqualTo(i - batch.from(d));
          assertThat(observation.loss()).isEqualTo((Double) batch.loss(i));
          asApplied &= observation.weight() == weights.weight(i);
        }
      }
      otherwise += asApplied ? 0 : 1;
    }
    assertThat(export).as("seed %d", seed).hasSize(next);
    // Weights that were counted as other ones may be the same after all: 1 in warm-up, say.
    assertThat((long) otherwise)
        .as("seed %d, %s", seed, counts)
        .isLessThanOrEqualTo(counts.recordedOtherwise());
  }

  @Test
  void localWeightsAreTheServicesBitForBit() throws Exception {
    Settings settings =
        Settings.builder()
            .propagationStrength(0.7)
            .normalization(Normalization.BATCH_MEAN)
            .maxTurns(2)
            .build();
    try (ServiceProcess service = ServiceProcess.start(temporary.resolve("state"), Map.of());
        ResureClient client =
            ResureClient.builder()
                .address(URI.create("http://127.0.0.1:" + service.port()))
                .build()) {
      Map<Weighed.By, Integer> by = new HashMap<>();
      client.create("run", settings);
      for (long step = 0; step < 40; step++) {
        Batch batch = batch(step, random);
        Weighed local;
        // Reads the newest statistics as it opens; what it weighs is delivered as another rank's.
        try (TrainingRun training = client.training("run").mode(Mode.LOCAL).rank(1).open()) {
          local = training.weigh(batch);
          Scores scores = client.score("run", batch);
          assertThat(scores.weights()).as("seed %d, step %d", seed, step).isEqualTo(local.weights());
          assertThat(scores.summary().meanWeight()).isEqualTo(local.meanWeight());
        }
        by.merge(local.by(), 1, Integer::sum);
      }
      assertThat(by).isEqualTo(Map.of(Weighed.By.LOCAL, 40));
      assertThat(client.statistics("run").meanWeight()).isLessThan(1);
    }
  }
}
