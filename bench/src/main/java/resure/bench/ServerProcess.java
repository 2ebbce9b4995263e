package resure.bench;

import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A measured server: a child process on a free port of the loopback address. One owner thread. */
final class ServerProcess implements AutoCloseable {

  private static final Duration LONGEST_START = Duration.ofMinutes(2);
  private static final Duration LONGEST_STOP = Duration.ofMinutes(1);

  private static final Pattern TOTAL = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Pattern THREADS = Pattern.compile("Threads:\\s+(\\d+)");

  private final Process process;
  private final int port;

  /** Answers 200 once the server is ready; null for one that is as soon as it listens. */
  private final @Nullable URI ready;

  private final Path log;
  private final long startedAt = System.nanoTime();
  private final HttpClient http = HttpClient.newHttpClient();

  private ServerProcess(List<String> command, int port, @Nullable URI ready, Path log)
      throws IOException {
    this.port = port;
    this.ready = ready;
    this.log = log;
    Files.createDirectories(log.toAbsolutePath().getParent());
    process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  /**
   * Starts a main class of this class path; it is ready when {@code GET /} is answered.
   *
   * @param arguments follow the port
   */
  static ServerProcess ofClass(Class<?> main, List<String> jvm, Path log, String... arguments)
      throws IOException {
    int port = freePort();
    List<String> command = java(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(main.getName(), Integer.toString(port)));
    command.addAll(List.of(arguments));
    return new ServerProcess(command, port, URI.create("http://127.0.0.1:" + port + "/"), log);
  }

  /**
   * Starts the packaged service; it is ready when its readiness says so.
   *
   * @param jar as packaged
   * @param state directory of its journal
   * @param durability {@code os} or {@code fsync}
   * @param properties further ones, as arguments
   */
  static ServerProcess ofService(
      Path jar, List<String> jvm, Path log, Path state, String durability, String... properties)
      throws IOException {
    if (!Files.isRegularFile(jar)) {
      throw new IOException("no service at " + jar.toAbsolutePath() + ": package it first");
    }
    int port = freePort();
    int managementPort = freePort();
    List<String> command = java(jvm);
    command.addAll(List.of("-jar", jar.toString()));
    command.add("--server.port=" + port);
    command.add("--management.server.port=" + managementPort);
    command.add("--resure.state.directory=" + state);
    command.add("--resure.durability=" + durability);
    command.addAll(List.of(properties));
    URI ready = URI.create("http://127.0.0.1:" + managementPort + "/actuator/health/readiness");
    return new ServerProcess(command, port, ready, log);
  }

  /**
   * Starts any command; it is ready when it listens.
   *
   * @param command by the port that it is to listen at
   */
  static ServerProcess ofCommand(IntFunction<List<String>> command, Path log) throws IOException {
    int port = freePort();
    return new ServerProcess(command.apply(port), port, null, log);
  }

  private static List<String> java(List<String> jvm) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(jvm);
    return command;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Where it takes requests. */
  int port() {
    return port;
  }

  /** Waits until the server takes requests; returns the time since its start. */
  Duration awaitReady() throws IOException, InterruptedException {
    while (!isReady()) {
      Duration waited = Duration.ofNanos(System.nanoTime() - startedAt);
      if (!process.isAlive() || waited.compareTo(LONGEST_START) > 0) {
        throw new IOException("did not start, see " + log + ":\n" + lastOutput());
      }
      Thread.sleep(5);
    }
    return Duration.ofNanos(System.nanoTime() - startedAt);
  }

  /** All that its metrics say. */
  String metrics() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(Objects.requireNonNull(ready).resolve("/actuator/prometheus"))
            .timeout(Duration.ofMinutes(1))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  /** What its metrics say of one series, by its name with its tags if it has any. */
  double metric(String series) throws IOException, InterruptedException {
    String text = metrics();
    return text.lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new IOException("no " + series + " in:\n" + text));
  }

  private boolean isReady() throws IOException, InterruptedException {
    // A bare connection first: an HTTP client takes long to find out that nobody listens.
    try (Socket socket = new Socket()) {
      int listening = ready == null ? port : ready.getPort();
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), listening));
    } catch (ConnectException e) {
      return false;
    }
    if (ready == null) {
      return true;
    }
    try {
      HttpRequest request = HttpRequest.newBuilder(ready).timeout(Duration.ofSeconds(10)).build();
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** Body of {@code GET path}, which must be answered 200. */
  String get(String path) throws IOException, InterruptedException {
    return get(path, Bearer.NONE);
  }

  /** The same, asked for by somebody. */
  String get(String path, Bearer bearer) throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofMinutes(1));
    if (!bearer.header().isEmpty()) {
      String[] header = bearer.header().strip().split(": ", 2);
      request.header(header[0], header[1]);
    }
    HttpResponse<String> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(path + ": " + response.statusCode() + " " + response.body());
    }
    return response.body();
  }

  /** User and system time of the process so far, to 10 ms. */
  long cpuNanos() {
    return process
        .toHandle()
        .info()
        .totalCpuDuration()
        .map(Duration::toNanos)
        .orElseThrow(() -> new IllegalStateException("no CPU time of " + process.pid()));
  }

  /**
   * Waits until the process rests, so that what a window left behind (compilation, collection,
   * compaction) is counted for that window and does not disturb the next; gives up after some
   * seconds.
   */
  void awaitRest() throws InterruptedException {
    long before = cpuNanos();
    for (int quarter = 0; quarter < 20; quarter++) {
      Thread.sleep(250);
      long now = cpuNanos();
      if (now - before <= 10_000_000) {
        return;
      }
      before = now;
    }
  }

  /**
   * Bytes that the process caused to be written to disk so far; 0 where the system does not say.
   */
  long bytesWritten() {
    Path io = Path.of("/proc", Long.toString(process.pid()), "io");
    try {
      return Files.readAllLines(io).stream()
          .filter(line -> line.startsWith("write_bytes: "))
          .mapToLong(line -> Long.parseLong(line.substring("write_bytes: ".length())))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0;
    }
  }

  /** Bytes of live objects, after the full collection that counting them takes. */
  long liveHeapBytes() throws IOException {
    String jcmd =
        System.getProperty("java.home") + File.separator + "bin" + File.separator + "jcmd";
    Process histogram =
        new ProcessBuilder(jcmd, Long.toString(process.pid()), "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String output = new String(histogram.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher total = TOTAL.matcher(output);
    if (!total.find()) {
      throw new IOException("no total in the histogram: " + output);
    }
    return Long.parseLong(total.group(1));
  }

  /** Bytes of the process that are in memory, what is outside the heap included. */
  long residentBytes() throws IOException {
    return 1024 * status(RESIDENT);
  }

  /** Threads of the process, those of its native code included. */
  long threads() throws IOException {
    return status(THREADS);
  }

  private long status(Pattern line) throws IOException {
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    Matcher found = line.matcher(Files.readString(status));
    if (!found.find()) {
      throw new IOException("no " + line + " in " + status);
    }
    return Long.parseLong(found.group(1));
  }

  /** Files and connections that the process has open. */
  long openFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
      return files.count();
    }
  }

  /** Asks the process to end (SIGTERM), waits, and returns the last {@link #bytesWritten}. */
  long stop() throws InterruptedException {
    long written = bytesWritten();
    process.destroy();
    long deadline = System.nanoTime() + LONGEST_STOP.toNanos();
    while (process.isAlive() && System.nanoTime() < deadline) {
      written = Math.max(written, bytesWritten());
      Thread.sleep(2);
    }
    close();
    return written;
  }

  /** Kills the process (SIGKILL) if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().orTimeout(30, TimeUnit.SECONDS).join();
    http.close();
  }

  private String lastOutput() throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
  }
}
