package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A training run on the real clock and its own thread, with nobody at the address. */
class TrainingLifeTest {

  private static Batch batch(long step, int losses) {
    BatchBuilder builder = Batch.builder().step(step).dialogue("secret-dialogue").source("secret-source");
    for (int i = 0; i < losses; i++) {
      builder.loss(2 + i * 0.01);
    }
    return builder.build();
  }

  private static URI nobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
  }

  private static long senders() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("resure-outbox"))
        .count();
  }

  @Test
  void itsThreadEndsWithItAndItsLogSaysNoIdsAndNoToken() throws IOException {
    Logger logger = (Logger) LoggerFactory.getLogger("resure.client");
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    try (ResureClient client =
        ResureClient.builder().address(nobody()).token("secret-token").build()) {
      TrainingRun training =
          client.training("run").attempt("secret-attempt").deadline(Duration.ofMillis(50)).open();
      for (int step = 0; step < 10; step++) {
        training.weigh(batch(step, 3));
      }
      assertThat(senders()).isEqualTo(1);

      training.close(Duration.ofMillis(20));

      assertThat(senders()).isZero();
      assertThat(training.counts().dropped()).isEqualTo(10);
    } finally {
      logger.detachAppender(log);
    }
    assertThat(log.list).isNotEmpty();
    assertThat(log.list).noneMatch(event -> event.getFormattedMessage().contains("secret"));
    await().untilAsserted(() -> assertThat(senders()).isZero());
  }

  @Test
  void itsMetersSayWhatItsCountsSay() throws IOException {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (ResureClient client = ResureClient.builder().address(nobody()).build()) {
      TrainingRun training = client.training("run").deadline(Duration.ofMillis(50)).open();
      new ResureMetrics(training, Tag.of("run", "sft")).bindTo(registry);
      training.weigh(batch(0, 3));
      training.weigh(batch(1, 3));

      assertThat(registry.get("resure.client.batches.queued").tag("run", "sft").gauge().value())
          .isEqualTo(2);
      assertThat(registry.get("resure.client.weight.mean").gauge().value()).isEqualTo(1);
      assertThat(
              registry
                  .get("resure.client.fallbacks")
                  .tags("to", "one", "reason", "unavailable")
                  .functionCounter()
                  .count())
          .isEqualTo(2);
      assertThat(registry.get("resure.client.weigh").functionTimer().count()).isEqualTo(2);

      training.close(Duration.ofMillis(1));
      assertThat(
              registry
                  .get("resure.client.batches")
                  .tag("outcome", "dropped")
                  .functionCounter()
                  .count())
          .isEqualTo(2);
    }
  }

  @Test
  void weighingHereIsFarFromBeingNoticed() throws IOException {
    try (ResureClient client = ResureClient.builder().address(nobody()).build()) {
      TrainingRun training = client.training("run").mode(Mode.LOCAL).open();
      long[] nanos = new long[5_000];
      for (int step = 0; step < 2 * nanos.length; step++) {
        Batch batch = batch(step, 128);
        long begun = System.nanoTime();
        training.weigh(batch);
        // The first half warms up the compiler.
        nanos[step % nanos.length] = System.nanoTime() - begun;
      }
      training.close(Duration.ofMillis(1));
      Arrays.sort(nanos);
      long p99 = nanos[nanos.length * 99 / 100];
      System.out.println("local weighing of 128 losses, p99: " + p99 + " ns");
      // 0.2 ms on a quiet machine; this one may be busy.
      assertThat(p99).isLessThan(2_000_000);
    }
  }
}
