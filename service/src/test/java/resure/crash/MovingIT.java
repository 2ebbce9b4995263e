package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.RunId;
import resure.run.FreshFold;

/** Export and import by the packaged jar, killed now and then. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MovingIT {

  private static final Duration DEADLINE = Duration.ofMinutes(2);
  private static final int BATCHES = 40_000;
  private static final int MOST_KILLS = 4;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private record Ended(int status, String said) {}

  private Ended run(String... arguments) throws IOException {
    try (ServiceProcess process = ServiceProcess.command(temporary, arguments)) {
      return new Ended(process.exitStatus(DEADLINE), process.said());
    }
  }

  private static String state(Path directory) {
    return "--resure.state.directory=" + directory;
  }

  /** Runs a command again and again, killed after a random time, until it comes to its end. */
  private String runKilled(Random random, String... arguments) throws IOException {
    for (int kill = 0; kill < MOST_KILLS; kill++) {
      try (ServiceProcess process = ServiceProcess.command(temporary, arguments)) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(2500));
        process.await(
            "the end or its time", DEADLINE, () -> !process.alive() || System.nanoTime() > end);
        process.kill();
        if (process.exitStatus(DEADLINE) == 0) {
          return process.said();
        }
        assertThat(process.exitStatus(DEADLINE)).as(process.said()).isEqualTo(137);
      }
    }
    Ended ended = run(arguments);
    assertThat(ended.status).as(ended.said).isZero();
    return ended.said;
  }

  private static void fill(Path state) throws Exception {
    try (RocksDbJournal journal = RocksDbJournal.open(state, Durability.OS)) {
      for (int i = 0; i < 4; i++) {
        RunKey run = Entries.run("run-" + i);
        Head head = Entries.append(journal, run, Entries.created());
        for (int step = 0; step < BATCHES / 4; step += 500) {
          List<JournalEntry> entries = new ArrayList<>();
          for (int j = 0; j < 500; j++) {
            entries.add(Entries.batch("k-" + (step + j), step + j, 0));
          }
          head =
              Objects.requireNonNull(
                  journal.append(List.of(new Append(run, head, entries))).get(run));
        }
      }
    }
  }

  private static void requireSame(Path one, Path other) throws Exception {
    try (RocksDbJournal expected = RocksDbJournal.open(one, Durability.OS);
        RocksDbJournal actual = RocksDbJournal.open(other, Durability.OS)) {
      List<RunKey> runs = expected.list(RunId.DEFAULT_TENANT, null, 100);
      assertThat(actual.tenants()).isEqualTo(expected.tenants());
      assertThat(actual.list(RunId.DEFAULT_TENANT, null, 100)).isEqualTo(runs);
      for (RunKey run : runs) {
        // The same head is the same bytes of all entries.
        assertThat(actual.head(run)).isEqualTo(expected.head(run));
        assertThat(FreshFold.statistics(actual, run.id()))
            .usingRecursiveComparison()
            .withComparatorForType(Double::compare, Double.class)
            .isEqualTo(FreshFold.statistics(expected, run.id()));
      }
    }
  }

  @Test
  void killedAtRandomTimesAMoveEndsWithTheSameRuns() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Path from = temporary.resolve("from");
    fill(from);
    for (String name : List.of("export", "export.resure")) {
      String target = temporary.resolve(name).toString();
      Path to = temporary.resolve("to-" + name);

      String exported = runKilled(random, "export", target, state(from));
      String imported = runKilled(random, state(to), "--resure.durability=os", "import", target);

      assertThat(exported).containsPattern("export: 4 runs, \\d+ batches, .* a second in");
      assertThat(imported).containsPattern("import: 4 runs, \\d+ batches, .* a second in");
      requireSame(from, to);
    }
  }

  @Test
  void theServiceGoesOnWithWhatWasImported() throws Exception {
    Path from = temporary.resolve("from");
    Path to = temporary.resolve("to");
    Path target = temporary.resolve("moved.resure");
    String statistics;
    try (ServiceProcess service = ServiceProcess.start(from, Map.of())) {
      assertThat(service.send("PUT", "/v1/runs/moved", "{}").status()).isEqualTo(201);
      assertThat(post(service, 0)).isEqualTo(200);
      assertThat(post(service, 1)).isEqualTo(200);
      statistics = service.get("/v1/runs/moved/statistics").text();

      Ended running = run("export", target.toString(), state(from));

      assertThat(running.status).isEqualTo(1);
      assertThat(running.said).contains("in use by another process", "backup");
      service.terminate();
      service.exitStatus(DEADLINE);
    }
    assertThat(run("export", target.toString(), state(from)).status).isZero();
    assertThat(run("import", target.toString(), state(to)).status).isZero();
    try (ServiceProcess service = ServiceProcess.start(to, Map.of())) {
      assertThat(service.get("/v1/runs/moved/statistics").text()).isEqualTo(statistics);
      assertThat(post(service, 2)).isEqualTo(200);
    }
    Ended behind = run("import", target.toString(), state(to));
    assertThat(behind.status).as(behind.said).isZero();
    Ended absent = run("import", temporary.resolve("absent").toString(), state(to));
    assertThat(absent.status).isEqualTo(1);
    assertThat(absent.said).contains("is not there");
  }

  private static int post(ServiceProcess service, int step) {
    return service
        .send(
            "POST",
            "/v1/runs/moved/observations",
            "{\"step\": %d, \"dialogues\": [{\"id\": \"d\", \"losses\": [1.5, 2.5]}]}"
                .formatted(step))
        .status();
  }

  @Test
  void whatIsNotUnderstoodIsSaidAndNothingIsDone() throws Exception {
    Path absent = temporary.resolve("absent");
    Path target = temporary.resolve("target");

    Ended word = run("exprot", target.toString(), state(absent));
    Ended missing = run("export", state(absent));
    Ended property = run("export", target.toString(), "--resure.durabilty=os", state(absent));
    Ended option = run("export", "--fast", target.toString(), state(absent));
    Ended store = run("export", target.toString(), state(absent));

    assertThat(List.of(word, missing, property, option)).extracting(Ended::status).containsOnly(2);
    assertThat(word.said).contains("exprot", "export", "import", "Without a command");
    assertThat(missing.said).contains("TARGET");
    assertThat(property.said).contains("resure.durabilty is not a property of this service");
    assertThat(store.status).isEqualTo(1);
    assertThat(store.said).contains("there is no store in " + absent);
    assertThat(absent).doesNotExist();
    assertThat(target).doesNotExist();
  }
}
