package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.util.FileSystemUtils;
import resure.api.StatisticsText;
import resure.compute.djl.Djl;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.postgres.EmbeddedServer;
import resure.journal.postgres.PostgresJournal;
import resure.journal.rocksdb.FailingDisk;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.RunId;
import resure.run.FreshFold;
import resure.run.RunStatistics;

/**
 * Kills the packaged service again and again while four runs are trained, and holds it to what it
 * had answered. {@code -Dresure.crash.kills=50} for more kills, {@code -Dresure.crash.cuts=200} for
 * more power cuts, {@code -Dresure.crash.seed} for the same choices again (the moments stay the
 * machine's).
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CrashIT {

  private static final int KILLS = Integer.getInteger("resure.crash.kills", 6);
  private static final int CUTS = Integer.getInteger("resure.crash.cuts", 2);
  private static final long SEED = Long.getLong("resure.crash.seed", System.nanoTime());
  private static final Duration WITHIN = Duration.ofSeconds(120);

  /** Where the state is. */
  private enum Store {
    EMBEDDED,
    POSTGRES
  }

  /** Where the process dies. */
  private enum Point {
    ANY_MOMENT,
    BEFORE_APPEND,
    AFTER_APPEND,
    WITHIN_SNAPSHOT,
    WITHIN_APPEND,
    WHILE_STARTING,
    /** With what was not synced. */
    POWER_CUT,
    POWER_CUT_WHILE_STARTING;

    static final Point[] NAMED = {
      BEFORE_APPEND, AFTER_APPEND, WITHIN_SNAPSHOT, WITHIN_APPEND, WHILE_STARTING
    };
  }

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final Random random = new Random(SEED);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Trainer> trainers =
      List.of(
          new Trainer("plain", "{}", true, random.nextLong()),
          new Trainer(
              "forgetful",
              "{\"halfLife\":200,\"warmUp\":4,\"normalization\":\"runMean\"}",
              true,
              random.nextLong()),
          new Trainer(
              "lagging",
              "{\"lag\":1,\"warmUp\":4,\"fold\":\"raw\",\"propagation\":{\"strength\":0.5}}",
              true,
              random.nextLong()),
          new Trainer("stepless", "{\"warmUp\":4}", false, random.nextLong()));

  private Path state;
  private Path trigger;
  private Map<String, String> environment = Map.of();

  /** Null for the embedded store. */
  private EmbeddedServer.@Nullable Database database;

  private ServiceProcess service;

  /** Of one start after the other. */
  private List<String> backends = List.of("jvm");

  private int starts;

  @AfterEach
  void stop() {
    threads.shutdownNow();
    if (service != null) {
      service.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatWasAnsweredSurvivesKillsAtRandomMoments(Store store) throws Exception {
    if (store == Store.POSTGRES) {
      database = EmbeddedServer.shared("18").newDatabase();
    }
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < Math.max(1, KILLS / 3); i++) {
      points.add(Point.ANY_MOMENT);
    }
    survive(points);
  }

  @Test
  void whatWasAnsweredSurvivesKillsAtNamedPoints() throws Exception {
    FailingDisk disk = FailingDisk.compile(temporary);
    state = Files.createDirectory(temporary.resolve("state"));
    trigger = temporary.resolve("trigger");
    environment = disk.environment(state, trigger);
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < Math.max(Point.NAMED.length, KILLS - KILLS / 3); i++) {
      points.add(Point.NAMED[i % Point.NAMED.length]);
    }
    survive(points);
  }

  /** What was not synced is lost besides, or a part of it: see {@code power_cut.c}. */
  @Test
  void whatWasAnsweredSurvivesPowerCuts() throws Exception {
    Path library = FailingDisk.compile("power_cut", temporary);
    state = Files.createDirectory(temporary.resolve("state"));
    Files.createDirectory(temporary.resolve("state.graves"));
    trigger = temporary.resolve("trigger");
    environment =
        Map.of(
            "LD_PRELOAD", library.toString(),
            "POWER_CUT_DIRECTORY", state.toRealPath().toString(),
            "POWER_CUT_TRIGGER", trigger.toString());
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < CUTS; i++) {
      points.add(i % 4 == 2 ? Point.POWER_CUT_WHILE_STARTING : Point.POWER_CUT);
    }
    // Nor does a power cut in the very first start leave what cannot be started from.
    startAndDie(Point.POWER_CUT_WHILE_STARTING);
    survive(points);
  }

  /** State, statistics and answered weights do not depend on what computed them. */
  @Test
  void whatWasAnsweredSurvivesKillsThatChangeTheBackendEachTime() throws Exception {
    backends = List.of("djl", "jvm");
    environment = Map.of("PYTORCH_LIBRARY_PATH", Djl.libtorch().toString());
    survive(Collections.nCopies(Math.max(3, KILLS / 3), Point.ANY_MOMENT));
  }

  private void survive(List<Point> points) throws Exception {
    System.out.println("resure.crash.seed " + SEED + ", kills " + points + ", in " + temporary);
    state = temporary.resolve("state");
    service = start();
    for (Point point : points) {
      try {
        die(point);
        Map<String, String> folds = fold();
        service = restart(point);
        for (Trainer trainer : trainers) {
          trainer.settle(service, folds.get(trainer.name()));
        }
      } catch (AssertionError e) {
        throw new AssertionError(
            "seed " + SEED + ", at " + point + ", data in " + temporary + ": " + e.getMessage(), e);
      }
    }
    Map<String, String> live = new HashMap<>();
    for (Trainer trainer : trainers) {
      if (service.get("/v1/runs/" + trainer.name()).status() == 200) {
        live.put(trainer.name(), service.get("/v1/runs/" + trainer.name() + "/statistics").text());
      }
    }
    service.terminate();
    service.exitStatus(WITHIN);
    assertThat(fold()).isEqualTo(live);
    System.out.printf(
        "%d kills survived: %d answers, %d batches unanswered but recorded%n",
        points.size(), answers(), trainers.stream().mapToInt(Trainer::recoveredUnanswered).sum());
  }

  /** Few runs in memory, so that they are saved and read again all the time. */
  private ServiceProcess launch() throws IOException {
    String backend = backends.get(starts++ % backends.size());
    List<String> properties =
        new ArrayList<>(
            List.of(
                "resure.limits.loaded-runs=2",
                "resure.compute.backend=" + backend,
                "resure.compute.device=cpu"));
    if (database != null) {
      properties.addAll(SharedDatabase.properties(database));
    }
    return ServiceProcess.launch(state, environment, properties.toArray(String[]::new));
  }

  private ServiceProcess start() throws IOException {
    service = launch();
    if (!service.becameReady()) {
      throw new AssertionError("the service ended at its start\n" + service.said());
    }
    return service;
  }

  private ServiceProcess restart(Point point) throws IOException {
    startAndDie(point);
    return start();
  }

  /** Starts and dies of it, where that is what the point says. */
  private void startAndDie(Point point) throws IOException {
    switch (point) {
      case WHILE_STARTING ->
          arm(
              oneOf("kill-before-write", "kill-within-write", "kill-after-sync"),
              1 + random.nextInt(6),
              ".");
      case POWER_CUT_WHILE_STARTING -> armPowerCut(1 + random.nextInt(120));
      default -> {
        return;
      }
    }
    ServiceProcess cut = launch();
    boolean ready = cut.becameReady();
    Files.delete(trigger);
    System.out.println("  " + (ready ? "the start was over before" : "died while starting"));
    cut.close();
  }

  /** Trains until the process has died. */
  private void die(Point point) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Future<?>> training = new ArrayList<>();
    for (Trainer trainer : trainers) {
      training.add(threads.submit(() -> trainer.train(service, stop::get)));
    }
    int enough = answers() + 50 + random.nextInt(600);
    service.await(
        "answers", WITHIN, () -> answers() >= enough || training.stream().anyMatch(Future::isDone));
    switch (point) {
      case ANY_MOMENT, WHILE_STARTING -> {
        LockSupport.parkNanos(random.nextInt(20_000_000));
        service.kill();
      }
      case POWER_CUT, POWER_CUT_WHILE_STARTING -> armPowerCut(1 + random.nextInt(400));
      case BEFORE_APPEND -> arm("kill-before-write", 1 + random.nextInt(20), ".log");
      case WITHIN_APPEND -> arm("kill-within-write", 1 + random.nextInt(20), ".log");
      case AFTER_APPEND ->
          arm(oneOf("kill-after-write", "kill-after-sync"), 1 + random.nextInt(20), ".log");
      case WITHIN_SNAPSHOT -> {
        stop.set(true);
        join(training);
        trainers.getFirst().prepareRewind(service);
        // The first write is the rewind's, the second the snapshot that follows it.
        arm(oneOf("kill-before-write", "kill-within-write", "kill-after-write"), 2, ".log");
        trainers.getFirst().rewindByOneStep(service);
      }
    }
    join(training);
    service.exitStatus(WITHIN);
    service.close();
    if (trigger != null) {
      Files.deleteIfExists(trigger);
    }
    System.out.println("  died at " + point + " after " + answers() + " answers");
  }

  private String oneOf(String... choices) {
    return choices[random.nextInt(choices.length)];
  }

  private void arm(String point, int passes, String files) throws IOException {
    arm(point + " " + passes + " " + files);
  }

  private void armPowerCut(int calls) throws IOException {
    arm(calls + " " + random.nextInt(Integer.MAX_VALUE));
  }

  private void arm(String what) throws IOException {
    Path draft = trigger.resolveSibling("trigger.new");
    Files.writeString(draft, what);
    Files.move(draft, trigger);
  }

  private static void join(List<Future<?>> training)
      throws InterruptedException, ExecutionException {
    for (Future<?> one : training) {
      one.get();
    }
  }

  private int answers() {
    return trainers.stream().mapToInt(Trainer::answers).sum();
  }

  /** Statistics of all runs by the journal alone, its snapshots ignored. */
  private Map<String, String> fold() throws Exception {
    if (database != null) {
      EmbeddedServer.Database used = database;
      // What the process had sent is still done when it has died.
      service.await("the end of its sessions", WITHIN, () -> sessions(used) == 0);
      try (Journal journal = PostgresJournal.open(used.config(), Durability.FSYNC)) {
        return fold(journal);
      }
    }
    Path copy = temporary.resolve("copy");
    FileSystemUtils.copyRecursively(state, copy);
    try (Journal journal = RocksDbJournal.open(copy, Durability.FSYNC)) {
      return fold(journal);
    } finally {
      FileSystemUtils.deleteRecursively(copy);
    }
  }

  private static long sessions(EmbeddedServer.Database database) {
    try {
      return database.number(
          """
          SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'
          """);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private Map<String, String> fold(Journal journal) throws JournalException {
    Map<String, String> folds = new HashMap<>();
    for (Trainer trainer : trainers) {
      RunStatistics statistics =
          FreshFold.statistics(journal, new RunId(RunId.DEFAULT_TENANT, trainer.name()));
      if (statistics != null) {
        folds.put(trainer.name(), StatisticsText.of(statistics));
      }
    }
    return folds;
  }
}
