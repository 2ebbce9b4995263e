package resure.deploy;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real Prometheus as a child process, on loopback, with our rules, that scrapes one service. */
public final class PrometheusProcess implements AutoCloseable {

  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final JsonMapper JSON = new JsonMapper();
  private static final String CONFIGURATION =
      """
      global:
        scrape_interval: 500ms
        scrape_timeout: 500ms
        evaluation_interval: 500ms
        external_labels:
          resure_console: http://127.0.0.1:8080
      rule_files: [rules.yml]
      scrape_configs:
        - job_name: resure
          metrics_path: /actuator/prometheus
          static_configs:
            - targets: ["127.0.0.1:%d"]
      """;

  private final Process process;
  private final Path said;
  private final int port;
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(DEADLINE).build();

  private PrometheusProcess(Process process, Path said, int port) {
    this.process = process;
    this.said = said;
    this.port = port;
  }

  /** Where a program is, if it is installed. */
  public static Optional<Path> installed(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it in an empty directory and waits until it is ready. */
  public static PrometheusProcess start(Path prometheus, Path directory, int scraped)
      throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    Files.writeString(directory.resolve("rules.yml"), ComposeFile.text(RulesTest.RULES));
    Files.writeString(directory.resolve("prometheus.yml"), CONFIGURATION.formatted(scraped));
    Path said = directory.resolve("said.txt");
    Process process =
        new ProcessBuilder(
                prometheus.toString(),
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--web.listen-address=127.0.0.1:" + port)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    PrometheusProcess started = new PrometheusProcess(process, said, port);
    try {
      started.awaitReady();
    } catch (AssertionError e) {
      started.close();
      throw e;
    }
    return started;
  }

  private void awaitReady() {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (!ready()) {
      if (!process.isAlive() || System.nanoTime() - deadline > 0) {
        throw new AssertionError("Prometheus is not ready: " + said());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private boolean ready() {
    try {
      return get("/-/ready").statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  private HttpResponse<String> get(String path) throws IOException {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(DEADLINE)
              .build(),
          BodyHandlers.ofString());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What an expression gives now: the samples of its vector. */
  public JsonNode query(String expression) {
    return data("/api/v1/query?query=" + encoded(expression)).get("result");
  }

  /** The series that an expression gives over the last {@code seconds}, a sample each second. */
  public JsonNode queryRange(String expression, int seconds) {
    double now = System.currentTimeMillis() / 1e3;
    return data("/api/v1/query_range?query=%s&start=%s&end=%s&step=1"
            .formatted(encoded(expression), now - seconds, now))
        .get("result");
  }

  /** The values of a label in series that match. */
  public List<String> labelValues(String series, String label) {
    JsonNode values = data("/api/v1/label/%s/values?match[]=%s".formatted(label, encoded(series)));
    return values.valueStream().map(JsonNode::asString).toList();
  }

  /** Its alerting and recording rules, with how they fare. */
  public JsonNode rules() {
    return data("/api/v1/rules").get("groups");
  }

  private JsonNode data(String path) {
    try {
      String body = get(path.replace("[", "%5B").replace("]", "%5D")).body();
      JsonNode answer = JSON.readTree(body);
      if (!answer.path("status").asString("").equals("success")) {
        throw new AssertionError(path + ": " + body);
      }
      return answer.get("data");
    } catch (IOException e) {
      throw new AssertionError(said(), e);
    }
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private String said() {
    try {
      return Files.readString(said);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
    try {
      process.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
  }
}
