package resure.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.access.Scope;
import resure.access.TokenSet;

/** What a tenant may use of the service, and that it is nothing to the others. */
class QuotaContractTest {

  private static final String BATCH = "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}";
  private static final int RUNS = 3;

  private static final TokenSet.Created A = token("team-a");
  private static final TokenSet.Created B = token("team-b");
  private static final TokenSet.Created C = token("team-c");
  private static final TokenSet.Created D = token("team-d");
  private static final TokenSet.Created E = token("team-e");
  private static final TokenSet.Created F = token("team-f");

  @TempDir private static Path directory;
  private static LiveService live;

  private static TokenSet.Created token(String tenant) {
    return TokenSet.create(tenant, EnumSet.allOf(Scope.class));
  }

  @BeforeAll
  static void start() throws IOException {
    Path file = directory.resolve("tokens");
    Files.writeString(
        file,
        List.of(A, B, C, D, E, F).stream()
            .map(TokenSet.Created::line)
            .collect(Collectors.joining("\n")));
    live =
        LiveService.start(
            "resure.access.tokens=" + file,
            "resure.quotas.runs=" + RUNS,
            "resure.quotas.batches-per-second=1",
            "resure.quotas.streams=2",
            "resure.quotas.stored-bytes=1MB");
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  @BeforeEach
  void asA() {
    live.authorize(A.secret());
  }

  private static void assertRefused(Answer answer, String quota) {
    assertThat(answer.outcome()).isEqualTo("429 quota-exceeded");
    assertThat(answer.json().path("limit").asString()).isEqualTo("resure.quotas." + quota);
    assertThat(answer.header("Retry-After")).matches("[1-9][0-9]?");
  }

  private static double refusals(String quota) {
    return live.scrape()
        .lines()
        .filter(line -> line.startsWith("resure_quota_refusals_total{quota=\"" + quota + "\"}"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf('}') + 1)))
        .sum();
  }

  @Test
  void batchesThatComeTooFastAreRefusedBeforeTheyAreReadAndThoseOfOthersAreNot()
      throws IOException {
    String run = live.newRun("{}");
    Answer last;
    int taken = 0;
    while ((last = live.post(run + "/observations", BATCH)).status() == 200) {
      taken++;
    }
    assertThat(taken).isGreaterThanOrEqualTo(10);
    assertRefused(last, "batches-per-second");
    assertThat(refusals("batches-per-second")).isPositive();
    String before = live.get(run).text();

    // The head alone, of a body that never comes.
    try (Socket socket = new Socket("127.0.0.1", live.port())) {
      socket.setSoTimeout(10_000);
      String head =
          "POST %s/observations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  .formatted(run, A.secret())
              + "Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{";
      // One more may have become due meanwhile: it would wait for its body.
      live.post(run + "/observations", BATCH);
      socket.getOutputStream().write(head.getBytes(US_ASCII));
      assertThat(new String(socket.getInputStream().readNBytes(12), US_ASCII)).endsWith(" 429");
    }
    assertThat(live.get(run).status()).as("what is not a batch goes on").isEqualTo(200);
    assertThat(before).contains("\"sequence\":" + (taken + 1));

    live.authorize(F.secret());
    String other = live.newRun("{}");
    for (int i = 0; i < 10; i++) {
      live.score(other, BATCH);
    }
  }

  @Test
  void ofManyRunsAtOnceAsManyAreMadeAsMayBeAndWhatIsThereIsFound() {
    live.authorize(C.secret());
    List<CompletableFuture<Answer>> asked =
        IntStream.range(0, 24)
            .mapToObj(
                i ->
                    live.sendAsync(
                        live.request("PUT", "/v1/runs/many-" + i % 8), new byte[0], "PUT"))
            .toList();
    Map<String, Integer> statuses = new TreeMap<>();
    asked.forEach(answer -> statuses.merge(answer.join().outcome(), 1, Integer::sum));
    assertThat(statuses).containsEntry("201", RUNS).containsEntry("200", 2 * RUNS);
    assertThat(statuses).containsEntry("429 quota-exceeded", 24 - 3 * RUNS);
    assertThat(live.get("/v1/runs").json().path("runs").size()).isEqualTo(RUNS);
    assertThat(refusals("runs")).isEqualTo(24 - 3 * RUNS);

    Answer refused = live.put("/v1/runs/one-more", "{}");
    assertRefused(refused, "runs");
    assertThat(live.get("/v1/runs/one-more").status()).isEqualTo(404);
    String there = live.get("/v1/runs").json().path("runs").get(0).path("run").asString();
    assertThat(live.put("/v1/runs/" + there, "{}").status()).isEqualTo(200);
    assertThat(live.delete("/v1/runs/" + there).status()).isEqualTo(204);
    assertThat(live.put("/v1/runs/one-more", "{}").status()).isEqualTo(201);
  }

  @Test
  void streamsAndExportsThatAreOpenCountTogether() throws IOException {
    live.authorize(D.secret());
    String run = live.newRun("{}");
    String events =
        "GET %s/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
            .formatted(run, D.secret());
    for (int i = 0; i < 5; i++) {
      assertThat(live.get(run + "/observations").status()).as("those that ended").isEqualTo(200);
      assertThat(live.get("/v1/runs/nobody/observations").status()).isEqualTo(404);
    }
    try (Socket one = new Socket("127.0.0.1", live.port())) {
      one.getOutputStream().write(events.getBytes(US_ASCII));
      one.getInputStream().readNBytes(12);
      try (Socket two = new Socket("127.0.0.1", live.port())) {
        two.getOutputStream().write(events.getBytes(US_ASCII));
        two.getInputStream().readNBytes(12);
        assertRefused(live.get(run + "/events"), "streams");
        assertRefused(live.get(run + "/observations"), "streams");
      }
      // It is noticed some time that the client has left.
      await().atMost(30, SECONDS).until(() -> live.get(run + "/observations").status() == 200);
    }
    assertThat(refusals("streams")).isGreaterThanOrEqualTo(2);
  }

  @Test
  void whoHasRecordedAsMuchAsItMayRecordsNoMore() {
    live.authorize(E.secret());
    String run = live.newRun("{}");
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 4; i++) {
      String losses =
          random.doubles(65_536).mapToObj(Double::toString).collect(Collectors.joining(","));
      live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + losses + "]}]}");
    }
    // What it stores is measured again some time; after a start at once.
    live.reopen();
    await()
        .atMost(30, SECONDS)
        .until(() -> live.post(run + "/observations", BATCH).status() == 429);
    assertRefused(live.post(run + "/observations", BATCH), "stored-bytes");
    assertThat(live.get(run).status()).isEqualTo(200);
    live.authorize(B.secret());
    assertThat(live.post(live.newRun("{}") + "/observations", BATCH).status()).isEqualTo(200);
  }
}
