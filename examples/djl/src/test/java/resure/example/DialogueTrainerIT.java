package resure.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import resure.client.Counts;
import resure.client.ExportedObservation;
import resure.client.Mode;
import resure.client.ResureClient;
import resure.client.Weighed;

/** With the packaged service in a process of its own. */
@Timeout(value = 5 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DialogueTrainerIT {

  private static final Path JAR =
      Path.of("..", "..", "service", "target", "resure-service.jar").toAbsolutePath().normalize();
  private static final Pattern READY =
      Pattern.compile("Ready: POST losses to http://[^:]+:(\\d+)/");

  @TempDir private Path temporary;

  private Process service;
  private int port;

  private void startService() {
    try {
      Path log = Files.createTempFile(temporary, "service-", ".log");
      service =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-Xmx256m",
                  "-Djava.io.tmpdir=" + temporary,
                  "-jar",
                  JAR.toString(),
                  "--server.port=" + port,
                  "--management.server.port=0",
                  "--resure.state.directory=" + temporary.resolve("state"))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      Matcher ready;
      while (!(ready = READY.matcher(Files.readString(log))).find()) {
        assertThat(service.isAlive()).as("%s", log).isTrue();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
      port = Integer.parseInt(ready.group(1));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach
  void killService() throws InterruptedException {
    if (service != null) {
      service.destroyForcibly().waitFor();
    }
  }

  private Counts train(long steps, Mode mode, Consumer<DialogueTrainer.Step> listener)
      throws IOException {
    try (DialogueTrainer trainer =
        new DialogueTrainer(
            new DialogueTrainer.Options(
                URI.create("http://127.0.0.1:" + port),
                "run",
                mode,
                steps,
                temporary.resolve("checkpoints")))) {
      return trainer.train(listener);
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void trainingOutlivesTheServiceAndGoesOnFromACheckpoint(Mode mode) throws Exception {
    startService();
    TreeMap<Long, Weighed> weighed = new TreeMap<>();
    List<Double> losses = new ArrayList<>();

    Counts first =
        train(
            50,
            mode,
            step -> {
              weighed.put(step.step(), step.weighed());
              losses.add(step.meanLoss());
              try {
                if (step.step() == 20) {
                  killService();
                } else if (step.step() == 35) {
                  startService();
                }
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    // From the checkpoint of step 40: ten steps are trained and sent again.
    Counts second = train(60, mode, step -> weighed.put(step.step(), step.weighed()));

    System.out.println(first + "\n" + second);
    assertThat(first.delivered()).as("%s", first).isEqualTo(50);
    assertThat(first.fallbacks()).isGreaterThanOrEqualTo(mode == Mode.REMOTE ? 15 : 0);
    assertThat(second.weighed()).isEqualTo(20);
    assertThat(second.delivered()).as("%s", second).isEqualTo(20);
    assertThat(losses.get(49)).isLessThan(0.7 * losses.get(0));
    checkExport(weighed, first.recordedOtherwise() + second.recordedOtherwise());
  }

  private void checkExport(TreeMap<Long, Weighed> weighed, long recordedOtherwise) {
    List<ExportedObservation> observations;
    try (ResureClient client =
            ResureClient.builder().address(URI.create("http://127.0.0.1:" + port)).build();
        Stream<ExportedObservation> export = client.export("run", null, null)) {
      observations = export.toList();
    }
    assertThat(weighed).hasSize(60);
    int next = 0;
    long otherwise = 0;
    for (long step : weighed.keySet()) {
      double[] weights = weighed.get(step).weights().toArray();
      boolean asApplied = true;
      for (double weight : weights) {
        ExportedObservation observation = observations.get(next++);
        assertThat(observation.step()).isEqualTo(step);
        asApplied &= observation.weight() == weight;
      }
      otherwise += asApplied ? 0 : 1;
    }
    assertThat(observations).hasSize(next);
    assertThat(otherwise).isLessThanOrEqualTo(recordedOtherwise);
  }
}
