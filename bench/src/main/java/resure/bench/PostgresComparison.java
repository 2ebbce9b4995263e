package resure.bench;

import com.zaxxer.hikari.HikariConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.journal.postgres.PostgresJournal;
import resure.observation.RunId;

/**
 * The service with its journal in PostgreSQL: beside PostgreSQL's own limit for the same bytes in
 * transactions of the same size, beside the embedded store, three replicas beside one, and one run
 * posted to three replicas at random beside one. All run at the same time, one is loaded at a time.
 */
final class PostgresComparison {

  private static final int REPLICAS = 3;
  private static final int RUNS = 99;
  private static final int RANKS = 2;
  private static final int ROWS = 500;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "body", "S",
              "connections", "64",
              "plain", "1,4",
              "hot", "24",
              "rounds", "5",
              "seconds", "5",
              "unmeasured", "2",
              "warmup", "15"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  private double groupBatches = 1;

  PostgresComparison(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws Exception {
    out.println(Environment.machine());
    out.println(options);
    Shape shape = Shape.valueOf(options.text("body"));
    List<ServerProcess> replicas = new ArrayList<>();
    List<PlainInserts> plain = new ArrayList<>();
    List<StoreAppends> stores = new ArrayList<>();
    try (Postgres postgres = new Postgres(environment.directory().resolve("postgres"));
        ServerProcess embedded = service("rocksdb", List.of())) {
      postgres.create("resure");
      for (int i = 0; i < REPLICAS; i++) {
        // The first makes the tables.
        replicas.add(service("replica-" + (i + 1), postgres.properties("resure")));
      }
      HttpComparison.createRuns(replicas.getFirst(), 2 * RUNS + 2);
      HttpComparison.createRuns(embedded, RUNS);
      ServerProcess one = replicas.getFirst();
      BatchRequests ofOne = new BatchRequests(shape, 0, RUNS, RANKS, false);
      BatchRequests ofEmbedded = new BatchRequests(shape, 0, RUNS, RANKS, false);
      List<Requests> ofThree = new ArrayList<>();
      for (int i = 0; i < REPLICAS; i++) {
        int each = RUNS / REPLICAS;
        ofThree.add(new BatchRequests(shape, RUNS + i * each, each, RANKS, false));
      }
      int hot = options.number("hot");
      SharedRequests hotOne = new SharedRequests(new BatchRequests(shape, 2 * RUNS, 1, hot, false));
      SharedRequests hotThree =
          new SharedRequests(new BatchRequests(shape, 2 * RUNS + 1, 1, hot, false));
      Round.warmUp(one, ofOne, options.number("warmup"), "postgres", out);
      Round.warmUp(embedded, ofEmbedded, options.number("warmup"), "rocksdb", out);
      for (int i = 1; i < REPLICAS; i++) {
        Round.warmUp(replicas.get(i), ofThree.get(i), options.number("warmup"), "replica", out);
      }
      List<byte[]> rows = rows(postgres);
      List<JournalEntry.Batch> batches = batches(postgres);
      for (String connections : options.list("plain")) {
        postgres.create("plain_" + connections);
        plain.add(
            new PlainInserts(
                postgres, "plain_" + connections, Integer.parseInt(connections), rows));
        for (boolean keys : new boolean[] {false, true}) {
          String database = "store_" + connections + (keys ? "_keys" : "");
          postgres.create(database);
          stores.add(
              new StoreAppends(postgres, database, Integer.parseInt(connections), batches, keys));
        }
      }
      int connections = options.number("connections");
      Map<String, Callable<ReplicaLoad>> targets = new LinkedHashMap<>();
      targets.put(
          "postgres",
          () -> {
            ReplicaLoad load = load(postgres, List.of(one), List.of(ofOne), connections);
            groupBatches = load.groupBatches();
            return load;
          });
      for (int i = 0; i < plain.size(); i++) {
        PlainInserts inserts = plain.get(i);
        String writers = options.list("plain").get(i);
        targets.put("plain " + writers, () -> alone(postgres, inserts::drive));
        StoreAppends store = stores.get(2 * i);
        targets.put("store " + writers, () -> alone(postgres, store::drive));
        StoreAppends keyed = stores.get(2 * i + 1);
        targets.put("keyed " + writers, () -> alone(postgres, keyed::drive));
      }
      targets.put("three", () -> load(postgres, replicas, ofThree, connections));
      targets.put("rocksdb", () -> load(null, List.of(embedded), List.of(ofEmbedded), connections));
      targets.put("hot one", () -> load(postgres, List.of(one), List.of(hotOne), hot));
      targets.put(
          "hot three", () -> load(postgres, replicas, List.of(hotThree, hotThree, hotThree), hot));
      report(shape, rounds(targets));
    } finally {
      for (PlainInserts inserts : plain) {
        inserts.close();
      }
      stores.forEach(StoreAppends::close);
      replicas.forEach(ServerProcess::close);
    }
  }

  private ServerProcess service(String name, List<String> properties)
      throws IOException, InterruptedException {
    ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("postgres-" + name),
            environment.freshState("postgres-" + name),
            "fsync",
            properties.toArray(String[]::new));
    server.awaitReady();
    return server;
  }

  /** Entries as they are stored. */
  private static List<byte[]> rows(Postgres postgres) throws SQLException {
    List<byte[]> rows = new ArrayList<>();
    try (Connection connection = postgres.connect("resure");
        PreparedStatement entries =
            connection.prepareStatement(
                "SELECT bytes FROM entries WHERE sequence > 1 LIMIT " + ROWS);
        ResultSet result = entries.executeQuery()) {
      while (result.next()) {
        rows.add(result.getBytes(1));
      }
    }
    return rows;
  }

  /** The same entries as they are appended. */
  private static List<JournalEntry.Batch> batches(Postgres postgres) throws JournalException {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(postgres.url("resure"));
    config.setUsername("postgres");
    config.setPassword("postgres");
    List<JournalEntry.Batch> batches = new ArrayList<>();
    try (Journal journal = PostgresJournal.open(config, Durability.FSYNC)) {
      for (RunKey run : journal.list(RunId.DEFAULT_TENANT, null, RUNS)) {
        for (StoredEntry stored : journal.read(run, 2, 1)) {
          if (stored.entry() instanceof JournalEntry.Batch batch) {
            batches.add(batch);
          }
        }
      }
    }
    return batches;
  }

  private Map<String, List<ReplicaLoad>> rounds(Map<String, Callable<ReplicaLoad>> targets)
      throws Exception {
    Map<String, List<ReplicaLoad>> rounds = new LinkedHashMap<>();
    List<String> order = new ArrayList<>(targets.keySet());
    order.forEach(target -> rounds.put(target, new ArrayList<>()));
    // Those before the first warm up what only some targets use.
    for (int round = 1 - options.number("unmeasured"); round <= options.number("rounds"); round++) {
      for (String target : order) {
        Callable<ReplicaLoad> measure = targets.get(target);
        List<ReplicaLoad> measured = rounds.get(target);
        if (measure != null && measured != null) {
          ReplicaLoad load = measure.call();
          if (round > 0) {
            measured.add(load);
          }
          out.printf("round %2d %-10s %s%n", round, target, load);
        }
      }
      // Plain inserts stay behind the window whose group size they take.
      order.addLast(order.removeFirst());
    }
    return rounds;
  }

  private Duration time() {
    return Duration.ofSeconds(options.number("seconds"));
  }

  /** What inserts rows in groups of a size for a time, and gives the rows a second. */
  private interface Inserting {
    double drive(int rowsEach, Duration time) throws Exception;
  }

  /** Nothing of it is a service's: its CPU is the database's alone. */
  private ReplicaLoad alone(Postgres postgres, Inserting inserting) throws Exception {
    long before = postgres.cpuNanos();
    int rows = Math.max(1, (int) Math.round(groupBatches));
    double perSecond = inserting.drive(rows, time());
    double inserted = perSecond * time().toNanos() / 1e9;
    return new ReplicaLoad(
        (long) inserted, perSecond, 0, 0, rows, 0, (postgres.cpuNanos() - before) / 1e3 / inserted);
  }

  private ReplicaLoad load(
      @Nullable Postgres postgres,
      List<ServerProcess> servers,
      List<? extends Requests> requests,
      int connections)
      throws IOException, InterruptedException {
    return ReplicaLoad.measure(postgres, servers, requests, connections, time());
  }

  private void report(Shape shape, Map<String, List<ReplicaLoad>> rounds) {
    out.printf("%n%s, ratios within rounds, median (lowest to highest)%n", shape);
    for (String connections : options.list("plain")) {
      ratio(rounds, "store " + connections, "plain " + connections, false);
      ratio(rounds, "store " + connections, "plain " + connections, true);
      ratio(rounds, "keyed " + connections, "plain " + connections, false);
      ratio(rounds, "keyed " + connections, "plain " + connections, true);
      ratio(rounds, "postgres", "plain " + connections, false);
    }
    ratio(rounds, "postgres", "rocksdb", false);
    ratio(rounds, "postgres", "rocksdb", true);
    ratio(rounds, "three", "postgres", true);
    ratio(rounds, "three", "postgres", false);
    ratio(rounds, "hot three", "hot one", false);
    ratio(rounds, "hot three", "hot one", true);
  }

  private void ratio(
      Map<String, List<ReplicaLoad>> rounds, String over, String under, boolean cpu) {
    double[] a = figures(rounds, over, cpu);
    double[] b = figures(rounds, under, cpu);
    out.printf(
        "  %-24s %-10s %s%n",
        over + " / " + under,
        cpu ? "cpu/batch" : "batches/s",
        Figures.spread(Figures.ratios(a, b)));
  }

  private static double[] figures(
      Map<String, List<ReplicaLoad>> rounds, String target, boolean cpu) {
    return rounds.getOrDefault(target, List.of()).stream()
        .mapToDouble(load -> cpu ? load.micros() : load.perSecond())
        .toArray();
  }
}
