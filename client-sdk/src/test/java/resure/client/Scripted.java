package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

/** What the tests with a {@link BadServer} ask it and hold it to. */
final class Scripted {

  static final Duration DEADLINE = Duration.ofMillis(400);
  static final Duration SLACK = Duration.ofSeconds(1);
  static final Batch BATCH =
      Batch.builder().step(1).dialogue("d").loss(2).unsupervised().loss(3).build();
  static final byte[] SCORES =
      cbor(
          """
          {"sequence": 2, "step": 1, "weights": [[1.0, null, 0.5]],
           "summary": {"observations": 2, "meanWeight": 0.75, "effectiveSampleSize": 1.8,
             "runMeanWeight": 1, "downWeighted": 1, "unusable": 0, "warmingUp": false,
             "late": false}}
          """);
  static final String CBOR = "application/cbor";

  private Scripted() {}

  static byte[] cbor(String json) {
    return new CBORMapper().writeValueAsBytes(new JsonMapper().readTree(json));
  }

  static byte[] problem(int status, String type) {
    String json =
        "{\"type\": \"urn:resure:problem:%s\", \"title\": \"t\", \"status\": %d, \"detail\":"
            + " \"d\"}";
    return json.formatted(type, status).getBytes(StandardCharsets.UTF_8);
  }

  static BadServer good() throws IOException {
    return new BadServer((request, out) -> BadServer.whole(out, 200, CBOR, SCORES));
  }

  static ResureClient.Builder to(BadServer... servers) {
    return ResureClient.builder()
        .address(Arrays.stream(servers).map(BadServer::address).toArray(URI[]::new))
        .deadline(DEADLINE);
  }

  /** The first exchange of a process loads classes for longer than a deadline here. */
  static void warmUp() throws IOException {
    try (BadServer server = good();
        ResureClient client = to(server).deadline(Duration.ofSeconds(30)).build()) {
      client.score("run", BATCH, "key");
    }
  }

  static void noThreadIsLeft() {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(
                        Thread.getAllStackTraces().keySet().stream()
                            .map(Thread::getName)
                            .filter(
                                n -> n.startsWith("resure-client") || n.startsWith("HttpClient")))
                    .isEmpty());
  }

  /**
   * Makes a call that fails, and holds it to its deadline: it may be as late as a task of another
   * scheduler that was to run at that time, and a second.
   */
  static ResureException fails(ResureClient client, Function<ResureClient, ?> call) {
    ScheduledExecutorService witness = Executors.newSingleThreadScheduledExecutor();
    try {
      long begun = System.nanoTime();
      Future<Long> lateness =
          witness.schedule(
              () -> System.nanoTime() - begun - DEADLINE.toNanos(),
              DEADLINE.toNanos(),
              TimeUnit.NANOSECONDS);
      Throwable failure = catchThrowable(() -> call.apply(client));
      Duration overrun = Duration.ofNanos(System.nanoTime() - begun).minus(DEADLINE);
      assertThat(failure).isInstanceOf(ResureException.class);
      if (overrun.compareTo(SLACK) > 0) {
        assertThat(overrun).as("%s", failure).isLessThan(SLACK.plusNanos(lateness.get()));
      }
      return (ResureException) failure;
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    } finally {
      witness.shutdownNow();
    }
  }
}
