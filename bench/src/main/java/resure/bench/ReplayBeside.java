package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What live scoring notices of a replay: the same load with and without one that computes, in turns
 * on one service. A replay is cancelled at the end of its window; one that ended before it would
 * have left the window partly without, which is refused.
 */
final class ReplayBeside {

  private static final int RUNS = 100;
  private static final int RANKS = 2;

  /** 100 thresholds by 100 sharpnesses: a minute's work and more. */
  private static final String REPLAY =
      "{\"grid\":{\"weighting.threshold\":{\"from\":0.1,\"to\":2,\"points\":100,\"scale\":\"linear\"},"
          + "\"weighting.sharpness\":{\"from\":0.5,\"to\":4,\"points\":100,\"scale\":\"log\"}}}";

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "body", "S",
              "connections", "8",
              "batches", "20000",
              "rounds", "5",
              "seconds", "5",
              "warmup", "15"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;
  private final HttpClient client = HttpClient.newHttpClient();

  ReplayBeside(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    Shape shape = Shape.valueOf(options.text("body"));
    int connections = options.number("connections");
    try (ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("beside"),
            environment.freshState("beside"),
            "os")) {
      server.awaitReady();
      HttpComparison.createRuns(server, RUNS + 1);
      // The first run is replayed, the others are trained.
      try (LoadClient recorder = new LoadClient(server.port(), 1)) {
        recorder.drive(new BatchRequests(shape, 1, 1, false), options.number("batches"));
      }
      BatchRequests requests = new BatchRequests(shape, 1, RUNS, RANKS, false);
      Round.warmUp(server, requests, options.number("warmup"), "service", out);
      List<Load> without = new ArrayList<>();
      List<Load> beside = new ArrayList<>();
      try (LoadClient load = new LoadClient(server.port(), connections)) {
        for (int round = 1; round <= options.number("rounds"); round++) {
          without.add(measure(round, "alone", load, requests));
          String replay = start(server);
          beside.add(measure(round, "beside a replay", load, requests));
          cancel(server, replay);
        }
      }
      out.printf("%n%s at %d connections, beside a replay / alone, ", shape, connections);
      out.println("median (lowest to highest) of the rounds");
      out.printf(
          "  p50 %s   p99 %s   req/s %s%n",
          ratio(beside, without, Load::p50Millis),
          ratio(beside, without, Load::p99Millis),
          ratio(beside, without, Load::perSecond));
    }
  }

  private Load measure(int round, String what, LoadClient client, Requests requests)
      throws IOException {
    Load load = client.drive(requests, Duration.ofSeconds(options.number("seconds")));
    out.printf(
        "round %2d %-16s %9.0f req/s   p50 %7.3f  p99 %7.3f  max %8.3f ms%n",
        round, what, load.perSecond(), load.p50Millis(), load.p99Millis(), load.maxMillis());
    return load;
  }

  private static String ratio(
      List<Load> a, List<Load> b, java.util.function.ToDoubleFunction<Load> figure) {
    return Figures.spread(
        Figures.ratios(
            a.stream().mapToDouble(figure).toArray(), b.stream().mapToDouble(figure).toArray()));
  }

  private String start(ServerProcess server) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        send(
            request(server, "/v1/runs/" + BatchRequests.runName(0) + "/replays")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(REPLAY)),
            202);
    return answer.headers().firstValue("Location").orElseThrow();
  }

  private void cancel(ServerProcess server, String replay)
      throws IOException, InterruptedException {
    String progress = send(request(server, replay).GET(), 200).body();
    if (!progress.contains("\"state\":\"running\"")) {
      throw new IOException("the replay ended within its window; give it more --batches");
    }
    send(request(server, replay).DELETE(), 204);
  }

  private static HttpRequest.Builder request(ServerProcess server, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .timeout(Duration.ofSeconds(30));
  }

  private HttpResponse<String> send(HttpRequest.Builder request, int status)
      throws IOException, InterruptedException {
    HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
    if (answer.statusCode() != status) {
      throw new IOException(answer.statusCode() + " " + answer.body());
    }
    return answer;
  }
}
