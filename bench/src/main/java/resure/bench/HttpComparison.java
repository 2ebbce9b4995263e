package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import resure.bench.floor.NettyFloor;
import resure.bench.floor.RecordsFloor;

/**
 * The whole service beside its floors: all run at the same time, one is loaded at a time, in rounds
 * whose order rotates, so that whatever else the machine does falls on all alike. What counts is
 * the ratio within a round; the report is the median of those.
 */
final class HttpComparison {

  private static final String SERVICE = "service";

  /** The service of another release, to see what came with this one. */
  private static final String PREVIOUS = "previous";

  /** {@link Peers#fastApi}. */
  private static final String FASTAPI = "fastapi";

  /** {@link Peers#redis}. */
  private static final String REDIS = "redis";

  /** The service, called with a token of its own. */
  private static final String TOKEN = "token";

  /** The service, called with a token that an issuer has signed. */
  private static final String JWT = "jwt";

  private static final int RUNS = 100;
  private static final int RANKS = 2;
  private static final Pattern OBSERVATIONS = Pattern.compile("\"observations\" *: *(\\d+)");

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "bodies", "S,L",
              "connections", "8,64",
              "rounds", "5",
              "seconds", "6",
              "warmup", "15",
              "targets", "service,records,netty",
              "previous-jar", "",
              "python", "python3",
              "keys", "false"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  HttpComparison(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    out.println();
    for (String body : options.list("bodies")) {
      compare(Shape.valueOf(body));
    }
  }

  private void compare(Shape shape) throws IOException, InterruptedException {
    Map<String, ServerProcess> servers = new LinkedHashMap<>();
    Map<String, BatchRequests> requests = new LinkedHashMap<>();
    Map<String, Bearer> bearers = new LinkedHashMap<>();
    try {
      for (String target : options.list("targets")) {
        if (!installed(target)) {
          out.println(target + " is left out, as it is not installed here: see bench/README.md");
          continue;
        }
        Bearer bearer = bearer(target);
        bearers.put(target, bearer);
        ServerProcess server = start(target, shape, bearer);
        servers.put(target, server);
        requests.put(
            target,
            target.equals(REDIS)
                ? Peers.requests(server, shape, RUNS, RANKS)
                : new BatchRequests(shape, RUNS, RANKS, options.on("keys"), bearer));
      }
      for (Map.Entry<String, ServerProcess> server : servers.entrySet()) {
        String target = server.getKey();
        warmUp(
            target, server.getValue(), bearers.getOrDefault(target, Bearer.NONE), requests, shape);
      }
      for (String connections : options.list("connections")) {
        report(shape, connections, rounds(shape, Integer.parseInt(connections), servers, requests));
      }
      for (String target : List.of(SERVICE, TOKEN, JWT)) {
        ServerProcess service = servers.get(target);
        Bearer bearer = bearers.get(target);
        if (service != null && bearer != null) {
          checkObservations(service, bearer, batches(requests, target).sent() * shape.losses());
        }
      }
    } finally {
      for (ServerProcess server : servers.values()) {
        server.close();
      }
      for (Bearer bearer : bearers.values()) {
        bearer.close();
      }
    }
  }

  private boolean installed(String target) throws InterruptedException {
    return switch (target) {
      case FASTAPI -> Peers.hasFastApi(options.text("python"));
      case REDIS -> Peers.hasRedis();
      default -> true;
    };
  }

  private Bearer bearer(String target) throws IOException {
    return switch (target) {
      case TOKEN -> Bearer.ofFile(environment.made());
      case JWT -> Bearer.ofIssuer();
      default -> Bearer.NONE;
    };
  }

  private ServerProcess start(String target, Shape shape, Bearer bearer)
      throws IOException, InterruptedException {
    Path log = environment.log(target + "-" + shape);
    ServerProcess server =
        switch (target) {
          case SERVICE, PREVIOUS, TOKEN, JWT ->
              ServerProcess.ofService(
                  target.equals(PREVIOUS)
                      ? Path.of(options.text("previous-jar"))
                      : environment.serviceJar(),
                  environment.jvm(),
                  log,
                  environment.freshState("http-" + target + "-" + shape),
                  "os",
                  bearer.properties());
          case "records" ->
              ServerProcess.ofClass(RecordsFloor.class, environment.jvm(), log, shape.name());
          case "netty" ->
              ServerProcess.ofClass(NettyFloor.class, environment.jvm(), log, shape.name());
          case FASTAPI -> Peers.fastApi(options.text("python"), environment.made(), log);
          case REDIS -> Peers.redis(environment.freshState("http-redis-" + shape), log);
          default -> throw new IllegalArgumentException("no such target: " + target);
        };
    server.awaitReady();
    return server;
  }

  private void warmUp(
      String target,
      ServerProcess server,
      Bearer bearer,
      Map<String, BatchRequests> requests,
      Shape shape)
      throws IOException, InterruptedException {
    if (List.of(SERVICE, PREVIOUS, TOKEN, JWT).contains(target)) {
      createRuns(server, RUNS, bearer);
    }
    int atLeast = options.number("warmup");
    Round.warmUp(server, batches(requests, target), atLeast, target + " " + shape, out);
  }

  private static BatchRequests batches(Map<String, BatchRequests> requests, String target) {
    BatchRequests batches = requests.get(target);
    if (batches == null) {
      throw new IllegalArgumentException(target);
    }
    return batches;
  }

  /** Creates runs of default configuration. */
  static void createRuns(ServerProcess service, int runs) throws IOException {
    createRuns(service, runs, Bearer.NONE);
  }

  private static void createRuns(ServerProcess service, int runs, Bearer bearer)
      throws IOException {
    try (LoadClient client = new LoadClient(service.port(), Math.min(runs, 16))) {
      client.drive(new CreateRequests(bearer), runs);
    }
  }

  private Map<String, List<Round>> rounds(
      Shape shape,
      int connections,
      Map<String, ServerProcess> servers,
      Map<String, BatchRequests> requests)
      throws IOException, InterruptedException {
    List<String> order = new ArrayList<>(servers.keySet());
    Map<String, List<Round>> rounds = new LinkedHashMap<>();
    order.forEach(target -> rounds.put(target, new ArrayList<>()));
    Duration time = Duration.ofSeconds(options.number("seconds"));
    for (int number = 1; number <= options.number("rounds"); number++) {
      for (String target : order) {
        ServerProcess server = servers.get(target);
        List<Round> measured = rounds.get(target);
        if (server != null && measured != null) {
          Round round = Round.measure(server, batches(requests, target), connections, time);
          measured.add(round);
          out.printf("round %2d %-2s %3d %-8s %s%n", number, shape, connections, target, round);
        }
      }
      order.addLast(order.removeFirst());
    }
    return rounds;
  }

  private void report(Shape shape, String connections, Map<String, List<Round>> rounds) {
    out.printf("%n%s at %s connections: medians of the rounds%n", shape, connections);
    rounds.forEach(
        (target, measured) ->
            out.printf(
                "  %-8s %9.0f req/s %8.1f cpu us/req   p50 %7.3f  p99 %7.3f  max %8.3f ms"
                    + " (highest %.3f)%n",
                target,
                median(measured, round -> round.load().perSecond()),
                median(measured, Round::cpuMicrosPerRequest),
                median(measured, round -> round.load().p50Millis()),
                median(measured, round -> round.load().p99Millis()),
                median(measured, round -> round.load().maxMillis()),
                measured.stream().mapToDouble(round -> round.load().maxMillis()).max().orElse(0)));
    List<String> targets = new ArrayList<>(rounds.keySet());
    out.println("  ratios within rounds, median (lowest to highest)");
    for (int a = 0; a < targets.size(); a++) {
      for (int b = a + 1; b < targets.size(); b++) {
        List<Round> over = rounds.getOrDefault(targets.get(a), List.of());
        List<Round> under = rounds.getOrDefault(targets.get(b), List.of());
        out.printf(
            "  %-18s cpu %s   req/s %s   p99 %s%n",
            targets.get(a) + "/" + targets.get(b),
            ratio(over, under, Round::cpuMicrosPerRequest),
            ratio(over, under, round -> round.load().perSecond()),
            ratio(over, under, round -> round.load().p99Millis()));
      }
    }
    out.println();
  }

  static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    return Figures.median(rounds.stream().mapToDouble(figure).toArray());
  }

  static String ratio(List<Round> over, List<Round> under, ToDoubleFunction<Round> figure) {
    return Figures.spread(
        Figures.ratios(
            over.stream().mapToDouble(figure).toArray(),
            under.stream().mapToDouble(figure).toArray()));
  }

  /** What was answered must be there: a fast service that forgets is not measured. */
  private void checkObservations(ServerProcess service, Bearer bearer, long sent)
      throws IOException, InterruptedException {
    long found = 0;
    for (int run = 0; run < RUNS; run++) {
      found +=
          observations(
              service.get("/v1/runs/" + BatchRequests.runName(run) + "/statistics", bearer));
    }
    if (found != sent) {
      throw new IOException(sent + " observations were answered, statistics say " + found);
    }
    out.printf("checked: the statistics of %d runs hold all %d observations%n%n", RUNS, sent);
  }

  /** Of a run, by its statistics. */
  static long observations(String statistics) throws IOException {
    Matcher matcher = OBSERVATIONS.matcher(statistics);
    if (!matcher.find()) {
      throw new IOException("statistics without observations: " + statistics);
    }
    return Long.parseLong(matcher.group(1));
  }
}
