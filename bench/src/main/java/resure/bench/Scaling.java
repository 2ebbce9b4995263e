package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How the cost of a batch grows with replicas and with active runs, on one PostgreSQL: a row for
 * each number of runs and replicas, medians of the rounds. Each number of runs has runs of its own,
 * divided among the replicas as a router would.
 */
final class Scaling {

  private static final int RANKS = 2;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "body", "S",
              "connections", "64",
              "replicas", "1,2,3",
              "runs", "1,100,10000",
              "rounds", "3",
              "seconds", "5",
              "warmup", "15"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Scaling(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException, SQLException {
    out.println(Environment.machine());
    out.println(options);
    List<String> counts = options.list("replicas");
    int most = counts.stream().mapToInt(Integer::parseInt).max().orElse(1);
    int runs = options.list("runs").stream().mapToInt(Integer::parseInt).sum() * counts.size();
    List<ServerProcess> replicas = new ArrayList<>();
    try (Postgres postgres = new Postgres(environment.directory().resolve("postgres"))) {
      postgres.create("resure");
      for (int i = 0; i < most; i++) {
        replicas.add(service(postgres, i));
      }
      HttpComparison.createRuns(replicas.getFirst(), runs + most);
      warmUp(replicas, runs);
      out.println("| runs | replicas | batches/s | a group | CPU us/batch: replicas | database |");
      out.println("| --- | --- | --- | --- | --- | --- |");
      int firstRun = 0;
      for (String each : options.list("runs")) {
        for (String count : counts) {
          measure(postgres, replicas.subList(0, Integer.parseInt(count)), firstRun, each);
          firstRun += Integer.parseInt(each);
        }
      }
      occupied(postgres);
      for (ServerProcess replica : replicas) {
        out.printf(
            "a replica that has loaded its share of %d runs: %.1f MB live heap%n",
            runs, replica.liveHeapBytes() / 1e6);
      }
    } finally {
      replicas.forEach(ServerProcess::close);
    }
  }

  private void warmUp(List<ServerProcess> replicas, int firstRun)
      throws IOException, InterruptedException {
    Shape shape = Shape.valueOf(options.text("body"));
    for (int i = 0; i < replicas.size(); i++) {
      BatchRequests requests = new BatchRequests(shape, firstRun + i, 1, RANKS, false);
      Round.warmUp(replicas.get(i), requests, options.number("warmup"), "replica", out);
    }
  }

  private void measure(Postgres postgres, List<ServerProcess> replicas, int firstRun, String runs)
      throws IOException, InterruptedException {
    Shape shape = Shape.valueOf(options.text("body"));
    int all = Integer.parseInt(runs);
    List<Requests> requests = new ArrayList<>();
    List<ServerProcess> used = new ArrayList<>();
    for (int i = 0, first = 0; i < replicas.size() && first < all; i++) {
      int share = (all - first + replicas.size() - i - 1) / (replicas.size() - i);
      requests.add(new BatchRequests(shape, firstRun + first, share, RANKS, false));
      used.add(replicas.get(i));
      first += share;
    }
    List<ReplicaLoad> rounds = new ArrayList<>();
    Duration time = Duration.ofSeconds(options.number("seconds"));
    for (int round = 0; round < options.number("rounds"); round++) {
      rounds.add(
          ReplicaLoad.measure(postgres, used, requests, options.number("connections"), time));
    }
    out.printf(
        "| %s | %d | %.0f | %.1f | %.0f | %.0f |%n",
        runs,
        replicas.size(),
        median(rounds, ReplicaLoad::perSecond),
        median(rounds, ReplicaLoad::groupBatches),
        median(rounds, ReplicaLoad::serviceMicros),
        median(rounds, ReplicaLoad::databaseMicros));
  }

  private static double median(
      List<ReplicaLoad> rounds, java.util.function.ToDoubleFunction<ReplicaLoad> figure) {
    return Figures.median(rounds.stream().mapToDouble(figure).toArray());
  }

  private void occupied(Postgres postgres) throws SQLException {
    double batches = postgres.value("resure", "SELECT count(*) FROM entries WHERE sequence > 1");
    int losses = Shape.valueOf(options.text("body")).losses();
    for (String table : List.of("entries", "heads", "snapshots")) {
      long bytes = postgres.value("resure", "SELECT pg_total_relation_size('" + table + "')");
      out.printf(
          "%-10s %10.1f MB, %6.2f bytes an observation%n",
          table, bytes / 1e6, bytes / batches / losses);
    }
    out.printf(
        "%d connections to the database%n",
        postgres.value("resure", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'resure'"));
  }

  private ServerProcess service(Postgres postgres, int number)
      throws IOException, InterruptedException {
    ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("scaling-" + number),
            environment.freshState("scaling-" + number),
            "fsync",
            postgres.properties("resure").toArray(String[]::new));
    server.awaitReady();
    return server;
  }
}
