package resure.bench;

import java.io.IOException;
import java.time.Duration;

/**
 * One window of load on one server.
 *
 * @param load what the client saw
 * @param cpuNanos user and system time of the server process, until it rested again
 */
record Round(Load load, long cpuNanos) {

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
