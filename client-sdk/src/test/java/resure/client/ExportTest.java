package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static resure.client.Scripted.CBOR;
import static resure.client.Scripted.cbor;
import static resure.client.Scripted.fails;
import static resure.client.Scripted.to;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Exports from a server that may not go on. */
@Timeout(60)
@SuppressWarnings("try") // what closing does is looked at before the end
class ExportTest {

  @BeforeEach
  void warmUp() throws IOException {
    Scripted.warmUp();
  }

  @AfterEach
  void nothingIsLeft() {
    Scripted.noThreadIsLeft();
  }

  private static final String LINE =
      """
      {"sequence": 2, "step": 1, "rank": 0, "microBatch": 0, "dialogue": "d", "source": null,
       "turn": 0, "loss": 2.5, "weight": 1.0}
      """;

  /** Two observations, without the end of their array. */
  private static byte[] cutExport() {
    byte[] line = cbor(LINE);
    byte[] export = new byte[1 + 2 * line.length];
    export[0] = (byte) 0x9f;
    System.arraycopy(line, 0, export, 1, line.length);
    System.arraycopy(line, 0, export, 1 + line.length, line.length);
    return export;
  }

  private static byte[] wholeExport() {
    byte[] cut = cutExport();
    byte[] whole = Arrays.copyOf(cut, cut.length + 1);
    whole[cut.length] = (byte) 0xff;
    return whole;
  }

  @Test
  void anExportFlows() throws Exception {
    try (BadServer server =
            new BadServer((request, out) -> BadServer.whole(out, 200, CBOR, wholeExport()));
        ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build()) {
      try (Stream<ExportedObservation> export = client.export("run", 1L, 2L)) {
        assertThat(export)
            .hasSize(2)
            .contains(new ExportedObservation(2, 1L, 0, 0, "d", null, 0, 2.5, 1.0, false));
      }
      assertThat(server.requests().get(0).line())
          .isEqualTo("GET /v1/runs/run/observations?fromStep=1&toStep=2 HTTP/1.1");
      client.export("run", null, 2L).close();
      assertThat(server.requests().get(1).line()).contains("observations?toStep=2 ");
    }
  }

  @Test
  void anExportThatIsCutIsNotTakenForAWholeOne() throws Exception {
    for (boolean byTheConnection : new boolean[] {true, false}) {
      try (BadServer server =
              new BadServer(
                  (request, out) -> {
                    byte[] cut = cutExport();
                    BadServer.head(out, 200, CBOR, cut.length + (byTheConnection ? 1 : 0));
                    out.write(cut);
                    out.flush();
                    if (byTheConnection) {
                      throw new BadServer.HangUp();
                    }
                  });
          ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build();
          Stream<ExportedObservation> export = client.export("run", null, null)) {
        AtomicInteger seen = new AtomicInteger();
        assertThatThrownBy(() -> export.forEach(observation -> seen.incrementAndGet()))
            .isInstanceOf(
                byTheConnection ? UnavailableException.class : UnexpectedAnswerException.class);
        assertThat(seen).hasValue(2);
        client.close();
        await().until(() -> server.open() == 0);
      }
    }
  }

  @Test
  void anExportThatStopsIsGivenUp() throws Exception {
    CompletableFuture<BadServer> itself = new CompletableFuture<>();
    try (BadServer server =
            new BadServer(
                (request, out) -> {
                  BadServer.head(out, 200, CBOR, 10_000);
                  out.write(cutExport());
                  out.flush();
                  itself.join().silence();
                });
        ResureClient client = to(server).build()) {
      itself.complete(server);
      try (Stream<ExportedObservation> export = client.export("run", null, null)) {
        assertThat(fails(client, c -> export.count()))
            .isInstanceOf(UnavailableException.class)
            .hasMessageContaining("stopped");
      }
      await().until(() -> server.open() == 0);
    }
  }

  @Test
  void anExportThatNobodyReadsEndsWithItsStreamOrTheClient() throws Exception {
    byte[] line = cbor(LINE);
    try (BadServer server =
            new BadServer(
                (request, out) -> {
                  BadServer.head(out, 200, CBOR, Long.MAX_VALUE);
                  out.write(0x9f);
                  while (true) {
                    out.write(line);
                  }
                });
        ResureClient client = to(server).deadline(Duration.ofSeconds(20)).build()) {
      try (Stream<ExportedObservation> some = client.export("run", null, null)) {
        assertThat(some.limit(1000)).hasSize(1000);
      }
      await().until(() -> server.open() == 0);

      Stream<ExportedObservation> left = client.export("run", null, null);
      client.close();
      await().until(() -> server.open() == 0);
      assertThatThrownBy(left::count).isInstanceOf(UnavailableException.class);
    }
  }
}
