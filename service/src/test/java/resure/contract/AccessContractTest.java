package resure.contract;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.access.Scope;
import resure.access.TokenSet;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.RunId;

/** Who may do what, whose runs there are for whom, and where no credentials are needed. */
class AccessContractTest {

  private static final Map<String, String> BODIES =
      Map.of(
          "PUT /v1/runs/{run}", "{}",
          "POST /v1/runs/{run}/observations", "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}",
          "POST /v1/runs/{run}/rewind", "{\"nextStep\":0}",
          "POST /v1/runs/{run}/replays", "{\"configurations\":[{}]}",
          "POST /v1/runs/{run}/evaluations", "{\"step\":1,\"benchmark\":\"b\",\"score\":0.5}");

  private static final String UNKNOWN_REPLAY = "01KGB3J6QZ8X0V6T3N9D2M4RWC";

  private static final TokenSet.Created ALL_OF_A =
      TokenSet.create("team-a", EnumSet.of(Scope.READ, Scope.WRITE, Scope.ADMIN));
  private static final TokenSet.Created ALL_OF_B =
      TokenSet.create("team-b", EnumSet.of(Scope.READ, Scope.WRITE, Scope.ADMIN));
  private static final TokenSet.Created READS = TokenSet.create("team-a", Set.of(Scope.READ));
  private static final TokenSet.Created WRITES = TokenSet.create("team-a", Set.of(Scope.WRITE));
  private static final TokenSet.Created WATCHES = TokenSet.create("ops", Set.of(Scope.METRICS));

  @TempDir private static Path directory;
  private static LiveService live;

  @BeforeAll
  static void start() throws IOException {
    Path file = directory.resolve("tokens");
    StringBuilder lines = new StringBuilder("# who may come in\n\n");
    for (TokenSet.Created token : List.of(ALL_OF_A, ALL_OF_B, READS, WRITES, WATCHES)) {
      lines.append(token.line()).append('\n');
    }
    Files.writeString(file, lines);
    live = LiveService.start("resure.access.tokens=" + file);
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  @BeforeEach
  void asA() {
    live.authorize(ALL_OF_A.secret());
  }

  private static Answer call(String operation, String run) {
    String method = operation.substring(0, operation.indexOf(' '));
    String path =
        operation
            .substring(operation.indexOf(' ') + 1)
            .replace("{run}", run)
            .replace("{replay}", UNKNOWN_REPLAY);
    return switch (method) {
      case "GET" -> live.get(path);
      case "PUT" -> live.put(path, BODIES.getOrDefault(operation, ""));
      case "POST" -> live.post(path, BODIES.getOrDefault(operation, ""));
      default -> live.delete(path);
    };
  }

  @Test
  void everyOperationNeedsATokenThatIsValidAndAllowsIt() {
    String wrong = ALL_OF_A.secret().substring(0, 20) + ALL_OF_B.secret().substring(20);
    SoftAssertions softly = new SoftAssertions();
    for (String operation : live.contract().secured()) {
      live.authorize(null);
      Answer without = call(operation, "any");
      softly.assertThat(without.outcome()).as(operation).isEqualTo("401 unauthenticated");
      softly.assertThat(without.header("WWW-Authenticate")).as(operation).startsWith("Bearer");
      for (String bad : List.of("x", wrong, "resure_00000000_" + "A".repeat(43), "a.b.c")) {
        live.authorize(bad);
        softly.assertThat(call(operation, "any").outcome()).isEqualTo("401 unauthenticated");
      }
      live.authorize(WATCHES.secret());
      softly
          .assertThat(call(operation, "any").outcome())
          .as(operation)
          .isEqualTo("403 insufficient-scope");
    }
    softly.assertAll();
  }

  @Test
  void theContractIsForEverybody() {
    live.authorize(null);
    assertThat(live.get("/openapi.yaml").status()).isEqualTo(200);
  }

  @Test
  void scopesAllowWhatTheySayAndNoMore() {
    String run = live.newRun("{}");
    live.authorize(READS.secret());
    assertThat(live.get(run).status()).isEqualTo(200);
    assertThat(live.put(run, "{}").outcome()).isEqualTo("403 insufficient-scope");
    assertThat(live.post(run + "/finish", "").json().path("scope").asString()).isEqualTo("write");

    live.authorize(WRITES.secret());
    assertThat(live.put(run, "{}").status()).isEqualTo(200);
    assertThat(live.get(run).json().path("scope").asString()).isEqualTo("read");
    Answer keeping = live.put(run + "-2", "{\"retention\":{\"observations\":\"all\"}}");
    assertThat(keeping.json().path("scope").asString()).isEqualTo("admin");
    assertThat(live.delete(run).json().path("scope").asString()).isEqualTo("admin");

    live.authorize(ALL_OF_A.secret());
    assertThat(live.delete(run).status()).isEqualTo(204);
  }

  /**
   * Whatever the contract lets one ask: of the runs and replays of others a tenant is answered,
   * byte for byte but for names and times, what it is answered of those that there are not; and of
   * what is asked without a name, what it was answered before the others had anything.
   */
  @Test
  void forATenantWhatOthersHaveDoesNotExist() {
    ContractRequests requests = new ContractRequests(live.contract().contract(), 20261128);
    live.authorize(ALL_OF_B.secret());
    List<ContractRequests.Sent> nameless = requests.of(live, false);
    List<String> before = nameless.stream().map(sent -> told(sent, "", "")).toList();

    live.authorize(ALL_OF_A.secret());
    String replay = fill();
    List<String> theirs = everythingOfTheirs(replay);

    live.authorize(ALL_OF_B.secret());
    SoftAssertions softly = new SoftAssertions();
    for (int i = 0; i < nameless.size(); i++) {
      softly
          .assertThat(told(nameless.get(i), "", ""))
          .as(nameless.get(i).toString())
          .isEqualTo(before.get(i));
    }
    List<ContractRequests.Sent> named = requests.of(live, true);
    softly.assertThat(named).hasSizeGreaterThan(100);
    for (ContractRequests.Sent sent : named) {
      String hidden = told(sent, "theirs", replay);
      softly.assertThat(hidden).as(sent.toString()).isEqualTo(told(sent, "nobody", UNKNOWN_REPLAY));
      softly.assertThat(hidden).as(sent.toString()).doesNotContain("of-team-a");
      if (hidden.startsWith("201")) {
        live.delete("/v1/runs/theirs");
        live.delete("/v1/runs/nobody");
      }
    }
    String own = live.newRun("{}");
    live.score(own, BODIES.get("POST /v1/runs/{run}/observations"));
    for (ContractRequests.Sent sent : named) {
      if (sent.operation().contains("{replay}")) {
        String run = own.substring("/v1/runs/".length());
        softly.assertThat(told(sent, run, replay)).isEqualTo(told(sent, run, UNKNOWN_REPLAY));
      }
    }
    softly
        .assertThat(
            live.post(
                    own + "/observations",
                    BODIES.get("POST /v1/runs/{run}/observations"),
                    "Idempotency-Key",
                    "of-team-a")
                .header("Idempotency-Replayed"))
        .isEmpty();
    for (String start : List.of("", ",\"step\":0", ",\"step\":9")) {
      softly
          .assertThat(live.put("/v1/runs/new", startFrom("theirs", start)).text())
          .isEqualTo(live.put("/v1/runs/new", startFrom("nobody", start)).text());
    }
    live.delete(own);
    softly.assertAll();

    live.authorize(ALL_OF_A.secret());
    assertThat(everythingOfTheirs(replay)).isEqualTo(theirs);
    live.delete("/v1/runs/theirs");
  }

  private static String startFrom(String run, String step) {
    return "{\"startFrom\":{\"run\":\"" + run + "\"" + step + "}}";
  }

  /** Gives team A a run with something of everything, and says the name of its replay. */
  private static String fill() {
    live.put("/v1/runs/theirs", "{\"warmUp\":2,\"labels\":{\"experiment\":\"of-team-a\"}}");
    for (int step = 0; step < 3; step++) {
      live.score(
          "/v1/runs/theirs",
          "{\"step\":%d,\"dialogues\":[{\"id\":\"of-team-a\",\"source\":\"of-team-a\",\"losses\":[1,2]}]}"
              .formatted(step),
          "Idempotency-Key",
          step == 2 ? "of-team-a" : "key-" + step);
    }
    live.post(
        "/v1/runs/theirs/evaluations", "{\"step\":1,\"benchmark\":\"of-team-a\",\"score\":0.5}");
    String at =
        live.post("/v1/runs/theirs/replays", "{\"configurations\":[{}]}").header("Location");
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> live.get(at).json().path("state").asString().equals("done"));
    return at.substring(at.lastIndexOf('/') + 1);
  }

  private static List<String> everythingOfTheirs(String replay) {
    String run = "/v1/runs/theirs";
    return List.of(
            run,
            run + "/statistics",
            run + "/observations",
            run + "/evaluations",
            run + "/replays/" + replay)
        .stream()
        .map(path -> live.get(path).text())
        .toList();
  }

  /** The answer, without what differs by name and time. */
  private static String told(ContractRequests.Sent sent, String run, String replay) {
    Answer answer = sent.send(live, run, replay);
    String body = new String(answer.body(), ISO_8859_1);
    return answer.status()
        + " "
        + new TreeMap<>(answer.headers().map())
            .entrySet().stream()
                .filter(header -> !header.getKey().equalsIgnoreCase("X-Request-Id"))
                .toList()
        + body.replace(run.isEmpty() ? "\0" : run, "RUN")
            .replace(replay.isEmpty() ? "\0" : replay, "REPLAY")
            .replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z", "TIME");
  }

  @Test
  void theManagementPortShowsHealthToAllMetricsToWhoWatchesAndTheRestToNobody() throws Exception {
    assertThat(management("/actuator/health/readiness", null)).isEqualTo(200);
    for (String path :
        List.of(
            "/actuator/prometheus",
            "/actuator;x=1/prometheus",
            "/actuator/prometheus;x",
            "/%61ctuator/prometheus",
            "/actuator/backup")) {
      assertThat(management(path, null)).as(path).isEqualTo(401);
    }
    assertThat(management("/actuator/prometheus", ALL_OF_A.secret())).isEqualTo(403);
    assertThat(management("/actuator/backup", ALL_OF_A.secret())).as("they are off").isEqualTo(404);
    assertThat(management("/actuator/prometheus", WATCHES.secret())).isEqualTo(200);
    assertThat(management("/actuator/backup", WATCHES.secret())).isEqualTo(403);
  }

  private static int management(String path, String token) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + live.managementPort() + path));
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), BodyHandlers.discarding()).statusCode();
    }
  }

  @Test
  void theJournalSaysWhoCreatedRewoundAndFinished() {
    String path = live.newRun("{}");
    live.score(path, "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}");
    live.post(path + "/rewind", "{\"nextStep\":1}");
    live.authorize(WRITES.secret());
    live.post(path + "/finish", "");

    String all = "token " + ALL_OF_A.line().substring(0, 8);
    String writes = "token " + WRITES.line().substring(0, 8);
    List<String> actors = new ArrayList<>();
    live.whileStopped(
        state -> {
          try (Journal journal = RocksDbJournal.open(state, Durability.OS)) {
            RunKey run = journal.lookup(new RunId("team-a", path.substring("/v1/runs/".length())));
            for (StoredEntry stored : journal.read(requireNonNull(run), 1, 1 << 20)) {
              actors.add(stored.entry().actor());
            }
          } catch (JournalException e) {
            throw new AssertionError(e);
          }
        });
    assertThat(actors).containsExactly(all, null, all, writes);
  }

  @Test
  void aStreamEndsWhenItsTokenDoes() throws IOException {
    String run = live.newRun("{}");
    TokenSet.Created brief = TokenSet.create("team-a", Set.of(Scope.READ));
    Path file = directory.resolve("tokens");
    String before = Files.readString(file);
    Files.writeString(file, before + brief.line() + "\n");
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              live.authorize(brief.secret());
              return live.get(run).status() == 200;
            });
    try (Socket socket = new Socket("127.0.0.1", live.port())) {
      socket.setSoTimeout(60_000);
      socket
          .getOutputStream()
          .write(
              "GET %s/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                  .formatted(run, brief.secret())
                  .getBytes(US_ASCII));
      assertThat(new String(socket.getInputStream().readNBytes(12), US_ASCII)).endsWith(" 200");
      Files.writeString(file, before);
      // Ends, or the socket's deadline does.
      socket.getInputStream().readAllBytes();
    }
    assertThat(live.get(run).outcome()).isEqualTo("401 unauthenticated");
  }
}
