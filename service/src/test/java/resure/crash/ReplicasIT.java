package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import resure.contract.Answer;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.rocksdb.RocksDbJournal;

/** WIP. */
@Timeout(
    value = 60,
    unit = java.util.concurrent.TimeUnit.MINUTES,
    threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplicasIT {

  private static final long SEED = Long.getLong("resure.faults.seed", System.nanoTime());
  private static final Duration TIME =
      Duration.ofSeconds(Integer.getInteger("resure.faults.seconds", 30));
  private static final int CLIENTS = 12;
  private static final int RUNS = 50;
  private static final Duration FRESHNESS = Duration.ofSeconds(1);
  private static final Duration WITHIN = Duration.ofSeconds(60);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final Random random = new Random(SEED);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Replica> replicas = new ArrayList<>();
  private final Ledger ledger = new Ledger();

  @AfterEach
  void stop() {
    threads.shutdownNow();
    replicas.forEach(Replica::close);
    ledger.close();
  }

  @Test
  void embedded() throws Exception {
    System.out.println("resure.faults.seed " + SEED + ", " + TIME + ", in " + temporary);
    Path state = temporary.resolve("state");
    replicas.add(Replica.start(0, state, "resure.limits.loaded-runs=8"));
    List<TrainedRun> runs = new ArrayList<>();
    for (int i = 0; i < RUNS; i++) {
      runs.add(new TrainedRun("run-" + i, TrainedRun.Pace.values()[i % 3]));
    }
    AtomicBoolean over = new AtomicBoolean();
    List<Future<?>> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          threads.submit(
              new TrainingThread(ledger, replicas, runs, false, random.nextLong(), over::get)));
    }
    Faults faults = new Faults(List.of(victim(replicas.getFirst())), random.nextLong());
    faults.strike(TIME);
    over.set(true);
    for (Future<?> client : clients) {
      client.get();
    }
    ledger.outcomes().forEach((what, outcomes) -> System.out.println(what + " " + outcomes));
    System.out.println(faults.struck());
    List<String> breaches = new ArrayList<>(ledger.breaches());
    Map<String, List<Checker.Served>> served = new java.util.HashMap<>();
    for (TrainedRun run : runs) {
      for (Replica replica : replicas) {
        Answer statistics = replica.process().get("/v1/runs/" + run.name() + "/statistics");
        Answer export = replica.process().get("/v1/runs/" + run.name() + "/observations");
        served
            .computeIfAbsent(run.name(), n -> new ArrayList<>())
            .add(new Checker.Served(replica.number(), statistics, export));
      }
    }
    replicas.forEach(Replica::kill);
    Map<String, List<Call>> calls = ledger.byRun();
    Path copy = temporary.resolve("copy");
    FileSystemUtils.copyRecursively(state, copy);
    try (Journal journal = RocksDbJournal.open(copy, Durability.FSYNC)) {
      for (TrainedRun run : runs) {
        Recorded recorded = Recorded.read(journal, run.name());
        List<String> found =
            new Checker(calls.getOrDefault(run.name(), List.of()), recorded, FRESHNESS)
                .check(served.getOrDefault(run.name(), List.of()));
        found.forEach(breach -> breaches.add(run.name() + ": " + breach));
      }
    }
    assertThat(breaches).as("seed %d, data in %s", SEED, temporary).isEmpty();
  }

  private static Faults.Victim victim(Replica replica) {
    return new Faults.Victim(
        "replica " + replica.number(),
        List.of(
            new Faults.Fault("killed", replica::kill, replica::restart, 1000),
            new Faults.Fault(
                "paused", () -> replica.process().pause(), () -> replica.process().wake(), 4000)));
  }
}
