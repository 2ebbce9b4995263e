package resure.crash;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import resure.contract.Answer;
import resure.contract.ContractValidator;

/**
 * The packaged service in a process of its own, and a client of it that every exchange goes
 * through.
 */
final class ServiceProcess implements AutoCloseable {

  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration DEADLINE = Duration.ofMinutes(1);
  private static final Pattern READY =
      Pattern.compile("Ready: POST losses to http://[^:]+:(\\d+)/");
  private static final Pattern PORT = Pattern.compile("Netty started on port (\\d+) ");
  private static final Pattern STARTED = Pattern.compile("Started ResureService in ");
  static final ContractValidator CONTRACT = new ContractValidator();

  private final Process process;
  private final Path log;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(DEADLINE).build();
  private int port;
  private int managementPort;

  private ServiceProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Begins to start the service; what it says goes to a file beside the state directory. */
  static ServiceProcess launch(Path state, Map<String, String> environment, String... properties)
      throws IOException {
    List<String> command = java(state.toAbsolutePath().getParent());
    if (Stream.of(properties).noneMatch(property -> property.startsWith("server.port="))) {
      command.add("--server.port=0");
    }
    command.add("--management.server.port=0");
    command.add("--resure.state.directory=" + state);
    for (String property : properties) {
      command.add("--" + property);
    }
    return start(command, environment, state.toAbsolutePath().getParent());
  }

  /** Begins to do what a command says; a directory for its log and for what it unpacks. */
  static ServiceProcess command(Path directory, String... arguments) throws IOException {
    return command(directory, Map.of(), arguments);
  }

  /** The same with variables of its own. */
  static ServiceProcess command(
      Path directory, Map<String, String> environment, String... arguments) throws IOException {
    List<String> command = java(directory);
    command.addAll(List.of(arguments));
    return start(command, environment, directory);
  }

  private static List<String> java(Path temporary) {
    return ExtractedService.command(
        List.of(
            // A process that lives for seconds: compile fast, not well.
            "-XX:TieredStopAtLevel=1",
            "-Xmx256m",
            // RocksDB unpacks its library there, and a process that is killed leaves it.
            "-Djava.io.tmpdir=" + temporary));
  }

  private static ServiceProcess start(
      List<String> command, Map<String, String> environment, Path directory) throws IOException {
    Path log = Files.createTempFile(directory, "service-", ".log");
    ProcessBuilder child =
        new ProcessBuilder(command)
            .directory(log.getParent().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    child.environment().putAll(environment);
    return new ServiceProcess(child.start(), log);
  }

  /** Starts the service and waits until it is ready. */
  static ServiceProcess start(Path state, Map<String, String> environment, String... properties)
      throws IOException {
    ServiceProcess service = launch(state, environment, properties);
    if (!service.becameReady()) {
      throw new AssertionError("the service ended at its start\n" + service.said());
    }
    return service;
  }

  /** Waits until the service is ready, true, or has ended, false. */
  boolean becameReady() {
    await("the start", START, () -> !process.isAlive() || STARTED.matcher(said()).find());
    String said = said();
    Matcher ready = READY.matcher(said);
    if (!process.isAlive() || !ready.find()) {
      return false;
    }
    port = Integer.parseInt(ready.group(1));
    Matcher ports = PORT.matcher(said);
    while (ports.find()) {
      int found = Integer.parseInt(ports.group(1));
      managementPort = found == port ? managementPort : found;
    }
    return true;
  }

  /**
   * Waits for a condition, looking often; fails with what the service said when it does not come.
   */
  void await(String what, Duration within, BooleanSupplier condition) {
    long deadline = System.nanoTime() + within.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("waited in vain for " + what + "\n" + said());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  int port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  /** All that it has said so far. */
  String said() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Ends it by kill -9, and waits for that. */
  void kill() {
    process.destroyForcibly();
    exitStatus(DEADLINE);
  }

  /** Stops it where it is, by SIGSTOP; it keeps its connections. */
  void pause() {
    signal("STOP");
  }

  /** Lets it go on, by SIGCONT. */
  void wake() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      Process kill =
          new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).inheritIO().start();
      if (kill.waitFor() != 0) {
        throw new AssertionError("cannot signal " + process);
      }
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Asks it to end, by SIGTERM. */
  void terminate() {
    process.destroy();
  }

  boolean alive() {
    return process.isAlive();
  }

  /** Waits for its end: the exit status. */
  int exitStatus(Duration within) {
    await("the end", within, () -> !process.isAlive());
    return process.exitValue();
  }

  @Override
  public void close() {
    kill();
    client.close();
  }

  /** Status of the readiness probe; 0 when nobody answers. */
  int readiness() {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + managementPort + "/actuator/health/readiness"))
            .timeout(DEADLINE)
            .build();
    try {
      return client.send(request, BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      return 0;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What the management port answers: status, a space, the body. */
  String manage(String method, String path) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + managementPort + path))
            .method(method, BodyPublishers.noBody())
            .timeout(DEADLINE)
            .build();
    try {
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
      return response.statusCode() + " " + response.body();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Sends a request; null when no whole answer came. */
  @Nullable Answer send(String method, String path, String body, String... headers) {
    return sendAsync(method, path, body, headers).join();
  }

  /** The same without waiting. What is answered is held to the contract. */
  CompletableFuture<@Nullable Answer> sendAsync(
      String method, String path, String body, String... headers) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).timeout(DEADLINE);
    if (bytes.length > 0) {
      builder.header("Content-Type", "application/json");
    }
    for (int i = 0; i < headers.length; i += 2) {
      builder.header(headers[i], headers[i + 1]);
    }
    HttpRequest request =
        builder
            .method(
                method,
                bytes.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(bytes))
            .build();
    return client
        .sendAsync(request, BodyHandlers.ofByteArray())
        .handle(
            (HttpResponse<byte[]> response, Throwable failure) -> {
              if (failure != null) {
                Throwable cause =
                    failure instanceof CompletionException ? failure.getCause() : failure;
                if (cause instanceof IOException && !(cause instanceof HttpTimeoutException)) {
                  return null;
                }
                throw new AssertionError(failure);
              }
              Answer answer =
                  new Answer(response.statusCode(), response.headers(), response.body());
              CONTRACT.check(request, bytes, answer);
              return answer;
            });
  }

  /** Reads what must be there. */
  Answer get(String path) {
    Answer answer = send("GET", path, "");
    if (answer == null) {
      throw new AssertionError("no answer to GET " + path + "\n" + said());
    }
    return answer;
  }
}
