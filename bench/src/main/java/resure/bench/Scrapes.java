package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How long a scrape of many active runs takes, and what trainers notice of it: requests that are
 * due at fixed times, with scrapes at fixed times beside them and without, in turns.
 */
final class Scrapes {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "body", "S",
              "runs", "200",
              "rate", "1000",
              "connections", "16",
              "every", "500",
              "rounds", "5",
              "seconds", "10",
              "warmup", "15"));

  private static final int RANKS = 2;

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Scrapes(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    int runs = options.number("runs");
    try (ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("scrapes"),
            environment.freshState("scrapes"),
            "os",
            "--resure.metrics.max-runs=" + runs)) {
      server.awaitReady();
      HttpComparison.createRuns(server, runs);
      BatchRequests requests =
          new BatchRequests(Shape.valueOf(options.text("body")), runs, RANKS, false);
      Round.warmUp(server, requests, options.number("warmup"), "service", out);
      List<Round> alone = new ArrayList<>();
      List<Round> beside = new ArrayList<>();
      List<Long> scrapes = new ArrayList<>();
      for (int round = 0; round < options.number("rounds"); round++) {
        alone.add(drive(server, requests));
        try (Scraper scraper = new Scraper(server)) {
          beside.add(drive(server, requests));
          scrapes.addAll(scraper.end());
        }
        out.printf("round %2d alone   %s%n", round + 1, alone.getLast());
        out.printf("round %2d beside  %s%n", round + 1, beside.getLast());
      }
      report(server, scrapes, alone, beside);
    }
  }

  private Round drive(ServerProcess server, Requests requests)
      throws IOException, InterruptedException {
    return Round.measureAt(
        server,
        requests,
        options.number("connections"),
        options.number("rate"),
        Duration.ofSeconds(options.number("seconds")));
  }

  private void report(
      ServerProcess server, List<Long> scrapes, List<Round> alone, List<Round> beside)
      throws IOException, InterruptedException {
    String text = server.metrics();
    long[] nanos = scrapes.stream().mapToLong(Long::longValue).sorted().toArray();
    out.printf(
        "%n%d scrapes of %d runs: %,d series, %,d bytes; p50 %.1f  p99 %.1f  max %.1f ms%n",
        nanos.length,
        options.number("runs"),
        text.lines().filter(line -> !line.startsWith("#")).count(),
        text.length(),
        Figures.percentile(nanos, 0.5) / 1e6,
        Figures.percentile(nanos, 0.99) / 1e6,
        Figures.percentile(nanos, 1) / 1e6);
    out.printf(
        "requests beside scrapes / alone: p50 %s  p99 %s  max %s  cpu %s%n",
        HttpComparison.ratio(beside, alone, round -> round.load().p50Millis()),
        HttpComparison.ratio(beside, alone, round -> round.load().p99Millis()),
        HttpComparison.ratio(beside, alone, round -> round.load().maxMillis()),
        HttpComparison.ratio(beside, alone, Round::cpuMicrosPerRequest));
  }

  /** Scrapes at fixed times, on a thread of its own, until it is closed. */
  private final class Scraper implements AutoCloseable {

    private final ServerProcess server;
    private final List<Long> nanos = new ArrayList<>();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile boolean failed;

    Scraper(ServerProcess server) {
      this.server = server;
      thread = Thread.ofPlatform().name("scraper").start(this::scrape);
    }

    private void scrape() {
      long next = System.nanoTime();
      try {
        while (!stopped) {
          long begun = System.nanoTime();
          var _ = server.metrics();
          nanos.add(System.nanoTime() - begun);
          next += TimeUnit.MILLISECONDS.toNanos(options.number("every"));
          LockSupport.parkNanos(next - System.nanoTime());
        }
      } catch (IOException | InterruptedException e) {
        failed = true;
      }
    }

    /** How long each took. */
    List<Long> end() throws IOException, InterruptedException {
      stopped = true;
      LockSupport.unpark(thread);
      thread.join();
      if (failed) {
        throw new IOException("a scrape failed");
      }
      return nanos;
    }

    @Override
    public void close() {
      stopped = true;
    }
  }
}
