package resure.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import resure.access.Scope;
import resure.access.TokenSet;

/**
 * Whether the time of a 401 tells somebody who guesses tokens how near a guess was: guesses of
 * several kinds in an order by chance on one connection. For each two kinds, the share of pairs in
 * which the one took longer, which is 0.5 where time tells nothing.
 */
final class Guesses {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(Map.of("guesses", "20000", "warmup", "20000", "seed", "1"));

  /** Where the secret of a token begins, after prefix and key id. */
  private static final int SECRET = "resure_01234567_".length();

  private static final int LONGEST_ANSWER = 8192;

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Guesses(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    out.println();
    try (Bearer bearer = Bearer.ofFile(environment.made());
        ServerProcess server =
            ServerProcess.ofService(
                environment.serviceJar(),
                environment.jvm(),
                environment.log("guesses"),
                environment.freshState("guesses"),
                "os",
                bearer.properties())) {
      server.awaitReady();
      List<Kind> kinds = kinds(token(bearer));
      try (SocketChannel socket =
          SocketChannel.open(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()))) {
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        time(socket, kinds, options.number("warmup"));
        report(kinds, time(socket, kinds, options.number("guesses")));
      }
    }
  }

  private static String token(Bearer bearer) {
    return bearer.header().strip().substring("Authorization: Bearer ".length());
  }

  private static List<Kind> kinds(String token) {
    String stranger = TokenSet.create("bench", EnumSet.allOf(Scope.class)).secret();
    char last = token.charAt(token.length() - 1);
    return List.of(
        new Kind("unknown key id", request(stranger)),
        new Kind("other secret", request(token.substring(0, SECRET) + stranger.substring(SECRET))),
        new Kind(
            "all but the last character right",
            request(token.substring(0, token.length() - 1) + (last == 'A' ? 'B' : 'A'))));
  }

  private static String request(String token) {
    return "GET /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
        + token
        + "\r\n\r\n";
  }

  /** Nanoseconds of so many guesses of each kind. */
  private long[][] time(SocketChannel socket, List<Kind> kinds, int guesses) throws IOException {
    long[][] times = new long[kinds.size()][guesses];
    List<Integer> order = new ArrayList<>(IntStream.range(0, kinds.size()).boxed().toList());
    Random random = new Random(options.number("seed"));
    Answers answers = new Answers.Http(401, 2);
    ByteBuffer received = ByteBuffer.allocate(LONGEST_ANSWER);
    for (int guess = 0; guess < guesses; guess++) {
      Collections.shuffle(order, random);
      for (int kind : order) {
        ByteBuffer request = ByteBuffer.wrap(kinds.get(kind).request().getBytes(US_ASCII));
        long start = System.nanoTime();
        socket.write(request);
        receive(socket, answers, received);
        times[kind][guess] = System.nanoTime() - start;
      }
    }
    return times;
  }

  private static void receive(SocketChannel socket, Answers answers, ByteBuffer received)
      throws IOException {
    received.clear();
    int length = 0;
    while (length == 0 || received.position() < length) {
      if (socket.read(received) < 0) {
        throw new IOException("the server closed the connection: " + Answers.text(received));
      }
      length = answers.length(received);
    }
  }

  private void report(List<Kind> kinds, long[][] times) {
    for (int kind = 0; kind < times.length; kind++) {
      out.printf("%-34s median %.1f us%n", kinds.get(kind).name(), medianMicros(times[kind]));
    }
    int guesses = options.number("guesses");
    double error = Math.sqrt((2.0 * guesses + 1) / (12.0 * guesses * guesses));
    out.printf("share of pairs in which the first took longer, standard error %.4f:%n", error);
    for (int a = 0; a < times.length; a++) {
      for (int b = a + 1; b < times.length; b++) {
        out.printf(
            "  %s over %s: %.4f%n",
            kinds.get(a).name(), kinds.get(b).name(), Figures.shareHigher(times[a], times[b]));
      }
    }
  }

  private static double medianMicros(long[] nanos) {
    long[] ascending = nanos.clone();
    Arrays.sort(ascending);
    return Figures.percentile(ascending, 0.5) / 1e3;
  }

  /**
   * What is guessed alike.
   *
   * @param request a whole request
   */
  private record Kind(String name, String request) {}
}
