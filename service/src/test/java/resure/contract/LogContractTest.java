package resure.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import resure.access.Scope;
import resure.access.TokenSet;
import tools.jackson.databind.JsonNode;

/** What is in the log, and what is not. */
@ExtendWith(OutputCaptureExtension.class)
class LogContractTest {

  private static final TokenSet.Created TOKEN =
      TokenSet.create("team-a", EnumSet.allOf(Scope.class));
  private static final TokenSet.Created UNKNOWN = TokenSet.create("team-a", EnumSet.of(Scope.READ));

  @TempDir private Path directory;

  /** Everything that is logged while it is open. */
  private static final class Log extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    final List<ILoggingEvent> events = new CopyOnWriteArrayList<>();
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);

    Log() {
      start();
      root.addAppender(this);
    }

    @Override
    protected void append(ILoggingEvent event) {
      events.add(event);
    }

    List<String> of(String logger) {
      return events.stream()
          .filter(event -> event.getLoggerName().equals(logger))
          .map(ILoggingEvent::getFormattedMessage)
          .toList();
    }

    @Override
    public void close() {
      root.detachAppender(this);
      stop();
    }
  }

  private LiveService live(String... properties) throws IOException {
    Path tokens = Files.writeString(directory.resolve("tokens"), TOKEN.line());
    List<String> all = new java.util.ArrayList<>(List.of(properties));
    all.add("resure.access.tokens=" + tokens);
    LiveService live = LiveService.start(all.toArray(new String[0]));
    live.authorize(TOKEN.secret());
    return live;
  }

  @Test
  void aRequestIsCalledWhatItsClientCallsItOrGetsAName() throws IOException {
    try (LiveService live = live()) {
      for (String name : List.of("a", "sft-42/120:3=x@y+z~._", "x".repeat(128))) {
        assertThat(live.get("/v1/runs", "X-Request-Id", name).header("X-Request-Id"))
            .isEqualTo(name);
      }
      for (String bad : List.of("x".repeat(129), "a b", "a\"b", "a\u00e9", "{}", "a\\nb")) {
        assertThat(live.get("/v1/runs", "X-Request-Id", bad).header("X-Request-Id"))
            .matches("[0-9a-f]{16}");
      }
      live.authorize(null);
      assertThat(live.get("/v1/runs", "X-Request-Id", "mine").header("X-Request-Id"))
          .isEqualTo("mine");
    }
  }

  @Test
  void aLineIsWrittenForEachRequestAndNothingOfWhatIsSecretOrSent(CapturedOutput output)
      throws IOException {
    String secret = "do-not-log-this";
    try (LiveService live =
            live("logging.level.resure.requests=DEBUG", "logging.structured.format.console=ecs");
        Log log = new Log()) {
      String run = live.newRun("{}");
      live.score(run, "{\"dialogues\":[{\"id\":\"%s\",\"losses\":[1]}]}".formatted(secret));
      live.post(run + "/observations", "{\"" + secret + "\":1}");
      live.get(run + "?" + secret + "=1");
      live.get(
          "/v1/runs/nobody",
          "X-Request-Id",
          "the-fourth",
          "traceparent",
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
      live.get("/v1/runs/%0d%0aERROR%20forged");
      live.authorize(UNKNOWN.secret());
      live.get(run);

      await().atMost(20, SECONDS).until(() -> log.of("resure.requests").size() >= 7);
      List<String> lines = log.of("resure.requests");
      assertThat(lines).hasSize(7);
      String who = "token " + TOKEN.line().substring(0, 8);
      assertThat(lines.get(0)).startsWith("201 PUT " + run + " by " + who + " in ");
      assertThat(lines.get(1))
          .startsWith("200 POST " + run + "/observations by ")
          .endsWith("answered");
      assertThat(lines.get(2)).startsWith("422 POST ").endsWith(": invalid-field");
      assertThat(lines.get(3)).startsWith("422 GET " + run + " by ");
      assertThat(lines.get(4)).startsWith("404 GET ").contains("request the-fourth: unknown-run");
      assertThat(lines.get(5)).startsWith("422 GET /v1/runs/%0d%0aERROR%20forged by ");
      assertThat(lines.get(6)).startsWith("401 GET ").contains(" by nobody ");

      List<JsonNode> written =
          output
              .getOut()
              .lines()
              .filter(line -> line.contains("resure.requests"))
              .map(line -> ContractValidator.parse(line.getBytes(US_ASCII)))
              .toList();
      assertThat(written).hasSize(7);
      JsonNode fourth = written.get(4);
      assertThat(fourth.toString())
          .contains("the-fourth", "0af7651916cd43dd8448eb211c80319c", "@timestamp", "ecs");
      String everything =
          log.events.stream()
                  .map(event -> event.getFormattedMessage() + event.getKeyValuePairs())
                  .collect(Collectors.joining("\n"))
              + output.getAll();
      assertThat(everything)
          .doesNotContain(secret)
          .doesNotContain(TOKEN.secret().substring(16))
          .doesNotContain(UNKNOWN.secret().substring(16))
          .doesNotContain("\nERROR forged");
    }
  }

  @Test
  void clientsThatLeaveAreNothingToLookAt() throws Exception {
    try (LiveService live = live();
        Log log = new Log()) {
      String run = live.newRun("{}");
      String losses =
          IntStream.range(0, 60_000).mapToObj(i -> "1").collect(Collectors.joining(","));
      for (int i = 0; i < 8; i++) {
        live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + losses + "]}]}");
      }
      for (int i = 0; i < 3; i++) {
        leaves(live, "GET " + run + "/events", "", 500);
        leaves(live, "GET " + run + "/observations", "", 50_000);
        leaves(live, "POST " + run + "/observations", "Content-Length: 1000\r\n", 0);
        leaves(live, "GET " + run + "/statistics", "", 0);
      }
      live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}");
      // What is left of those that went is found out when more is to be written to them.
      live.delete(run);
      assertThat(live.get("/v1/runs").status()).isEqualTo(200);
      assertThat(log.events)
          .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
          .extracting(ILoggingEvent::getLoggerName, ILoggingEvent::getFormattedMessage)
          .isEmpty();
    }
  }

  /** Sends a head, reads so much of the answer, and resets the connection. */
  private static void leaves(LiveService live, String request, String headers, int read)
      throws IOException {
    try (Socket socket = new Socket("127.0.0.1", live.port())) {
      socket.setSoLinger(true, 0);
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              "%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n{"
                  .formatted(request, TOKEN.secret(), headers)
                  .getBytes(US_ASCII));
      socket.getInputStream().readNBytes(Math.min(read, 12));
      socket.getInputStream().readNBytes(Math.max(0, read - 12 - 488));
    }
  }
}
