package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import resure.contract.BadInputs.BadBody;
import resure.contract.BadInputs.Expected;

/**
 * Thousands of generated bodies, and paths, queries and headers: always a 4xx with a problem of a
 * known type (every exchange passes the contract), and nothing has changed.
 */
class BadInputTest {

  private static final long SEED =
      Long.getLong("resure.test.seed", System.nanoTime() & 0xffff_ffffL);

  private static final String BATCH =
      "{\"step\":4,\"rank\":1,\"microBatch\":2,\"attempt\":\"job\",\"dialogues\":[{\"id\":\"d-17\",\"source\":\"s\",\"firstTurn\":3,\"losses\":[2.31,null],\"tokens\":[7,null],\"weights\":[0.5,null]}]}";
  private static final String CONFIGURATION =
      "{\"weighting\":{\"function\":\"clip\",\"threshold\":1.5,\"sharpness\":2.5,\"floor\":0.25},\"warmUp\":4,\"maxTurns\":8,\"maxLoss\":10.5,\"halfLife\":40.5,\"lag\":1,\"fold\":\"raw\",\"propagation\":{\"strength\":0.5,\"decay\":0.5},\"normalization\":\"none\",\"shadow\":false,\"labels\":{\"a\":\"b\"},\"startFrom\":{\"run\":\"run-1\",\"step\":3,\"observations\":500.5},\"retention\":{\"observations\":{\"steps\":50}}}";
  private static final String WITHOUT_LABELS =
      CONFIGURATION.substring(0, CONFIGURATION.indexOf(",\"labels\"")) + "}";
  private static final String REWIND = "{\"nextStep\":0,\"attempt\":\"job-2\"}";

  private static final String REPLAY =
      "{\"grid\":{\"lag\":[1,2],\"weighting.threshold\":{\"from\":0.5,\"to\":2.5,\"points\":3,\"scale\":\"linear\"}},\"labels\":{\"bad\":[{\"dialogue\":\"d-17\",\"turn\":3}]},\"rankBy\":[{\"measure\":\"auroc\",\"atLeast\":0.5,\"atMost\":0.75}]}";

  private static LiveService live;
  private static String run;
  private static String before;

  @BeforeAll
  static void start() {
    System.out.println("-Dresure.test.seed=" + SEED);
    live = LiveService.start();
    run = live.newRun("{\"warmUp\":2}");
    live.score(run, BATCH.replace("\"step\":4", "\"step\":3"));
    live.score(run, BATCH, "Idempotency-Key", "k");
    before = statistics();
  }

  private static String statistics() {
    return live.get(run + "/statistics").text() + live.get(run).text();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  @Test
  void aBadBatchIsRefused() {
    assertRefused("POST", run + "/observations", BATCH);
  }

  @Test
  void aBadConfigurationIsRefused() {
    assertRefused("PUT", "/v1/runs/never", CONFIGURATION);
    assertThat(live.get("/v1/runs/never").status()).isEqualTo(404);
  }

  @Test
  void aBadReplayIsRefused() {
    assertRefused("POST", run + "/replays", REPLAY);
    assertRefused("POST", run + "/replays", "{\"configurations\":[%s]}".formatted(WITHOUT_LABELS));
    assertThat(live.get(run + "/replays").json().get("replays").isEmpty()).isTrue();
  }

  @Test
  void aBadRewindIsRefused() {
    assertRefused("POST", run + "/rewind", REWIND);
  }

  private static void assertRefused(String method, String path, String valid) {
    List<BadBody> bodies = BadInputs.of(valid, new SplittableRandom(SEED));
    System.out.println(method + " " + path + ": " + bodies.size() + " bad bodies");
    SoftAssertions soft = new SoftAssertions();
    // Of requests for replays only a few may wait.
    int atOnce = path.endsWith("/replays") ? 4 : 32;
    for (int from = 0; from < bodies.size(); from += atOnce) {
      List<BadBody> some = bodies.subList(from, Math.min(from + atOnce, bodies.size()));
      List<CompletableFuture<Answer>> answers = new ArrayList<>();
      for (BadBody body : some) {
        answers.add(
            live.sendAsync(
                live.request(method, path, "Content-Type", "application/json"),
                body.bytes(),
                method));
      }
      for (int i = 0; i < some.size(); i++) {
        BadBody body = some.get(i);
        String outcome;
        try {
          outcome = answers.get(i).join().outcome();
        } catch (RuntimeException e) {
          outcome = String.valueOf(e.getCause() == null ? e : e.getCause());
        }
        soft.assertThat(outcome).as(body.what()).matches(pattern(body.expected()));
      }
    }
    soft.assertAll();
    assertThat(statistics()).isEqualTo(before);
  }

  private static String pattern(Expected expected) {
    return switch (expected) {
      case MALFORMED -> "400 malformed-body";
      case INVALID -> "422 invalid-field (/(?s:.*))?";
      case REFUSED -> "400 malformed-body|422 invalid-field (/(?s:.*))?";
    };
  }

  @Test
  void aBadTargetIsRefused() throws IOException {
    List<String> targets = new ArrayList<>();
    for (String name :
        List.of(
            "%00",
            "%c3%28",
            "%ff",
            "..",
            ".",
            "%2e%2e",
            "a;b=c",
            "a%2f..",
            "a%5cb",
            "x".repeat(129),
            "%25",
            "a%0d%0ab")) {
      targets.add("GET /v1/runs/" + name);
      targets.add("DELETE /v1/runs/" + name);
      targets.add("GET /v1/runs/" + name + "/statistics");
      targets.add("POST /v1/runs/" + name + "/finish");
      targets.add("GET /v1/" + name + "/x");
    }
    for (String query :
        List.of(
            "limit=%00",
            "limit",
            "cursor=%ff",
            "since=%00",
            "label=%00:",
            "label=a%ff",
            "state=active%20",
            "limit=-1",
            "limit=+1",
            "limit=1e1",
            "limit=0x1",
            "limit=1;state=active",
            "a[]=1",
            "limit=" + "1".repeat(3000),
            "cursor=" + "A".repeat(3000),
            "since=-999999999-01-01T00:00:00Z",
            "since=+1000000000-01-01T00:00:00Z",
            "since=2026-02-30T00:00:00Z",
            "since=2026-01-01T25:00:00Z",
            "since=1769860800")) {
      targets.add("GET /v1/runs?" + query);
    }
    for (String query :
        List.of(
            "fromStep=%00", "fromStep=+1", "toStep=-0.5", "toStep=1e3", "fromStep=٣", "step=1")) {
      targets.add("GET " + run + "/observations?" + query);
    }
    for (String method : List.of("PATCH", "TRACE", "FOO", "get", "PROPFIND")) {
      targets.add(method + " " + run);
    }
    targets.add("GET " + "/x".repeat(1500));
    SoftAssertions soft = new SoftAssertions();
    for (String target : targets) {
      soft.assertThat(raw(target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
          .as(target)
          .containsPattern("^HTTP/1.1 4\\d\\d ")
          .containsIgnoringCase("content-type: application/problem+json")
          .contains("urn:resure:problem:")
          .doesNotContain("Exception", "\tat ");
    }
    soft.assertAll();
    assertThat(statistics()).isEqualTo(before);
  }

  /** What comes back for bytes that no HTTP client would send. */
  private static String raw(String request) throws IOException {
    try (Socket socket = new Socket("localhost", live.port())) {
      socket.setSoTimeout((int) Duration.ofSeconds(2).toMillis());
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      InputStream in = socket.getInputStream();
      try {
        in.transferTo(answer);
      } catch (SocketException | SocketTimeoutException e) {
        // The service cuts a connection that it cannot make sense of; what it said before counts.
        return answer.toString(StandardCharsets.UTF_8);
      }
      return answer.toString(StandardCharsets.UTF_8);
    }
  }

  @Test
  void aBadRequestOfHttpItselfIsRefusedAndTheServiceGoesOn() throws IOException {
    SoftAssertions soft = new SoftAssertions();
    for (String request :
        List.of(
            "GARBAGE\r\n\r\n",
            get("/v1/runs/%zz"),
            get("/v1/runs/%/statistics"),
            get("/v1/runs/<script>"),
            get("/v1/runs/a|b"),
            get("/v1/runs/{run}"),
            get("/v1/runs/\\"),
            get("/v1/runs?limit=1%"),
            "GET " + run + " HTTP/1.1\r\nHost: localhost\r\nX: " + "x".repeat(100_000) + "\r\n\r\n",
            "GET /" + "x".repeat(100_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
            post("Idempotency-Key: \u00e9\r\nContent-Length: " + BATCH.length(), BATCH),
            post("Content-Length: -1", BATCH),
            post("Content-Length: 1e3", BATCH),
            post("Content-Length: 10\r\nContent-Length: 20", BATCH),
            post("Transfer-Encoding: nonsense", BATCH))) {
      soft.assertThat(raw(request))
          .as(request.substring(0, Math.min(200, request.length())))
          .containsPattern("^HTTP/1.1 4\\d\\d ")
          .doesNotContain("Exception", "\tat ");
    }
    soft.assertThat(raw(post("Transfer-Encoding: chunked", "zz\r\n" + BATCH)))
        .as("cut off")
        .isEmpty();
    soft.assertAll();
    assertThat(statistics()).isEqualTo(before);
  }

  private static String get(String target) {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  }

  private static String post(String header, String body) {
    return "POST "
        + run
        + "/observations HTTP/1.1\r\n"
        + "Host: localhost\r\n"
        + "Connection: close\r\n"
        + "Content-Type: application/json\r\n"
        + header
        + "\r\n\r\n"
        + body;
  }
}
