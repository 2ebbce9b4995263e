package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.contract.Answer;

/** A backup that the packaged service takes of itself, and the way back to it. */
@Timeout(value = 5 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackupIT {

  private static final Pattern NAME = Pattern.compile("\"name\":\"([^\"]+)\"");
  private static final int RUNS = 3;
  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private static String path(int run) {
    return "/v1/runs/run-" + run;
  }

  /** Posts a step to each run; the answers. */
  private static List<String> train(ServiceProcess service, int step) {
    List<String> answers = new ArrayList<>();
    for (int run = 0; run < RUNS; run++) {
      Answer answer = post(service, run, step);
      assertThat(answer.status()).isEqualTo(200);
      answers.add(answer.text());
    }
    return answers;
  }

  private static Answer post(ServiceProcess service, int run, int step) {
    String losses = "[%s, %s, 2.5]".formatted(1 + 0.1 * (step % 7), 2.25 + 0.01 * run * step);
    return service.send(
        "POST",
        path(run) + "/observations",
        "{\"step\": %d, \"dialogues\": [{\"id\": \"d-%d\", \"losses\": %s}]}"
            .formatted(step, step, losses),
        "Idempotency-Key",
        "step-" + step);
  }

  private static List<String> statistics(ServiceProcess service) {
    List<String> all = new ArrayList<>();
    for (int run = 0; run < RUNS; run++) {
      all.add(service.get(path(run) + "/statistics").text());
      all.add(service.get(path(run) + "/observations").text());
    }
    return all;
  }

  private static double metric(ServiceProcess service, String series) {
    Matcher sample =
        Pattern.compile("(?m)^" + series + "(?:\\{[^}]*})? (\\S+)$")
            .matcher(service.manage("GET", "/actuator/prometheus"));
    return sample.find() ? Double.parseDouble(sample.group(1)) : -1;
  }

  private static String name(String answer) {
    Matcher name = NAME.matcher(answer);
    assertThat(name.find()).as(answer).isTrue();
    return name.group(1);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  @Test
  void whatABackupHoldsIsThereAgainAfterItIsRestored() throws Exception {
    Path state = temporary.resolve("state");
    Path backups = temporary.resolve("backups");
    String[] on = {"resure.backup.directory=" + backups, "resure.backup.keep=2"};
    List<String> before;
    List<String> answered = new ArrayList<>();
    String made;
    try (ServiceProcess service = ServiceProcess.start(state, Map.of(), on);
        ExecutorService threads = Executors.newSingleThreadExecutor()) {
      for (int run = 0; run < RUNS; run++) {
        assertThat(service.send("PUT", path(run), "{\"warmUp\": 2}").status()).isEqualTo(201);
      }
      assertThat(service.send("PUT", "/v1/runs/busy", "{}").status()).isEqualTo(201);
      for (int step = 0; step < 40; step++) {
        answered.addAll(train(service, step));
      }
      before = statistics(service);
      // The first is made by schedule, since there is none.
      service.await(
          "a backup", SOON, () -> service.manage("GET", "/actuator/backup").contains("\"name\""));
      assertThat(metric(service, "resure_backup_age_seconds")).isBetween(0.0, 60.0);
      assertThat(metric(service, "resure_backup_failures_total")).isZero();

      AtomicBoolean stop = new AtomicBoolean();
      Future<Integer> busy = threads.submit(() -> keepBusy(service, stop));
      List<String> names = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        String answer = service.manage("POST", "/actuator/backup");
        assertThat(answer).startsWith("200 ").containsPattern("\"bytes\":[1-9]");
        names.add(name(answer));
      }
      made = names.getLast();
      stop.set(true);
      assertThat(busy.get()).isPositive();
      assertThat(service.manage("GET", "/actuator/backup"))
          .contains(names.get(1), names.get(2))
          .doesNotContain(names.get(0));
      for (int step = 40; step < 60; step++) {
        train(service, step);
      }
      assertThat(statistics(service)).isNotEqualTo(before);
      service.kill();
    }

    Path restored = temporary.resolve("restored");
    copy(backups.resolve(made), restored);
    try (ServiceProcess service = ServiceProcess.start(restored, Map.of())) {
      assertThat(statistics(service)).isEqualTo(before);
      assertThat(service.manage("POST", "/actuator/backup"))
          .startsWith("404 ")
          .contains("resure.backup.directory is not set");
      assertThat(metric(service, "resure_backup_age_seconds")).isEqualTo(-1);
      // What was answered before is answered again, what came after is taken anew.
      for (int run = 0; run < RUNS; run++) {
        Answer again = post(service, run, 39);
        assertThat(again.text()).isEqualTo(answered.get(39 * RUNS + run));
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(post(service, run, 40).header("Idempotency-Replayed")).isEmpty();
      }
    }
    // The same again, from the state in which the backup itself is: it was only read.
    Path again = temporary.resolve("again");
    copy(backups.resolve(made), again);
    try (ServiceProcess service = ServiceProcess.start(again, Map.of())) {
      assertThat(statistics(service)).isEqualTo(before);
    }
  }

  private static int keepBusy(ServiceProcess service, AtomicBoolean stop) {
    int posted = 0;
    while (!stop.get() || posted == 0) {
      Answer answer =
          service.send(
              "POST",
              "/v1/runs/busy/observations",
              "{\"step\": %d, \"dialogues\": [{\"id\": \"d\", \"losses\": [1.5, 2.5]}]}"
                  .formatted(posted));
      assertThat(answer.status()).isEqualTo(200);
      posted++;
    }
    return posted;
  }

  @Test
  void aBackupThatFailsLeavesTheServiceAndTheOlderOnesAsTheyAre() throws Exception {
    Path state = temporary.resolve("state");
    Path backups = temporary.resolve("backups");
    String[] on = {"resure.backup.directory=" + backups, "resure.backup.keep=1"};
    try (ServiceProcess service = ServiceProcess.start(state, Map.of(), on)) {
      for (int run = 0; run < RUNS; run++) {
        assertThat(service.send("PUT", path(run), "{}").status()).isEqualTo(201);
      }
      train(service, 0);
      service.await(
          "a backup", SOON, () -> service.manage("GET", "/actuator/backup").contains("\"name\""));
      String there = name(service.manage("GET", "/actuator/backup"));
      // Out of the way, with a file in its place: no directory can be made there.
      Path aside = temporary.resolve("aside");
      Files.move(backups, aside);
      Files.writeString(backups, "a file");

      assertThat(service.manage("POST", "/actuator/backup")).startsWith("500 ");

      assertThat(metric(service, "resure_backup_failures_total")).isEqualTo(1);
      assertThat(service.readiness()).isEqualTo(200);
      train(service, 1);
      Files.delete(backups);
      Files.move(aside, backups);
      assertThat(service.manage("GET", "/actuator/backup")).contains(there);
      String made = name(service.manage("POST", "/actuator/backup"));
      assertThat(service.manage("GET", "/actuator/backup")).contains(made).doesNotContain(there);
    }
  }
}
