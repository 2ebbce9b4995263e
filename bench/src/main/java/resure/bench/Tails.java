package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import resure.bench.floor.RecordsFloor;

/**
 * Latency in an open loop, which forgives no stall: requests are due at fixed times, and each
 * counts from when it was due. The service beside floor (b), in turns, at a share of what the floor
 * answers in a closed loop; collections, compaction, snapshots and read models of the service
 * included.
 */
final class Tails {

  private static final int RUNS = 100;
  private static final int RANKS = 2;

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "bodies", "S",
              "connections", "64",
              "durability", "os",
              "share", "0.5",
              "rounds", "3",
              "seconds", "30",
              "warmup", "15"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Tails(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    out.println();
    for (String body : options.list("bodies")) {
      measure(Shape.valueOf(body));
    }
  }

  private void measure(Shape shape) throws IOException, InterruptedException {
    int connections = options.number("connections");
    try (ServerProcess floor =
            ServerProcess.ofClass(
                RecordsFloor.class,
                environment.jvm(),
                environment.log("tails-records-" + shape),
                shape.name());
        ServerProcess service =
            ServerProcess.ofService(
                environment.serviceJar(),
                environment.jvm(),
                environment.log("tails-service-" + shape),
                environment.freshState("tails-" + shape),
                options.text("durability"))) {
      floor.awaitReady();
      service.awaitReady();
      HttpComparison.createRuns(service, RUNS);
      BatchRequests toFloor = new BatchRequests(shape, RUNS, RANKS, false);
      BatchRequests toService = new BatchRequests(shape, RUNS, RANKS, false);
      int atLeast = options.number("warmup");
      Round.warmUp(floor, toFloor, atLeast, "records " + shape, out);
      Round.warmUp(service, toService, atLeast, "service " + shape, out);
      Duration time = Duration.ofSeconds(options.number("seconds"));
      double most =
          Round.measure(floor, toFloor, connections, Duration.ofSeconds(atLeast))
              .load()
              .perSecond();
      double rate = most * Double.parseDouble(options.text("share"));
      out.printf("%s: the floor answers %.0f req/s; due are %.0f%n", shape, most, rate);
      List<Round> ofService = new ArrayList<>();
      List<Round> ofFloor = new ArrayList<>();
      for (int number = 1; number <= options.number("rounds"); number++) {
        boolean floorFirst = number % 2 == 1;
        for (boolean first : new boolean[] {true, false}) {
          boolean takesFloor = floorFirst == first;
          Round round =
              takesFloor
                  ? Round.measureAt(floor, toFloor, connections, rate, time)
                  : Round.measureAt(service, toService, connections, rate, time);
          (takesFloor ? ofFloor : ofService).add(round);
          out.printf(
              "round %2d %-2s %-8s %s%n", number, shape, takesFloor ? "records" : "service", round);
        }
      }
      out.printf(
          "%s service/records, from when due: p50 %s   p99 %s   max %s   cpu %s%n%n",
          shape,
          HttpComparison.ratio(ofService, ofFloor, round -> round.load().p50Millis()),
          HttpComparison.ratio(ofService, ofFloor, round -> round.load().p99Millis()),
          HttpComparison.ratio(ofService, ofFloor, round -> round.load().maxMillis()),
          HttpComparison.ratio(ofService, ofFloor, Round::cpuMicrosPerRequest));
    }
  }
}
