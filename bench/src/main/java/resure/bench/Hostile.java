package resure.bench;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * What a client that means well notices of one that does not: its latency alone and beside each
 * attack, in turns. The attacker is in this process and has as many tries a second as it is told:
 * where both share the processors, an attack without a rate would measure the attacker.
 */
final class Hostile {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "body", "S",
              "connections", "8",
              "attacks", "idle,slow,huge,chunks,deep,headers,garbage",
              "rate", "50",
              "held", "5000",
              "rounds", "5",
              "seconds", "5",
              "warmup", "15"));

  private static final int RUNS = 20;
  private static final int RANKS = 2;
  private static final int MIB = 1 << 20;

  /** Each try of an attack: what is sent on a new connection. */
  private static final Map<String, byte[]> REQUESTS =
      Map.of(
          "idle", new byte[0],
          "slow", post("Content-Length: 8000000", "{"),
          "huge", post("Content-Length: 10737418240", "x".repeat(4 * MIB)),
          "chunks", post("Transfer-Encoding: chunked", "1\r\nx\r\n".repeat(MIB / 8)),
          "deep", post("Content-Length: 100000", "[".repeat(100_000)),
          "headers", head("X: y\r\n".repeat(100_000)),
          "garbage", "\u0016\u0003\u0001GARBAGE\r\n\r\n".repeat(100).getBytes(ISO_8859_1));

  /** Attacks that keep their connections open as long as the service lets them. */
  private static final List<String> HOLDING = List.of("idle", "slow");

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Hostile(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  private static byte[] head(String headers) {
    return ("POST /v1/runs/run-0/observations HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\n"
            + headers
            + "\r\n")
        .getBytes(ISO_8859_1);
  }

  private static byte[] post(String length, String body) {
    return (new String(head(length + "\r\n"), ISO_8859_1) + body).getBytes(ISO_8859_1);
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    Shape shape = Shape.valueOf(options.text("body"));
    try (ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("hostile"),
            environment.freshState("hostile"),
            "os")) {
      server.awaitReady();
      HttpComparison.createRuns(server, RUNS);
      BatchRequests requests = new BatchRequests(shape, RUNS, RANKS, false);
      Round.warmUp(server, requests, options.number("warmup"), "service", out);
      try (LoadClient load = new LoadClient(server.port(), options.number("connections"))) {
        for (String attack : options.list("attacks")) {
          measure(attack, server, load, requests);
        }
      }
      out.printf("%nresident in the end: %d MiB%n", server.residentBytes() / MIB);
    }
  }

  private void measure(String attack, ServerProcess server, LoadClient load, Requests requests)
      throws IOException, InterruptedException {
    List<Load> alone = new ArrayList<>();
    List<Load> beside = new ArrayList<>();
    long tries = 0;
    long most = 0;
    for (int round = 0; round < options.number("rounds"); round++) {
      alone.add(drive(load, requests));
      try (Attacker attacker = new Attacker(attack, server.port())) {
        beside.add(drive(load, requests));
        tries += attacker.tries.get();
      }
      most = Math.max(most, server.residentBytes() / MIB);
    }
    out.printf(
        "%-8s beside / alone: p99 %s  p50 %s  req/s %s; p99 alone %.2f ms, %d tries, %d MiB%n",
        attack,
        ratio(beside, alone, Load::p99Millis),
        ratio(beside, alone, Load::p50Millis),
        ratio(beside, alone, Load::perSecond),
        Figures.median(alone.stream().mapToDouble(Load::p99Millis).toArray()),
        tries,
        most);
  }

  private Load drive(LoadClient load, Requests requests) throws IOException {
    return load.drive(requests, Duration.ofSeconds(options.number("seconds")));
  }

  private static String ratio(List<Load> a, List<Load> b, ToDoubleFunction<Load> figure) {
    Function<List<Load>, double[]> figures = loads -> loads.stream().mapToDouble(figure).toArray();
    return Figures.spread(Figures.ratios(figures.apply(a), figures.apply(b)));
  }

  /** Tries again and again, on a thread of its own, until it is closed. */
  private final class Attacker implements AutoCloseable {

    final AtomicLong tries = new AtomicLong();
    private final byte[] request;
    private final int port;
    private final int held;
    private final Deque<Socket> sockets = new ArrayDeque<>();
    private final Thread thread;
    private volatile boolean stopped;

    Attacker(String attack, int port) throws InterruptedException {
      byte[] known = REQUESTS.get(attack);
      if (known == null) {
        throw new IllegalArgumentException("no attack " + attack + ": " + REQUESTS.keySet());
      }
      this.request = known;
      this.port = port;
      boolean holds = HOLDING.contains(attack);
      held = holds ? options.number("held") : 1;
      thread = new Thread(this::attack, "attacker");
      thread.start();
      // The connections that are held are there before anything is measured.
      while (holds && tries.get() < held && thread.isAlive()) {
        Thread.sleep(5);
      }
    }

    private void attack() {
      long next = System.nanoTime();
      while (!stopped) {
        try {
          attempt();
        } catch (IOException e) {
          // Cut off, as it should be.
        }
        if (tries.incrementAndGet() >= held) {
          next =
              Math.max(next, System.nanoTime() - 1_000_000_000L)
                  + 1_000_000_000L / options.number("rate");
          LockSupport.parkNanos(next - System.nanoTime());
        }
      }
    }

    private void attempt() throws IOException {
      if (sockets.size() >= held) {
        sockets.removeFirst().close();
      }
      Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
      sockets.addLast(socket);
      socket.getOutputStream().write(request);
    }

    @Override
    public void close() throws IOException {
      stopped = true;
      LockSupport.unpark(thread);
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
