package resure.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What people would write instead of the service, for the same bodies and the same weights of a run
 * of default configuration: an application of FastAPI with NumPy, and a Lua script within Redis.
 * Both do less, as their sources say.
 */
final class Peers {

  private Peers() {}

  /** Whether this Python has what the application imports. */
  static boolean hasFastApi(String python) throws InterruptedException {
    return succeeds(python, "-c", "import fastapi, numpy, uvicorn");
  }

  /** Whether there is a Redis. */
  static boolean hasRedis() throws InterruptedException {
    return succeeds("redis-server", "--version");
  }

  private static boolean succeeds(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Starts the application: one process, all in memory. */
  static ServerProcess fastApi(String python, Path directory, Path log) throws IOException {
    Path source = Files.writeString(directory.resolve("fastapi_peer.py"), text("fastapi_peer.py"));
    return ServerProcess.ofCommand(
        port -> List.of(python, source.toString(), Integer.toString(port)), log);
  }

  /**
   * Starts Redis. It writes every change to its log, as the service with durability {@code os}
   * does; the log is never rewritten, since the process that does it would not be counted.
   */
  static ServerProcess redis(Path state, Path log) throws IOException {
    String directory = Files.createDirectories(state).toString();
    return ServerProcess.ofCommand(
        port ->
            List.of(
                "redis-server",
                "--bind",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--dir",
                directory,
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "everysec",
                "--auto-aof-rewrite-percentage",
                "0"),
        log);
  }

  /** Batches for a Redis that is ready, which knows the script from now on. */
  static BatchRequests requests(ServerProcess redis, Shape shape, int runs, int ranks)
      throws IOException, InterruptedException {
    redis.awaitReady();
    return BatchRequests.ofScript(shape, runs, ranks, load(redis, text("redis_peer.lua")));
  }

  /** SHA-1 of a script, by Redis itself. */
  private static String load(ServerProcess redis, String script) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), redis.port());
        BufferedReader answer =
            new BufferedReader(new InputStreamReader(socket.getInputStream(), US_ASCII))) {
      int length = script.getBytes(UTF_8).length;
      String call = "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$" + length + "\r\n" + script + "\r\n";
      socket.getOutputStream().write(call.getBytes(UTF_8));
      String first = answer.readLine();
      if (!"$40".equals(first)) {
        throw new IOException("Redis does not take the script: " + first);
      }
      return answer.readLine();
    }
  }

  private static String text(String resource) throws IOException {
    try (InputStream stream = Peers.class.getResourceAsStream("peers/" + resource)) {
      if (stream == null) {
        throw new IOException("no such resource: " + resource);
      }
      return new String(stream.readAllBytes(), UTF_8);
    }
  }
}
