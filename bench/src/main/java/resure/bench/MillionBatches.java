package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How long a run of very many batches takes to open: after an orderly end, and after a kill, which
 * leaves a tail of the journal behind the newest snapshot.
 */
final class MillionBatches {

  private static final int RANKS = 64;

  /** Fewer than a snapshot's interval, so that all of them have to be read again. */
  private static final int TAIL = 900;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of("batches", "1000000", "minutes", "10", "opens", "3", "store", "rocksdb"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;
  private List<String> properties = List.of();

  MillionBatches(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException, SQLException {
    out.println(Environment.machine());
    out.println(options);
    if (options.text("store").equals("rocksdb")) {
      run(List.of());
      return;
    }
    try (Postgres postgres = new Postgres(environment.directory().resolve("postgres"))) {
      postgres.create("resure");
      run(postgres.properties("resure"));
    }
  }

  private void run(List<String> store) throws IOException, InterruptedException {
    properties = store;
    Path state = environment.freshState("million");
    BatchRequests requests = new BatchRequests(Shape.XS, 1, RANKS, false);
    try (ServerProcess service = service(state)) {
      service.awaitReady();
      HttpComparison.createRuns(service, 1);
      build(service, requests);
      long before = System.nanoTime();
      service.stop();
      out.printf("orderly end in %.2f s%n", (System.nanoTime() - before) / 1e9);
    }
    if (store.isEmpty()) {
      out.printf("%.1f MB on disk%n", Disk.occupied(state) / 1e6);
    }
    for (int open = 1; open <= options.number("opens"); open++) {
      try (ServerProcess service = open(state, "after an orderly end")) {
        service.stop();
      }
    }
    for (int open = 1; open <= options.number("opens"); open++) {
      try (ServerProcess service = service(state)) {
        service.awaitReady();
        try (LoadClient client = new LoadClient(service.port(), RANKS)) {
          client.drive(requests, TAIL);
        }
      }
      try (ServerProcess service = open(state, "after " + TAIL + " more batches and a kill")) {
        service.stop();
      }
    }
  }

  private void build(ServerProcess service, BatchRequests requests) throws IOException {
    long batches = options.number("batches");
    long chunk = Math.max(1, batches / 20);
    long start = System.nanoTime();
    long limit = Duration.ofMinutes(options.number("minutes")).toNanos();
    try (LoadClient client = new LoadClient(service.port(), RANKS)) {
      while (requests.sent() < batches && System.nanoTime() - start < limit) {
        Load load = client.drive(requests, Math.min(chunk, batches - requests.sent()));
        out.printf(
            "%9d batches, %.0f a second, p99 %.3f ms, max %.3f ms%n",
            requests.sent(), load.perSecond(), load.p99Millis(), load.maxMillis());
      }
    }
    if (requests.sent() < batches) {
      out.printf("stopped at the limit of time: %d batches%n", requests.sent());
    }
  }

  private ServerProcess open(Path state, String when) throws IOException, InterruptedException {
    ServerProcess service = service(state);
    double ready = service.awaitReady().toMillis() / 1e3;
    String path = "/v1/runs/" + BatchRequests.runName(0) + "/statistics";
    long before = System.nanoTime();
    String statistics = service.get(path);
    long first = System.nanoTime() - before;
    service.get(path);
    long second = System.nanoTime() - before - first;
    out.printf(
        "%-40s start to ready %.2f s, first statistics %.3f s, second %.3f s: %.120s%n",
        when, ready, first / 1e9, second / 1e9, statistics);
    return service;
  }

  private ServerProcess service(Path state) throws IOException {
    return ServerProcess.ofService(
        environment.serviceJar(),
        environment.jvm(),
        environment.log("million"),
        state,
        "os",
        properties.toArray(String[]::new));
  }
}
