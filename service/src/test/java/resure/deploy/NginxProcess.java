package resure.deploy;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A real nginx as a child process, with {@code docker/nginx.conf} and a directory of its own. Of
 * that file only addresses are others: where it listens, and where the replicas are.
 */
final class NginxProcess implements AutoCloseable {

  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final Pattern LISTEN = Pattern.compile("listen 8080;");
  private static final Pattern REPLICA = Pattern.compile("\\bresure-\\d:8080\\b");
  private static final int REPLICAS = 3;

  /** Beside it, what an image's or a distribution's nginx.conf has. */
  private static final String AROUND =
      """
      daemon off;
      pid nginx.pid;
      user %s;
      worker_processes 2;
      events {}
      http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        include replicas.conf;
      }
      """;

  private final Process process;
  private final Path said;
  private final int port;

  private NginxProcess(Process process, Path said, int port) {
    this.process = process;
    this.said = said;
    this.port = port;
  }

  /** Where nginx is, if it is installed. */
  static Optional<Path> installed() {
    return Stream.concat(
            Stream.of(System.getenv("PATH").split(File.pathSeparator)), Stream.of("/usr/sbin"))
        .map(directory -> Path.of(directory, "nginx"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it before these replicas, three or fewer, and waits until it listens. */
  static NginxProcess start(Path nginx, Path directory, List<Integer> replicas) throws IOException {
    int port = freePort();
    Files.writeString(
        directory.resolve("replicas.conf"),
        substituted(ComposeFile.text("docker/nginx.conf"), port, replicas));
    Path configuration =
        Files.writeString(
            directory.resolve("nginx.conf"), AROUND.formatted(System.getProperty("user.name")));
    Path said = directory.resolve("said.txt");
    Process process =
        new ProcessBuilder(
                nginx.toString(),
                "-p",
                directory.toString(),
                "-c",
                configuration.toString(),
                "-e",
                "stderr")
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    NginxProcess started = new NginxProcess(process, said, port);
    try {
      started.awaitListening();
    } catch (AssertionError e) {
      started.close();
      throw e;
    }
    return started;
  }

  private static String substituted(String configuration, int port, List<Integer> replicas) {
    List<String> lines = new ArrayList<>();
    int servers = 0;
    for (String line : configuration.lines().toList()) {
      Matcher replica = REPLICA.matcher(line);
      if (!replica.find()) {
        lines.add(LISTEN.matcher(line).replaceAll("listen 127.0.0.1:" + port + ";"));
      } else if (++servers <= replicas.size()) {
        lines.add(replica.replaceAll("127.0.0.1:" + replicas.get(servers - 1)));
      }
    }
    if (servers != REPLICAS || lines.stream().noneMatch(line -> line.contains(":" + port))) {
      throw new AssertionError("docker/nginx.conf does not have the addresses that it had");
    }
    return String.join("\n", lines) + "\n";
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void awaitListening() {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (true) {
      try {
        new Socket(InetAddress.getLoopbackAddress(), port).close();
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() - deadline > 0) {
          throw new AssertionError("nginx does not listen: " + said(), e);
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }
  }

  int port() {
    return port;
  }

  /** All that it has said so far. */
  String said() {
    try {
      return Files.readString(said);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Ends it and its workers: they are told by their master, which must not be killed first. */
  @Override
  public void close() {
    List<ProcessHandle> workers = process.descendants().toList();
    process.destroy();
    try {
      process.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
    workers.forEach(ProcessHandle::destroyForcibly);
  }
}
