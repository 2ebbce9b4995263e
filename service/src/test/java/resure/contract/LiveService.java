package resure.contract;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.util.FileSystemUtils;
import resure.journal.postgres.EmbeddedServer;
import tools.jackson.core.JacksonException;

/**
 * The service as it is, in this JVM, on ports and a state directory of its own, with a client whose
 * every exchange is held to the contract.
 */
final class LiveService implements AutoCloseable {

  /**
   * What tests that may run at once take turns with: Netty's resources are those of the process.
   */
  static final String IN_THIS_PROCESS = "resure.contract.LiveService";

  static final String CBOR = "application/cbor";

  /** How the client writes what its methods are given as JSON, and asks to be answered. */
  enum Speech {
    JSON,
    CBOR
  }

  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final ContractValidator contract = new ContractValidator();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(DEADLINE).build();
  private final AtomicInteger names = new AtomicInteger();
  private final Path state;
  private final List<String> properties;
  private final List<String> store;
  private Speech speech = Speech.JSON;
  private @Nullable String token;
  private ConfigurableApplicationContext context;

  private LiveService(Path state, List<String> properties) {
    this.state = state;
    this.properties = properties;
    store = store();
    context = run();
  }

  /** Starts the service on an empty state, with properties of the form {@code name=value}. */
  static LiveService start(String... properties) {
    try {
      return new LiveService(Files.createTempDirectory("resure-test"), List.of(properties));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts the service on a state that there is; it is deleted with the service. */
  static LiveService open(Path state, String... properties) {
    return new LiveService(state, List.of(properties));
  }

  /** Where the database is, when a system property says that there is one: it is a new one. */
  private static List<String> store() {
    if (!"postgres".equals(System.getProperty("resure.journal.store"))) {
      return List.of();
    }
    EmbeddedServer.Database database = EmbeddedServer.shared("18").newDatabase();
    return List.of(
        "--spring.datasource.url=" + database.url(),
        "--spring.datasource.username=" + database.user(),
        "--spring.datasource.password=" + database.password());
  }

  private ConfigurableApplicationContext run() {
    List<String> arguments = new ArrayList<>();
    arguments.add("--server.port=0");
    arguments.add("--management.server.port=0");
    arguments.add("--resure.state.directory=" + state);
    arguments.add("--spring.main.banner-mode=off");
    arguments.add("--logging.level.root=WARN");
    arguments.addAll(store);
    properties.forEach(property -> arguments.add("--" + property));
    return new SpringApplication(resure.ResureService.class).run(arguments.toArray(new String[0]));
  }

  /** Stops the service; its state is left as it is. */
  void stop() {
    context.close();
  }

  /** Stops the service, looks at its state directory, and starts it again. */
  void whileStopped(Consumer<Path> look) {
    context.close();
    look.accept(state);
    context = run();
  }

  /** Stops the service and starts it again on the same state. */
  void reopen() {
    context.close();
    context = run();
  }

  @Override
  public void close() {
    context.close();
    client.close();
    try {
      FileSystemUtils.deleteRecursively(state);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** From now on, JSON that is given as text is sent so; what is not JSON stays as it is. */
  void speak(Speech like) {
    speech = like;
  }

  /** From now on this is sent with every request; null for none. */
  void authorize(@Nullable String bearer) {
    token = bearer;
  }

  ContractValidator contract() {
    return contract;
  }

  int port() {
    return Integer.parseInt(
        String.valueOf(context.getEnvironment().getProperty("local.server.port")));
  }

  int managementPort() {
    return Integer.parseInt(
        String.valueOf(context.getEnvironment().getProperty("local.management.port")));
  }

  /** What Prometheus would be told now. */
  String scrape() {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://localhost:" + managementPort() + "/actuator/prometheus"))
            .timeout(DEADLINE);
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    HttpResponse<String> answer = client.sendAsync(request.build(), BodyHandlers.ofString()).join();
    if (answer.statusCode() != 200) {
      throw new AssertionError(answer.statusCode() + " " + answer.body());
    }
    return answer.body();
  }

  /** A name that no run has had here. */
  String newName() {
    return "run-" + names.incrementAndGet();
  }

  /** Creates a run and returns its path, {@code /v1/runs/run-1}. */
  String newRun(String configuration) {
    String path = "/v1/runs/" + newName();
    Answer answer = put(path, configuration);
    if (answer.status() != 201) {
      throw new AssertionError(answer);
    }
    return path;
  }

  Answer get(String path, String... headers) {
    return send(request("GET", path, headers), new byte[0]);
  }

  Answer delete(String path) {
    return send(request("DELETE", path), new byte[0]);
  }

  Answer put(String path, String body, String... headers) {
    return send("PUT", path, body, headers);
  }

  /** Posts JSON, or nothing at all where the body is empty. */
  Answer post(String path, String body, String... headers) {
    return send("POST", path, body, headers);
  }

  /** Posts a batch that must be taken. */
  Answer score(String run, String body, String... headers) {
    Answer answer = post(run + "/observations", body, headers);
    if (answer.status() != 200) {
      throw new AssertionError(answer);
    }
    return answer;
  }

  private Answer send(String method, String path, String body, String... headers) {
    HttpRequest.Builder request = request(method, path, headers);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    if (!body.isEmpty() && !List.of(headers).contains("Content-Type")) {
      byte[] cbor = speech == Speech.CBOR ? cbor(body) : null;
      request.header("Content-Type", cbor == null ? "application/json" : CBOR);
      bytes = cbor == null ? bytes : cbor;
    }
    return send(request, bytes, method);
  }

  private static byte @Nullable [] cbor(String json) {
    try {
      return ContractValidator.cbor(json);
    } catch (JacksonException e) {
      return null;
    }
  }

  /** A request to this service that says nothing but the headers given, name by value. */
  HttpRequest.Builder request(String method, String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port() + path))
            .timeout(DEADLINE)
            .method(method, BodyPublishers.noBody());
    if (speech == Speech.CBOR && !List.of(headers).contains("Accept")) {
      request.header("Accept", CBOR);
    }
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return request;
  }

  private Answer send(HttpRequest.Builder request, byte[] body) {
    return send(request, body, request.build().method());
  }

  /** Sends any bytes and holds the exchange to the contract. */
  Answer send(HttpRequest.Builder builder, byte[] body, String method) {
    return sendAsync(builder, body, method).join();
  }

  /** The same without waiting. */
  CompletableFuture<Answer> sendAsync(HttpRequest.Builder builder, byte[] body, String method) {
    HttpRequest request =
        builder
            .method(
                method,
                body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
            .build();
    return client
        .sendAsync(request, BodyHandlers.ofByteArray())
        .thenApply(
            response -> {
              Answer answer = answer(response);
              contract.check(request, body, answer);
              return answer;
            });
  }

  /** Gets what is answered over time: once the answer has begun, something is done meanwhile. */
  Answer getWhile(String path, Runnable meanwhile) {
    HttpRequest request = request("GET", path).build();
    CompletableFuture<Void> begun = new CompletableFuture<>();
    CompletableFuture<HttpResponse<byte[]>> response =
        client.sendAsync(
            request,
            head -> {
              begun.complete(null);
              return HttpResponse.BodySubscribers.ofByteArray();
            });
    begun.join();
    meanwhile.run();
    Answer answer = answer(response.join());
    contract.check(request, new byte[0], answer);
    return answer;
  }

  /** The same with a body that is sent in chunks, its length not announced. */
  Answer sendInChunks(HttpRequest.Builder builder, byte[] body, String method) {
    HttpRequest request =
        builder
            .method(method, BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(body)))
            .build();
    Answer answer = answer(client.sendAsync(request, BodyHandlers.ofByteArray()).join());
    contract.check(request, body, answer);
    return answer;
  }

  private static Answer answer(HttpResponse<byte[]> response) {
    byte[] body = response.body();
    if (response.headers().firstValue("Content-Encoding").isPresent()) {
      try (InputStream plain = new GZIPInputStream(new ByteArrayInputStream(body))) {
        body = plain.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return new Answer(response.statusCode(), response.headers(), body);
  }
}
