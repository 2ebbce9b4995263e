package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What durability against power loss costs: the service with {@code fsync} beside the service with
 * {@code os}, many connections for throughput, one for latency, and that beside a bare synced write
 * of 4 kB to the same disk.
 */
final class FsyncComparison {

  private static final int RUNS = 100;
  private static final int RANKS = 2;
  private static final int MANY = 64;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of("bodies", "S", "rounds", "5", "seconds", "5", "warmup", "15", "keys", "false"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  FsyncComparison(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    for (String body : options.list("bodies")) {
      compare(Shape.valueOf(body));
    }
  }

  private void compare(Shape shape) throws IOException, InterruptedException {
    try (Side os = start("os", shape);
        Side fsync = start("fsync", shape)) {
      List<Double> bareMillis = new ArrayList<>();
      List<Side> order = new ArrayList<>(List.of(os, fsync));
      for (int number = 1; number <= options.number("rounds"); number++) {
        for (Side side : order) {
          measure(number, side, MANY, side.many());
        }
        long[] bare = Disk.syncedWrites(environment.directory(), time());
        bareMillis.add(Figures.percentile(bare, 0.5) / 1e6);
        out.printf(
            "round %2d bare write of 4 kB and fdatasync: p50 %.3f  p99 %.3f  max %.3f ms%n",
            number,
            Figures.percentile(bare, 0.5) / 1e6,
            Figures.percentile(bare, 0.99) / 1e6,
            Figures.percentile(bare, 1) / 1e6);
        for (Side side : order) {
          measure(number, side, 1, side.alone());
        }
        order.addLast(order.removeFirst());
      }
      report(shape, fsync.many(), os.many());
      double[] bare = bareMillis.stream().mapToDouble(Double::doubleValue).toArray();
      double[] osMillis = p50(os.alone());
      double[] fsyncMillis = p50(fsync.alone());
      out.printf("one connection alone, p50 in ms, median (lowest to highest) of the rounds%n");
      out.printf("  os               %s%n", Figures.spread(osMillis));
      out.printf("  fsync            %s%n", Figures.spread(fsyncMillis));
      out.printf("  bare fdatasync   %s%n", Figures.spread(bare));
      double[] added = new double[bare.length];
      for (int i = 0; i < added.length; i++) {
        added[i] = fsyncMillis[i] - osMillis[i];
      }
      out.printf(
          "  (fsync - os) / bare fdatasync, within rounds: %s%n%n",
          Figures.spread(Figures.ratios(added, bare)));
    }
  }

  private void report(Shape shape, List<Round> fsync, List<Round> os) {
    out.printf("%n%s at %d connections, median (lowest to highest) of the rounds%n", shape, MANY);
    out.printf(
        "  fsync/os  req/s %s   cpu %s   p99 %s%n",
        HttpComparison.ratio(fsync, os, round -> round.load().perSecond()),
        HttpComparison.ratio(fsync, os, Round::cpuMicrosPerRequest),
        HttpComparison.ratio(fsync, os, round -> round.load().p99Millis()));
  }

  private static double[] p50(List<Round> rounds) {
    return rounds.stream().mapToDouble(round -> round.load().p50Millis()).toArray();
  }

  private Duration time() {
    return Duration.ofSeconds(options.number("seconds"));
  }

  private void measure(int number, Side side, int connections, List<Round> rounds)
      throws IOException, InterruptedException {
    Round round = Round.measure(side.server(), side.requests(), connections, time());
    rounds.add(round);
    out.printf("round %2d %3d %-5s %s%n", number, connections, side.durability(), round);
  }

  private Side start(String durability, Shape shape) throws IOException, InterruptedException {
    ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("fsync-" + durability),
            environment.freshState("fsync-" + durability),
            durability);
    server.awaitReady();
    HttpComparison.createRuns(server, RUNS);
    Side side =
        new Side(
            durability,
            server,
            new BatchRequests(shape, RUNS, RANKS, options.on("keys")),
            new ArrayList<>(),
            new ArrayList<>());
    Round.warmUp(server, side.requests(), options.number("warmup"), durability, out);
    return side;
  }

  /** One durability with its rounds of many connections and of one. */
  private record Side(
      String durability,
      ServerProcess server,
      BatchRequests requests,
      List<Round> many,
      List<Round> alone)
      implements AutoCloseable {
    @Override
    public void close() {
      server.close();
    }
  }
}
