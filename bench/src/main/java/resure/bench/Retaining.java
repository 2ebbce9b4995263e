package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One run that keeps the losses of few steps beside one that keeps all, in services of their own,
 * in turns: what is on disk as they grow, and the CPU and throughput of the one over the other.
 */
final class Retaining {

  private static final int CONNECTIONS = 8;
  private static final int RANKS = 2;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of("body", "S", "batches", "200000", "rounds", "10", "steps", "100", "keys", "true"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Retaining(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    Shape shape = Shape.valueOf(options.text("body"));
    int rounds = options.number("rounds");
    long batches = options.number("batches") / rounds;
    Path keepsSome = environment.freshState("retaining-some");
    Path keepsAll = environment.freshState("retaining-all");
    List<Double> throughput = new ArrayList<>();
    List<Double> cpu = new ArrayList<>();
    try (ServerProcess some = start(keepsSome, options.text("steps"));
        ServerProcess all = start(keepsAll, "all");
        LoadClient toSome = client(some);
        LoadClient toAll = client(all)) {
      BatchRequests forSome = new BatchRequests(shape, 1, RANKS, options.on("keys"));
      BatchRequests forAll = new BatchRequests(shape, 1, RANKS, options.on("keys"));
      out.printf("%n%-6s %12s %14s %12s %14s%n", "round", "some/s", "some bytes", "all/s", "bytes");
      for (int round = 1; round <= rounds; round++) {
        long cpuOfSome = some.cpuNanos();
        long cpuOfAll = all.cpuNanos();
        Load first = toSome.drive(forSome, batches);
        Load second = toAll.drive(forAll, batches);
        throughput.add(first.perSecond() / second.perSecond());
        cpu.add((double) (some.cpuNanos() - cpuOfSome) / (all.cpuNanos() - cpuOfAll));
        out.printf(
            "%-6d %12.0f %14d %12.0f %14d%n",
            round,
            first.perSecond(),
            Disk.occupied(keepsSome),
            second.perSecond(),
            Disk.occupied(keepsAll));
      }
      some.awaitRest();
      all.awaitRest();
      some.stop();
      all.stop();
    }
    print("throughput over that of keeping all", throughput);
    print("CPU over that of keeping all", cpu);
    out.printf(
        "after the end: %d bytes, %d bytes%n", Disk.occupied(keepsSome), Disk.occupied(keepsAll));
  }

  private void print(String what, List<Double> ratios) {
    double[] values = ratios.stream().mapToDouble(Double::doubleValue).toArray();
    out.printf("%s: median %.2f of %d rounds%n", what, Figures.median(values), values.length);
  }

  private static LoadClient client(ServerProcess service) throws IOException, InterruptedException {
    HttpComparison.createRuns(service, 1);
    return new LoadClient(service.port(), CONNECTIONS);
  }

  private ServerProcess start(Path state, String retention)
      throws IOException, InterruptedException {
    ServerProcess service =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("retaining-" + retention),
            state,
            "os",
            "--resure.retention.observations=" + retention);
    service.awaitReady();
    return service;
  }
}
