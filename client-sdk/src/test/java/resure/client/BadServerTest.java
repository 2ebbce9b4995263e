package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static resure.client.Scripted.BATCH;
import static resure.client.Scripted.CBOR;
import static resure.client.Scripted.SCORES;
import static resure.client.Scripted.cbor;
import static resure.client.Scripted.fails;
import static resure.client.Scripted.good;
import static resure.client.Scripted.problem;
import static resure.client.Scripted.to;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Calls to servers that answer late, wrongly or not at all: they end by their deadline, and nothing
 * is left.
 */
@Timeout(60)
@SuppressWarnings("try") // what closing does is looked at before the end
class BadServerTest {

  @BeforeEach
  void warmUp() throws IOException {
    Scripted.warmUp();
  }

  @AfterEach
  void nothingIsLeft() {
    Scripted.noThreadIsLeft();
  }

  private ResureException scoreFails(BadServer server) throws IOException {
    ResureException failure;
    try (server;
        ResureClient client = to(server).build()) {
      failure = fails(client, c -> c.score("run", BATCH, "key"));
      client.close();
      await().until(() -> server.open() == 0);
      assertThat(server.faults()).isEmpty();
    }
    return failure;
  }

  /** The same with no client closed: what is left of a call alone. */
  private ResureException endsItsConnection(BadServer server) throws IOException {
    try (server;
        ResureClient client = to(server).build()) {
      ResureException failure = fails(client, c -> c.score("run", BATCH, "key"));
      await().until(() -> server.open() == 0);
      assertThat(server.faults()).isEmpty();
      return failure;
    }
  }

  @Test
  void aGoodAnswerIsAnAnswer() throws Exception {
    try (BadServer server = good();
        ResureClient client = to(server).build()) {
      Scores scores = client.score("run", BATCH, "a/key");

      assertThat(scores.weights().toArray()).containsExactly(1, Double.NaN, 0.5);
      assertThat(server.requests().get(0).line())
          .isEqualTo("POST /v1/runs/run/observations HTTP/1.1");
      assertThat(server.requests().get(0).head())
          .contains(
              "Idempotency-Key: a/key\r\n",
              "Content-Type: application/cbor\r\n",
              "Accept: application/cbor, application/problem+json\r\n")
          .doesNotContain("Authorization");
      assertThat(server.requests().get(0).body()).isEqualTo(BatchWriter.write(BATCH));
    }
  }

  @Test
  void aServerThatSaysNothingIsLeft() throws Exception {
    CompletableFuture<BadServer> itself = new CompletableFuture<>();
    BadServer server = new BadServer((request, out) -> itself.join().silence());
    itself.complete(server);

    assertThat(endsItsConnection(server))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("no whole answer");
  }

  @Test
  void aBodyThatTricklesIsCut() throws Exception {
    byte[] longer = Arrays.copyOf(SCORES, 10_000);

    ResureException failure =
        endsItsConnection(
            new BadServer(
                (request, out) -> {
                  BadServer.head(out, 200, CBOR, longer.length);
                  BadServer.trickle(out, longer);
                }));

    assertThat(failure)
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("no whole answer");
  }

  @Test
  void headersThatTrickleAreCut() throws Exception {
    byte[] head = ("HTTP/1.1 200 OK\r\nX: " + "x".repeat(2000)).getBytes(StandardCharsets.UTF_8);

    assertThat(endsItsConnection(new BadServer((request, out) -> BadServer.trickle(out, head))))
        .isInstanceOf(UnavailableException.class);
  }

  @Test
  void anAnswerCutByTheConnectionIsRepeatedUnderTheSameKey() throws Exception {
    AtomicInteger answers = new AtomicInteger();
    try (BadServer server =
            new BadServer(
                (request, out) -> {
                  BadServer.head(out, 200, CBOR, SCORES.length);
                  boolean first = answers.incrementAndGet() == 1;
                  out.write(SCORES, 0, first ? 10 : SCORES.length);
                  out.flush();
                  if (first) {
                    throw new BadServer.HangUp();
                  }
                });
        ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build()) {
      assertThat(client.score("run", BATCH).sequence()).isEqualTo(2);

      assertThat(server.requests()).hasSize(2);
      assertThat(keyOf(server.requests().get(1))).isEqualTo(keyOf(server.requests().get(0)));
      assertThat(server.requests().get(1).body()).isEqualTo(server.requests().get(0).body());
    }
  }

  private static String keyOf(BadServer.Request request) {
    return request
        .head()
        .lines()
        .filter(line -> line.startsWith("Idempotency-Key: "))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aConnectionThatAlwaysBreaksIsUnavailable() throws Exception {
    BadServer server =
        new BadServer(
            (request, out) -> {
              throw new BadServer.HangUp();
            });

    assertThat(scoreFails(server))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("POST /v1/runs/run/observations");
    assertThat(server.requests()).hasSizeGreaterThan(1);
  }

  @Test
  void aBusyServiceIsAskedAgainWhenItSays() throws Exception {
    AtomicInteger answers = new AtomicInteger();
    List<Long> times = new ArrayList<>();
    try (BadServer server =
            new BadServer(
                (request, out) -> {
                  times.add(System.nanoTime());
                  if (answers.incrementAndGet() == 1) {
                    BadServer.whole(
                        out,
                        429,
                        Reply.PROBLEM,
                        problem(429, "quota-exceeded"),
                        "Retry-After",
                        "1");
                  } else {
                    BadServer.whole(out, 200, CBOR, SCORES);
                  }
                });
        ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build()) {
      assertThat(client.score("run", BATCH).sequence()).isEqualTo(2);

      assertThat(Duration.ofNanos(times.get(1) - times.get(0)))
          .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
      assertThat(server.accepted()).as("the connection is used again").isEqualTo(1);
    }
  }

  @Test
  void aBusyServiceThatWantsToBeLeftForLongerThanTheDeadlineFailsAtOnce() throws Exception {
    BadServer server =
        new BadServer(
            (request, out) ->
                BadServer.whole(
                    out, 429, Reply.PROBLEM, problem(429, "queue-full"), "Retry-After", "1"));
    long begun = System.nanoTime();

    ResureException failure = scoreFails(server);

    assertThat(failure)
        .isInstanceOfSatisfying(
            ProblemException.class,
            problem -> assertThat(problem.type()).isEqualTo(ProblemType.QUEUE_FULL));
    assertThat(server.requests()).hasSize(1);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(20));
  }

  @Test
  void aServiceInTroubleIsAskedAgainUntilTheDeadline() throws Exception {
    record Case(int status, String type) {}
    for (Case trouble :
        List.of(
            new Case(429, "queue-full"),
            new Case(500, "internal"),
            new Case(503, "store-unavailable"),
            new Case(503, "outcome-unknown"))) {
      BadServer server =
          new BadServer(
              (request, out) ->
                  BadServer.whole(
                      out, trouble.status, Reply.PROBLEM, problem(trouble.status, trouble.type)));

      // The last attempt may be cut by the deadline before it is answered.
      Throwable failure = scoreFails(server);
      assertThat(failure).isInstanceOfAny(ProblemException.class, UnavailableException.class);
      if (failure instanceof ProblemException problem) {
        assertThat(problem.status()).isEqualTo(trouble.status);
      }
      assertThat(server.requests()).as(trouble.toString()).hasSizeGreaterThan(1);
    }
  }

  @Test
  void whatIsRefusedIsNotAskedAgain() throws Exception {
    BadServer server =
        new BadServer(
            (request, out) ->
                BadServer.whole(out, 409, Reply.PROBLEM, problem(409, "stale-attempt")));

    assertThat(scoreFails(server))
        .isInstanceOfSatisfying(
            ProblemException.class,
            problem -> assertThat(problem.type()).isEqualTo(ProblemType.STALE_ATTEMPT));
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void anAnswerOfAnotherKindIsNotBelieved() throws Exception {
    assertThat(
            scoreFails(
                new BadServer((request, out) -> BadServer.whole(out, 200, "text/html", SCORES))))
        .isInstanceOf(UnexpectedAnswerException.class)
        .hasMessageContaining("text/html");
  }

  @Test
  void aTruncatedValueIsNotBelieved() throws Exception {
    byte[] cut = Arrays.copyOf(SCORES, SCORES.length - 1);

    assertThat(scoreFails(new BadServer((request, out) -> BadServer.whole(out, 200, CBOR, cut))))
        .isInstanceOf(UnexpectedAnswerException.class)
        .hasMessageContaining("cut or garbled");
  }

  @Test
  void weightsOfAnotherShapeAreNotBelieved() throws Exception {
    byte[] other =
        cbor(
            """
            {"sequence": 2, "step": 1, "weights": [[1.0, 0.5]]}
            """);

    assertThat(scoreFails(new BadServer((request, out) -> BadServer.whole(out, 200, CBOR, other))))
        .isInstanceOf(UnexpectedAnswerException.class)
        .hasMessageContaining("shape");
  }

  @Test
  void aRedirectIsNotFollowed() throws Exception {
    try (BadServer elsewhere = good()) {
      BadServer server =
          new BadServer(
              (request, out) ->
                  BadServer.whole(
                      out,
                      307,
                      CBOR,
                      SCORES,
                      "Location",
                      elsewhere.address() + "/v1/runs/run/observations"));

      assertThat(scoreFails(server))
          .isInstanceOf(UnexpectedAnswerException.class)
          .hasMessageContaining("redirects are not followed");
      assertThat(elsewhere.accepted()).isZero();
    }
  }

  @Test
  void anEndlessAnswerIsCutAtItsBound() throws Exception {
    byte[] more = new byte[1 << 16];
    for (int status : new int[] {200, 503}) {
      BadServer server =
          new BadServer(
              (request, out) -> {
                BadServer.head(out, status, CBOR, Long.MAX_VALUE);
                while (true) {
                  out.write(more);
                }
              });
      try (server;
          ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build()) {
        assertThatThrownBy(
                () -> client.post("run", "key", BATCH, false, Duration.ofSeconds(20)).get())
            .cause()
            .isInstanceOf(status == 200 ? UnexpectedAnswerException.class : ProblemException.class);
        await().until(() -> server.open() == 0);
      }
    }
  }

  @Test
  void whatDoesNotSpeakHttpIsNotTheService() throws Exception {
    BadServer server =
        new BadServer(
            (request, out) -> {
              out.write("SSH-2.0-OpenSSH_9.2\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
              out.flush();
            });

    assertThat(scoreFails(server)).isInstanceOf(ResureException.class);
  }

  @Test
  void aThousandFailuresLeaveNoMoreThanOne() throws Exception {
    try (BadServer server =
            new BadServer(
                (request, out) -> {
                  BadServer.head(out, 200, CBOR, SCORES.length);
                  out.write(SCORES, 0, 5);
                  out.flush();
                });
        ResureClient client = to(server).build()) {
      List<CompletableFuture<Scores>> calls = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        calls.add(client.post("run", "key-" + i, BATCH, false, Duration.ofMillis(i)));
      }
      for (CompletableFuture<Scores> call : calls) {
        assertThatThrownBy(call::get).hasCauseInstanceOf(ResureException.class);
      }
      await().atMost(Duration.ofSeconds(20)).until(() -> server.open() == 0);
    }
  }
}
