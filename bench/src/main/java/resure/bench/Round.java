package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;

/**
 * One window of load on one server.
 *
 * @param load what the client saw
 * @param cpuNanos user and system time of the server process, until it rested again
 */
record Round(Load load, long cpuNanos) {

  private static final int WARM_UP_WINDOW_SECONDS = 5;
  private static final int LONGEST_WARM_UP_SECONDS = 120;
  private static final int WARM_UP_CONNECTIONS = 32;

  /**
   * Loads a server at least for a time, and on until the CPU that a request takes has not fallen
   * for three windows: compiling takes long where compiler, server and client share two processors.
   */
  static void warmUp(
      ServerProcess server, Requests requests, int atLeastSeconds, String name, PrintStream out)
      throws IOException, InterruptedException {
    Duration window = Duration.ofSeconds(WARM_UP_WINDOW_SECONDS);
    int seconds = 0;
    int without = 0;
    double best = Double.POSITIVE_INFINITY;
    while (seconds < atLeastSeconds || (without < 3 && seconds < LONGEST_WARM_UP_SECONDS)) {
      Round round = measure(server, requests, WARM_UP_CONNECTIONS, window);
      seconds += WARM_UP_WINDOW_SECONDS;
      without = round.cpuMicrosPerRequest() < 0.95 * best ? 0 : without + 1;
      best = Math.min(best, round.cpuMicrosPerRequest());
      out.printf("warm-up %-10s %s%n", name, round);
    }
  }

  /** Loads a server for a time. */
  static Round measure(ServerProcess server, Requests requests, int connections, Duration time)
      throws IOException, InterruptedException {
    try (LoadClient client = new LoadClient(server.port(), connections)) {
      long before = server.cpuNanos();
      Load load = client.drive(requests, time);
      server.awaitRest();
      return new Round(load, server.cpuNanos() - before);
    }
  }

  /** Loads a server for a time with requests that are due at fixed times, so many a second. */
  static Round measureAt(
      ServerProcess server, Requests requests, int connections, double perSecond, Duration time)
      throws IOException, InterruptedException {
    try (LoadClient client = new LoadClient(server.port(), connections)) {
      long before = server.cpuNanos();
      Load load = client.driveAt(requests, perSecond, time);
      server.awaitRest();
      return new Round(load, server.cpuNanos() - before);
    }
  }

  double cpuMicrosPerRequest() {
    return cpuNanos / 1e3 / load.requests();
  }

  @Override
  public String toString() {
    return "%9.0f req/s %8.1f cpu us/req   p50 %7.3f  p99 %7.3f  max %8.3f ms"
        .formatted(
            load.perSecond(),
            cpuMicrosPerRequest(),
            load.p50Millis(),
            load.p99Millis(),
            load.maxMillis());
  }
}
