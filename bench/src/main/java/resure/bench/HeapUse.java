package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/**
 * Live heap for each loaded run of 8 turns, and for runs that are only on disk. Live objects are
 * counted after a full collection, so garbage and the size of the heap play no part.
 */
final class HeapUse {

  private static final int RANKS = 2;
  private static final int STEPS = 4;
  private static final int CONNECTIONS = 64;

  /** Loaded before the first count, so that pools and caches are not counted as the runs'. */
  private static final int FIRST = 100;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(Map.of("loaded", "2000", "idle", "100000"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  HeapUse(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    Path state = environment.freshState("heap");
    int loaded = FIRST + options.number("loaded");
    int idle = options.number("idle");
    long empty = countAfterStart(state, "no run on disk");
    try (ServerProcess service = service(state)) {
      service.awaitReady();
      try (LoadClient client = new LoadClient(service.port(), CONNECTIONS)) {
        CreateRequests create = new CreateRequests();
        BatchRequests batches = new BatchRequests(Shape.S, loaded, RANKS, false);
        client.drive(create, FIRST);
        client.drive(batches, (long) FIRST * RANKS);
        long before = count(service, FIRST + " runs loaded");
        client.drive(create, loaded - FIRST);
        client.drive(batches, (long) loaded * RANKS * STEPS);
        long after = count(service, loaded + " runs loaded");
        out.printf(
            "  %.1f KiB a loaded run of %d turns%n",
            (after - before) / 1024.0 / (loaded - FIRST), Shape.S.turns());
        BatchRequests one = new BatchRequests(Shape.XS, idle, 1, false);
        for (int done = loaded; done < idle; ) {
          int chunk = Math.min(20_000, idle - done);
          Load load = client.drive(create, chunk);
          done += chunk;
          out.printf("  %d runs created, %.0f a second%n", done, load.perSecond());
        }
        client.drive(one, idle);
        out.printf("  a batch in each of %d runs%n", idle);
      }
      service.stop();
    }
    long full = countAfterStart(state, idle + " runs on disk, none loaded");
    out.printf("  %.1f bytes an idle run%n", (full - empty) / (double) idle);
  }

  private long countAfterStart(Path state, String when) throws IOException, InterruptedException {
    try (ServerProcess service = service(state)) {
      double ready = service.awaitReady().toMillis() / 1e3;
      service.awaitRest();
      long live = count(service, when);
      out.printf("  start to ready %.2f s%n", ready);
      service.stop();
      return live;
    }
  }

  private long count(ServerProcess service, String when) throws IOException {
    long live = service.liveHeapBytes();
    out.printf(
        "%-40s %8.1f MB of live heap, %8.1f MB resident%n",
        when, live / 1e6, service.residentBytes() / 1e6);
    return live;
  }

  private ServerProcess service(Path state) throws IOException {
    return ServerProcess.ofService(
        environment.serviceJar(), environment.jvm(), environment.log("heap"), state, "os");
  }
}
