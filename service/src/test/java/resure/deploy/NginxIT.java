package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code docker/nginx.conf} in a real nginx before three scripted replicas: where a run goes, and
 * what is sent a second time.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NginxIT {

  private static final Duration DEADLINE = Duration.ofSeconds(30);

  /** Enough for each replica to have some, whatever its port. */
  private static final List<String> RUNS =
      IntStream.range(0, 200).mapToObj(i -> "sft-" + i).toList();

  @TempDir private Path temporary;

  private final List<ScriptedReplica> replicas = new ArrayList<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(DEADLINE).build();
  private NginxProcess nginx;

  @BeforeEach
  void start() throws IOException {
    Optional<Path> installed = NginxProcess.installed();
    assumeTrue(installed.isPresent(), "SKIPPED: no nginx here to put before replicas");
    for (int i = 0; i < 3; i++) {
      replicas.add(new ScriptedReplica());
    }
    nginx =
        NginxProcess.start(
            installed.get(), temporary, replicas.stream().map(ScriptedReplica::port).toList());
  }

  @AfterEach
  void stop() {
    client.close();
    if (nginx != null) {
      nginx.close();
    }
    replicas.forEach(ScriptedReplica::close);
  }

  @Test
  void aRunHasOneReplicaWhateverIsAsked() throws Exception {
    for (String run : RUNS.subList(0, 20)) {
      String path = "/v1/runs/" + run;
      String home = get(path).body();
      for (String asked : List.of(path + "/statistics?atLeastSequence=7", path + "/events")) {
        assertThat(get(asked).body()).as(asked).isEqualTo(home);
      }
      assertThat(send("PUT", path, "{}").body()).isEqualTo(home);
      assertThat(post(path + "/observations").body()).isEqualTo(home);
      assertThat(send("DELETE", path, "").body()).isEqualTo(home);
    }
  }

  @Test
  void runsAreSpreadOverAllReplicas() throws Exception {
    Map<String, Long> shares =
        homes().values().stream()
            .collect(Collectors.groupingBy(home -> home, Collectors.counting()));

    assertThat(shares).hasSize(3);
    assertThat(shares.values()).allMatch(share -> share >= RUNS.size() / 10);
  }

  @Test
  void whenAReplicaGoesTheOthersKeepTheirRunsAndShareIts() throws Exception {
    Map<String, String> before = homes();
    ScriptedReplica gone = replicas.getFirst();
    gone.stop();
    Map<String, String> after = homes();

    String lost = Integer.toString(gone.port());
    assertThat(after).doesNotContainValue(lost);
    List<String> moved = RUNS.stream().filter(run -> before.get(run).equals(lost)).toList();
    assertThat(moved.stream().map(after::get).distinct()).hasSize(2);
    before.keySet().removeAll(moved);
    assertThat(after).containsAllEntriesOf(before);
  }

  @Test
  void whenAReplicaIsTakenOutOfTheConfigurationTheOthersKeepTheirRuns() throws Exception {
    Map<String, String> before = homes();
    List<Integer> kept = replicas.subList(0, 2).stream().map(ScriptedReplica::port).toList();
    nginx.close();
    nginx = NginxProcess.start(NginxProcess.installed().orElseThrow(), temporary, kept);
    Map<String, String> after = homes();

    before.values().removeIf(home -> !kept.contains(Integer.valueOf(home)));
    assertThat(after).containsAllEntriesOf(before);
  }

  @Test
  void aReplicaThatIsBackGetsItsRunsBack() throws Exception {
    ScriptedReplica home = home("sft-42");
    home.stop();
    assertThat(get("/v1/runs/sft-42").body()).isNotEqualTo(Integer.toString(home.port()));
    home.startAgain();

    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (!get("/v1/runs/sft-42").body().equals(Integer.toString(home.port()))) {
      assertThat(System.nanoTime() - deadline).as("still elsewhere").isNegative();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "PUT", "POST"})
  void aRequestWhoseConnectionIsRefusedGoesToAnotherReplica(String method) throws Exception {
    ScriptedReplica home = home("sft-42");
    home.stop();
    int before = received().size();
    HttpResponse<String> answer = send(method, "/v1/runs/sft-42/observations", "{}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(received()).hasSize(before + 1);
  }

  /** As when the machine of a replica is gone: nobody even refuses. */
  @Test
  void aReplicaThatCannotBeConnectedToIsPassedOverWithinAStep() throws Exception {
    ScriptedReplica home = home("sft-42");
    home.stop();
    try (ServerSocket full = new ServerSocket(home.port(), 1, InetAddress.getLoopbackAddress())) {
      List<Socket> waiting = new ArrayList<>();
      try {
        // Nobody accepts: once the queue is full, connecting is not answered any more.
        fill(full, waiting);
        long begin = System.nanoTime();
        HttpResponse<String> answer = post("/v1/runs/sft-42/observations");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
        assertThat(posts()).hasSize(1);
      } finally {
        for (Socket socket : waiting) {
          socket.close();
        }
      }
    }
  }

  private static void fill(ServerSocket full, List<Socket> waiting) throws IOException {
    for (int i = 0; i < 10; i++) {
      Socket socket = new Socket();
      waiting.add(socket);
      try {
        socket.connect(full.getLocalSocketAddress(), 200);
      } catch (SocketTimeoutException e) {
        return;
      }
    }
    throw new AssertionError("the queue of connections is never full here");
  }

  @Test
  void aPostThatWasSentAndThenCutIsNotSentAgain() throws Exception {
    for (ScriptedReplica replica : replicas) {
      replica.cutAfterRequests();
    }
    HttpResponse<String> answer = post("/v1/runs/sft-42/observations");

    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(posts()).hasSize(1);
  }

  /** The client has the key and repeats by itself. */
  @Test
  void aPostWithAKeyIsNotSentAgainEither() throws Exception {
    ScriptedReplica home = home("sft-42");
    home.cutAfterRequests();

    assertThat(post("/v1/runs/sft-42/observations", "Idempotency-Key", "1/0/0").statusCode())
        .isEqualTo(502);
    assertThat(posts()).hasSize(1);
    assertThat(post("/v1/runs/sft-42/observations", "Idempotency-Key", "1/0/0").statusCode())
        .isEqualTo(200);
    assertThat(posts()).hasSize(2);
  }

  @Test
  void aGetThatWasSentAndThenCutIsAskedOfAnother() throws Exception {
    ScriptedReplica home = home("sft-42");
    home.cutAfterRequests();
    HttpResponse<String> answer = get("/v1/runs/sft-42/statistics");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isNotEqualTo(Integer.toString(home.port()));
  }

  /** What a replica refuses, another would refuse too; the store is the same. */
  @Test
  void anAnswerIsNeverAskedForTwice() throws Exception {
    for (int status : new int[] {404, 409, 429, 500, 503}) {
      for (ScriptedReplica replica : replicas) {
        replica.script(exchange -> ScriptedReplica.answer(exchange, status, "problem"));
      }
      int before = received().size();
      HttpResponse<String> answer = get("/v1/runs/sft-42");

      assertThat(answer.statusCode()).isEqualTo(status);
      assertThat(answer.body()).isEqualTo("problem");
      assertThat(received()).hasSize(before + 1);
    }
  }

  @Test
  void aBodyAsLargeAsTheServiceTakesPasses() throws Exception {
    byte[] body = new byte[8 << 20];
    HttpResponse<String> answer =
        send("POST", "/v1/runs/sft-42/observations", BodyPublishers.ofByteArray(body));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(posts()).extracting(ScriptedReplica.Received::body).containsExactly(8L << 20);
  }

  @Test
  void aLargerBodyIsRefusedByTheServiceItself() throws Exception {
    home("sft-42").script(exchange -> ScriptedReplica.answer(exchange, 413, "problem"));
    HttpResponse<String> answer =
        send(
            "POST",
            "/v1/runs/sft-42/observations",
            BodyPublishers.ofByteArray(new byte[(8 << 20) + 1]));

    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(answer.body()).isEqualTo("problem");
  }

  @Test
  void aSlowAnswerPasses() throws Exception {
    ScriptedReplica home = home("sft-42");
    home.script(
        exchange ->
            CompletableFuture.runAsync(
                () -> answerPort(exchange, home.port()),
                CompletableFuture.delayedExecutor(3, TimeUnit.SECONDS)));
    HttpResponse<String> answer = post("/v1/runs/sft-42/observations");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(Integer.toString(home.port()));
    assertThat(posts()).hasSize(1);
  }

  private static void answerPort(HttpExchange exchange, int port) {
    try {
      ScriptedReplica.answer(exchange, 200, Integer.toString(port));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anExportPassesLineByLine() throws Exception {
    CountDownLatch firstRead = new CountDownLatch(1);
    home("sft-42")
        .script(
            exchange -> {
              exchange.sendResponseHeaders(200, 0);
              try (OutputStream out = exchange.getResponseBody()) {
                out.write("first\n".getBytes(StandardCharsets.UTF_8));
                out.flush();
                boolean read = await(firstRead);
                out.write((read ? "second\n" : "not read\n").getBytes(StandardCharsets.UTF_8));
              }
            });
    HttpResponse<InputStream> answer =
        client.send(request("/v1/runs/sft-42/observations").build(), BodyHandlers.ofInputStream());
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
      assertThat(lines.readLine()).isEqualTo("first");
      firstRead.countDown();
      assertThat(lines.readLine()).isEqualTo("second");
    }
  }

  /** The replica waits for the reader: nothing between them takes in what is not asked for yet. */
  @Test
  void anExportIsNotCollectedOnTheWay() throws Exception {
    long whole = 128L << 20;
    AtomicLong written = new AtomicLong();
    home("sft-42")
        .script(
            exchange -> {
              exchange.sendResponseHeaders(200, whole);
              byte[] piece = new byte[1 << 16];
              try (OutputStream out = exchange.getResponseBody()) {
                while (written.get() < whole) {
                  out.write(piece);
                  written.addAndGet(piece.length);
                }
              }
            });
    HttpResponse<InputStream> answer =
        client.send(request("/v1/runs/sft-42/observations").build(), BodyHandlers.ofInputStream());
    try (InputStream body = answer.body()) {
      awaitRest(written);
      // What the kernel's buffers of the connections hold.
      assertThat(written.get()).isLessThan(whole / 2);
      assertThat(body.transferTo(OutputStream.nullOutputStream())).isEqualTo(whole);
    }
  }

  /** Waits until a count has not changed for half a second. */
  private static void awaitRest(AtomicLong count) {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    long before = -1;
    while (count.get() != before) {
      assertThat(System.nanoTime() - deadline).as("still growing").isNegative();
      before = count.get();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
    }
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  @Test
  void theHeadersThatTheServiceReadsArrive() throws Exception {
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    post(
        "/v1/runs/sft-42/observations",
        "X-Request-Id",
        "r-1",
        "traceparent",
        trace,
        "Idempotency-Key",
        "1/0/0",
        "Accept",
        "application/cbor");

    Map<String, List<String>> headers = posts().getFirst().headers();
    assertThat(headers)
        .containsEntry("X-request-id", List.of("r-1"))
        .containsEntry("Traceparent", List.of(trace))
        .containsEntry("Idempotency-key", List.of("1/0/0"))
        .containsEntry("Accept", List.of("application/cbor"))
        .containsEntry("Host", List.of("127.0.0.1:" + nginx.port()));
  }

  @Test
  void connectionsToReplicasAreKept() throws Exception {
    for (int i = 0; i < 50; i++) {
      post("/v1/runs/sft-42/observations");
    }

    assertThat(posts()).hasSize(50);
    // One of each of the two workers.
    assertThat(posts().stream().map(ScriptedReplica.Received::from).distinct())
        .hasSizeLessThanOrEqualTo(2);
  }

  /** Each run with the port of the replica that it goes to. */
  private Map<String, String> homes() throws Exception {
    Map<String, String> homes = new HashMap<>();
    for (String run : RUNS) {
      homes.put(run, get("/v1/runs/" + run).body());
    }
    return homes;
  }

  private ScriptedReplica home(String run) throws Exception {
    String port = get("/v1/runs/" + run).body();
    return replicas.stream()
        .filter(replica -> Integer.toString(replica.port()).equals(port))
        .findFirst()
        .orElseThrow(() -> new AssertionError(port + "\n" + nginx.said()));
  }

  private List<ScriptedReplica.Received> received() {
    return replicas.stream().flatMap(replica -> replica.received().stream()).toList();
  }

  private List<ScriptedReplica.Received> posts() {
    return received().stream().filter(request -> request.method().equals("POST")).toList();
  }

  private HttpResponse<String> get(String path) throws Exception {
    return send("GET", path, "");
  }

  private HttpResponse<String> post(String path, String... headers) throws Exception {
    return send("POST", path, BodyPublishers.ofString("{}"), headers);
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return send(
        method, path, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
  }

  private HttpResponse<String> send(
      String method, String path, BodyPublisher body, String... headers) throws Exception {
    HttpRequest.Builder request = request(path).method(method, body);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + nginx.port() + path))
        .timeout(DEADLINE);
  }
}
