package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static resure.client.Scripted.BATCH;
import static resure.client.Scripted.CBOR;
import static resure.client.Scripted.SCORES;
import static resure.client.Scripted.fails;
import static resure.client.Scripted.good;
import static resure.client.Scripted.to;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a caller may do with a call and a client. */
@Timeout(60)
@SuppressWarnings("try") // what closing does is looked at before the end
class CallLifeTest {

  @BeforeEach
  void warmUp() throws IOException {
    Scripted.warmUp();
  }

  @AfterEach
  void nothingIsLeft() {
    Scripted.noThreadIsLeft();
  }

  @Test
  void theTokenIsSentAndNeverSaid() throws Exception {
    String secret = "s3cr3t-token";
    BadServer server =
        new BadServer(
            (request, out) ->
                BadServer.whole(out, 403, "text/html", "no".getBytes(StandardCharsets.UTF_8)));
    try (server;
        ResureClient client = to(server).token(secret).build()) {
      ResureException failure = fails(client, c -> c.describe("run"));

      assertThat(server.requests().get(0).head())
          .contains("Authorization: Bearer " + secret + "\r\n");
      assertThat(failure.toString() + client).doesNotContain(secret);
    }
    for (String bad : List.of(secret + "\n", "", secret + "\u00e9", secret + " x")) {
      assertThatThrownBy(() -> ResureClient.builder().token(bad))
          .hasMessageContaining("token")
          .hasMessageNotContaining(secret);
    }
  }

  @Test
  void aTokenIsAskedForAnewWithEveryRequest() throws Exception {
    AtomicInteger count = new AtomicInteger();
    try (BadServer server = good();
        ResureClient client = to(server).token(() -> "t" + count.incrementAndGet()).build()) {
      client.score("run", BATCH, "key");
      client.score("run", BATCH, "key");

      assertThat(server.requests().get(1).head()).contains("Bearer t2\r\n");
    }
  }

  @Test
  void whatIsCancelledHangsUp() throws Exception {
    CompletableFuture<BadServer> itself = new CompletableFuture<>();
    try (BadServer server = new BadServer((request, out) -> itself.join().silence());
        ResureClient client = to(server).deadline(Duration.ofSeconds(50)).build()) {
      itself.complete(server);
      CompletableFuture<Scores> call = client.scoreAsync("run", BATCH);
      CompletableFuture<Scores> once =
          client.post("run", "key", BATCH, false, Duration.ofSeconds(50));
      await().until(() -> server.requests().size() == 2);

      call.cancel(true);
      once.cancel(true);

      await().until(() -> server.open() == 0);
    }
  }

  @Test
  void whoIsInterruptedWaitsNoLonger() throws Exception {
    CompletableFuture<BadServer> itself = new CompletableFuture<>();
    try (BadServer server = new BadServer((request, out) -> itself.join().silence());
        ResureClient client = to(server).deadline(Duration.ofSeconds(50)).build()) {
      itself.complete(server);
      Thread.currentThread().interrupt();

      assertThatThrownBy(() -> client.score("run", BATCH)).isInstanceOf(UnavailableException.class);

      assertThat(Thread.interrupted()).isTrue();
      await().until(() -> server.open() == 0);
    }
  }

  @Test
  void closingWaitsForWhatIsUnderWayAndRefusesWhatComesLater() throws Exception {
    try (BadServer server =
        new BadServer(
            (request, out) -> {
              BadServer.head(out, 200, CBOR, SCORES.length);
              BadServer.trickle(out, Arrays.copyOf(SCORES, 10));
              out.write(SCORES, 10, SCORES.length - 10);
              out.flush();
            })) {
      ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build();
      CompletableFuture<Scores> call = client.scoreAsync("run", BATCH);
      await().until(() -> server.requests().size() == 1);

      client.close();

      assertThat(call).isCompletedWithValueMatching(scores -> scores.sequence() == 2);
      assertThatThrownBy(() -> client.score("run", BATCH))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
      client.close();
      await().until(() -> server.open() == 0);
    }
  }
}
