package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.api.StatisticsText;
import resure.contract.Answer;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.observation.RunId;
import resure.run.FreshFold;
import resure.run.RunPast;
import resure.run.RunStatistics;

/**
 * Three replicas of the packaged service on one database, all of which fail in every way again and
 * again while fifty runs are trained through them; then all that was answered is held to what the
 * journal says, and both to what one process would have done ({@link Checker}). {@code
 * -Dresure.faults.seconds=900} for a longer time, {@code -Dresure.faults.seed} for the same choices
 * again (the moments stay the machine's). All calls, all breaches and what the replicas said stay
 * in the directory that a failure names.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplicasIT {

  private static final long SEED = Long.getLong("resure.faults.seed", System.nanoTime());
  private static final Duration TIME =
      Duration.ofSeconds(Integer.getInteger("resure.faults.seconds", 35));
  private static final int COUNT = 3;
  private static final int CLIENTS = 12;
  private static final int RUNS = 50;
  private static final Duration FRESHNESS = Duration.ofSeconds(1);

  /** In what time all is well again when nothing is in the way any more. */
  private static final Duration RECOVERY = Duration.ofSeconds(30);

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int SHOWN = 20;
  private static final int SHOWN_LENGTH = 1000;
  private static final String PROBE = "probe";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private static Path temporary;

  private static final Random RANDOM = new Random(SEED);
  private static final List<Replica> REPLICAS = new ArrayList<>();
  private static SharedDatabase database;

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Ledger ledger = new Ledger();
  private final Queue<String> breaches = new ConcurrentLinkedQueue<>();
  private int batches;

  /** All at once: one of them makes the tables. */
  @BeforeAll
  static void start() throws Exception {
    System.out.println("resure.faults.seed " + SEED + ", " + TIME + ", in " + temporary);
    database = SharedDatabase.start(COUNT, RANDOM.nextLong());
    List<Future<Replica>> starting = new ArrayList<>();
    try (ExecutorService starters = Executors.newCachedThreadPool()) {
      for (int i = 0; i < COUNT; i++) {
        int number = i;
        starting.add(
            starters.submit(
                () ->
                    Replica.start(
                        number,
                        temporary.resolve("replica-" + number),
                        database.properties(number))));
      }
      for (Future<Replica> replica : starting) {
        REPLICAS.add(replica.get());
      }
    }
  }

  @AfterAll
  static void stop() {
    REPLICAS.forEach(Replica::close);
    database.close();
  }

  @AfterEach
  void end() {
    threads.shutdownNow();
    ledger.close();
  }

  @Test
  void whateverFailsTheOrderOfTheJournalExplainsEveryAnswer() throws Exception {
    List<TrainedRun> runs =
        IntStream.range(0, RUNS)
            .mapToObj(i -> new TrainedRun("run-" + i, TrainedRun.Pace.values()[i % 3]))
            .toList();
    AtomicBoolean over = new AtomicBoolean();
    List<Future<?>> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          threads.submit(new TrainingThread(ledger, REPLICAS, runs, RANDOM.nextLong(), over::get)));
    }
    Set<String> struck = ConcurrentHashMap.newKeySet();
    Faults faults = new Faults(faults(struck), struck, RANDOM.nextLong());
    faults.strike(TIME);
    comeBack();
    over.set(true);
    for (Future<?> client : clients) {
      client.get();
    }

    ledger.outcomes().forEach((what, outcomes) -> System.out.println("  " + what + " " + outcomes));
    System.out.println("  " + faults.counts());
    List<String> names = new ArrayList<>(runs.stream().map(TrainedRun::name).toList());
    names.add(PROBE);
    assertExplained(names);
    assertProjected(names);
    assertThat(ledger.count("503 store-unavailable"))
        .as("refused while the database was away")
        .isPositive();
  }

  /** What others did while it was paused, it does not know until it has looked. */
  @Test
  void aReplicaThatWakesAnswersFromWhatOthersHaveDoneMeanwhile() throws Exception {
    Replica sleeper = REPLICAS.get(0);
    Replica other = REPLICAS.get(1);
    for (String name : List.of("rewound", "remade", "gone")) {
      done(call(new Intent.Create(name, 1, "{\"warmUp\":2}"), sleeper));
    }
    done(call(new Intent.Rewind("rewound", 0, "job-1"), sleeper));
    for (int step = 0; step < 10; step++) {
      done(call(post("rewound", step, "job-1"), sleeper));
      done(call(post("remade", SentBatch.NO_STEP, null), sleeper));
    }
    done(call(post("gone", SentBatch.NO_STEP, null), sleeper));

    sleeper.process().pause();
    Intent.Post repeated = post("rewound", 4, "job-2");
    List<Future<Call>> asked = new ArrayList<>();
    try {
      done(call(new Intent.Rewind("rewound", 4, "job-2"), other));
      done(call(repeated, other));
      for (int step = 5; step < 9; step++) {
        done(call(post("rewound", step, "job-2"), other));
      }
      done(call(new Intent.Delete("remade", 2), other));
      done(call(new Intent.Create("remade", 3, "{\"warmUp\":3,\"fold\":\"raw\"}"), other));
      for (int i = 0; i < 5; i++) {
        done(call(post("remade", SentBatch.NO_STEP, null), other));
      }
      done(call(new Intent.Delete("gone", 2), other));
      for (Intent intent :
          List.of(
              repeated,
              post("rewound", 9, "job-1"),
              post("rewound", 9, "job-2"),
              new Intent.Rewind("rewound", 3, "job-1"),
              post("remade", SentBatch.NO_STEP, null),
              post("gone", SentBatch.NO_STEP, null),
              new Intent.Finish("gone", 3))) {
        asked.add(ledger.call(intent, 0, sleeper.port(), PATIENCE));
      }
      // Longer than what is read may be behind.
      LockSupport.parkNanos(FRESHNESS.multipliedBy(2).toNanos());
      for (String name : List.of("rewound", "remade", "gone")) {
        asked.add(ledger.call(new Intent.Read(name, true, 0), 0, sleeper.port(), PATIENCE));
      }
    } finally {
      sleeper.process().wake();
    }

    List<Call> answered = new ArrayList<>();
    for (Future<Call> call : asked) {
      answered.add(call.get());
    }
    assertThat(answered)
        .extracting(Call::outcome)
        .containsExactly(
            "200",
            "409 stale-attempt /attempt",
            "200",
            "409 stale-attempt /attempt",
            "200",
            "404 unknown-run",
            "404 unknown-run",
            "200",
            "200",
            "404 unknown-run");
    assertThat(Objects.requireNonNull(answered.getFirst().answer()).header("Idempotency-Replayed"))
        .isEqualTo("true");
    assertExplained(List.of("rewound", "remade", "gone"));
  }

  private Intent.Post post(String run, long step, @Nullable String attempt) {
    String id = run + "-" + ++batches;
    return new Intent.Post(run, new SentBatch(id, id, step, 0, 0, attempt, RANDOM));
  }

  private Call call(Intent intent, Replica replica) {
    return ledger.call(intent, replica.number(), replica.port(), PATIENCE).join();
  }

  private static void done(Call call) {
    assertThat(call.done()).as("%s", call).isTrue();
  }

  /** All that can happen to the replicas, to what is between, and to the database. */
  private List<Faults.Fault> faults(Set<String> struck) {
    List<Faults.Fault> faults = new ArrayList<>();
    for (Replica replica : REPLICAS) {
      String name = name(replica);
      Link link = database.link(replica.number());
      faults.add(new Faults.Fault(name, "killed", replica::kill, replica::restart, 1000));
      faults.add(
          new Faults.Fault(
              name,
              "paused",
              () -> replica.process().pause(),
              () -> replica.process().wake(),
              4000));
      faults.add(
          new Faults.Fault(name, "not told of its commits", link::loseAnswers, link::heal, 2000));
      faults.add(new Faults.Fault(name, "cut off", link::cut, link::heal, 2000));
      faults.add(new Faults.Fault(name, "held up", link::hold, link::heal, 4000));
    }
    faults.add(
        new Faults.Fault(
            "the database",
            "stopped",
            database::stop,
            () -> {
              readyWhileTheDatabaseIsAway(struck);
              database.restart();
            },
            4000));
    return faults;
  }

  private static String name(Replica replica) {
    return "replica " + replica.number();
  }

  /** Another replica would suffer from it, too: nothing is gained by sending clients elsewhere. */
  private void readyWhileTheDatabaseIsAway(Set<String> struck) {
    for (Replica replica : REPLICAS) {
      ServiceProcess process = replica.process();
      boolean well = !struck.contains(name(replica));
      int readiness = well ? process.readiness() : 200;
      if (readiness != 200 && !struck.contains(name(replica))) {
        breaches.add(name(replica) + " is not ready, " + readiness + ", without the database");
      }
    }
  }

  /** Each replica takes batches again, by itself and soon. */
  private void comeBack() {
    long start = System.nanoTime();
    for (Replica replica : REPLICAS) {
      Call call;
      do {
        call = call(new Intent.Create(PROBE, 1, "{}"), replica);
        if (call.done()) {
          call = call(post(PROBE, SentBatch.NO_STEP, null), replica);
        }
      } while (!call.done() && System.nanoTime() - start < RECOVERY.toNanos());
      if (!call.done()) {
        breaches.add(name(replica) + " has not come back: " + call + replica.process().said());
      }
    }
    System.out.printf("  all well after %.2f s%n", (System.nanoTime() - start) / 1e9);
  }

  /** Holds all that was answered to the journal, and the journal to a single process. */
  private void assertExplained(List<String> names) throws JournalException, IOException {
    // A deletion is seen by all after this.
    LockSupport.parkNanos(FRESHNESS.plusMillis(100).toNanos());
    breaches.addAll(ledger.breaches());
    Map<String, List<Call>> calls = ledger.byRun();
    Set<String> there = new TreeSet<>();
    try (Journal journal = database.journal()) {
      for (String name : names) {
        Recorded recorded = Recorded.read(journal, name);
        if (recorded != null) {
          there.add(name);
        }
        List<Checker.Served> served = new ArrayList<>();
        for (Replica replica : REPLICAS) {
          served.add(served(replica, name, recorded));
        }
        new Checker(calls.getOrDefault(name, List.of()), recorded, FRESHNESS)
            .check(served).stream().map(breach -> name + ": " + breach).forEach(breaches::add);
        if (recorded != null) {
          String fold = fold(journal, recorded);
          for (Checker.Served one : served) {
            if (one.statistics().status() == 200 && !one.statistics().text().equals(fold)) {
              breaches.add(name + ": a fresh fold gives " + fold + ", served is " + one);
            }
          }
        }
      }
    }
    for (Replica replica : REPLICAS) {
      Set<String> listed = new TreeSet<>();
      replica
          .process()
          .get("/v1/runs?limit=1000")
          .json()
          .get("runs")
          .forEach(run -> listed.add(run.get("run").asString()));
      listed.retainAll(names);
      if (!listed.equals(there)) {
        breaches.add(name(replica) + " lists " + listed + ", but there are " + there);
      }
    }
    if (!breaches.isEmpty()) {
      Files.write(temporary.resolve("breaches.txt"), breaches);
      for (String name : names) {
        Files.write(
            temporary.resolve("calls-" + name + ".txt"),
            calls.getOrDefault(name, List.of()).stream().map(Call::toString).toList());
      }
    }
    assertThat(breaches.stream().limit(SHOWN).map(ReplicasIT::shortened).toList())
        .as("%d breaches, seed %d, data in %s", breaches.size(), SEED, temporary)
        .isEmpty();
  }

  /**
   * Rows that all replicas wrote, whoever came first, amid all that failed, say what those say that
   * one process makes of the journal alone.
   */
  private static void assertProjected(List<String> names) throws Exception {
    Map<String, String> projected = new TreeMap<>();
    try (Journal journal = database.journal()) {
      for (String name : names) {
        RunKey run = journal.lookup(new RunId(RunId.DEFAULT_TENANT, name));
        if (run == null) {
          continue;
        }
        for (Replica replica : REPLICAS) {
          String rows = projected(replica, name);
          assertThat(rows)
              .as("%s of %s, seed %d", name, name(replica), SEED)
              .isEqualTo(projected.computeIfAbsent(name, first -> rows));
        }
        assertThat(journal.rows().clear(run, journal.rows().mark(run), RunPast.NOTHING)).isTrue();
      }
    }
    Replica replica = REPLICAS.getFirst();
    replica.kill();
    replica.restart();
    assertThat(projected).isNotEmpty();
    projected.forEach(
        (name, rows) ->
            assertThat(projected(replica, name)).as("%s, seed %d", name, SEED).isEqualTo(rows));
  }

  private static String projected(Replica replica, String name) {
    String path = "/v1/runs/" + name;
    return whole(replica, path + "/history?points=2000")
        + whole(replica, path + "/dialogues?limit=200");
  }

  /** An answer of rows that are written up to the newest entry; each waits for them for a while. */
  private static String whole(Replica replica, String path) {
    long start = System.nanoTime();
    Answer answer;
    do {
      answer = replica.process().get(path);
      if (answer.status() == 200 && answer.json().get("progress").asDouble() == 1) {
        return answer.text();
      }
    } while (System.nanoTime() - start < RECOVERY.toNanos());
    return path + " is not whole: " + answer.text();
  }

  private static String shortened(String breach) {
    return breach.substring(0, Math.min(SHOWN_LENGTH, breach.length()));
  }

  private static Checker.Served served(Replica replica, String name, @Nullable Recorded recorded) {
    String path = "/v1/runs/" + name;
    String query = recorded == null ? "" : "?atLeastSequence=" + recorded.entries().size();
    return new Checker.Served(
        replica.number(),
        replica.process().get(path + "/statistics" + query),
        replica.process().get(path + "/observations" + query));
  }

  private static String fold(Journal journal, Recorded recorded) throws JournalException {
    RunStatistics statistics = FreshFold.statistics(journal, recorded.key().id());
    return statistics == null ? "nothing" : StatisticsText.of(statistics);
  }
}
