package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/**
 * Bytes on disk for each observation: kept, and written to get there, those of the read models
 * apart.
 */
final class DiskUse {

  private static final int RUNS = 100;

  /** The directory of the state that has them, and nothing else. */
  private static final String READ_MODELS = "rows";

  private static final int RANKS = 2;
  private static final int CONNECTIONS = 64;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(Map.of("bodies", "S,L", "observations", "20000000", "keys", "false"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  DiskUse(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    for (String body : options.list("bodies")) {
      measure(Shape.valueOf(body));
    }
  }

  private void measure(Shape shape) throws IOException, InterruptedException {
    Path state = environment.freshState("disk-" + shape);
    long batches = options.number("observations") / shape.losses();
    long observations = batches * shape.losses();
    long written;
    long models;
    try (ServerProcess service = start(state, shape);
        WrittenFiles rows = new WrittenFiles(state.resolve(READ_MODELS))) {
      HttpComparison.createRuns(service, RUNS);
      BatchRequests requests = new BatchRequests(shape, RUNS, RANKS, options.on("keys"));
      try (LoadClient client = new LoadClient(service.port(), CONNECTIONS)) {
        Load load = client.drive(requests, batches);
        out.printf("%n%s: %d batches, %.0f a second%n", shape, batches, load.perSecond());
      }
      service.awaitRest();
      written = service.stop();
      models = rows.bytes();
    }
    print("written by the process", written, observations);
    print("  to the journal, its log included", written - models, observations);
    print("  to read models", models, observations);
    kept("kept after its end", state, observations);
    try (ServerProcess service = start(state, shape)) {
      service.awaitRest();
      service.stop();
    }
    kept("kept after another start and end", state, observations);
  }

  private ServerProcess start(Path state, Shape shape) throws IOException, InterruptedException {
    ServerProcess service =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("disk-" + shape),
            state,
            "os");
    service.awaitReady();
    return service;
  }

  private void kept(String what, Path state, long observations) throws IOException {
    print(what + " (blocks)", Disk.occupied(state), observations);
    print(what + " (lengths)", Disk.length(state), observations);
  }

  private void print(String what, long bytes, long observations) {
    out.printf(
        "  %-45s %14d bytes, %7.2f an observation%n", what, bytes, (double) bytes / observations);
  }
}
