package resure.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One of the processes that serve the same runs, at one address from start to start. Struck by one
 * thread at a time.
 */
final class Replica implements AutoCloseable {

  private static final int STARTS = 20;

  private final int number;
  private final Path state;
  private final List<String> properties;
  private volatile ServiceProcess process;

  private Replica(int number, Path state, List<String> properties, ServiceProcess process) {
    this.number = number;
    this.state = state;
    this.properties = properties;
    this.process = process;
  }

  /** Starts it, with a state directory of its own. */
  static Replica start(int number, Path state, List<String> properties) throws IOException {
    List<String> all = new ArrayList<>(properties);
    ServiceProcess process = ServiceProcess.start(state, Map.of(), all.toArray(String[]::new));
    all.add("server.port=" + process.port());
    return new Replica(number, state, all, process);
  }

  int number() {
    return number;
  }

  int port() {
    return process.port();
  }

  /** The process that there is, or was last. */
  ServiceProcess process() {
    return process;
  }

  /** Ends it by kill -9. */
  void kill() {
    process.close();
  }

  /**
   * Starts it again, and once more as long as that fails, as whatever watches over it would: it
   * does not start while its database is away.
   */
  void restart() {
    try {
      for (int tries = 0; tries < STARTS; tries++) {
        ServiceProcess started =
            ServiceProcess.launch(state, Map.of(), properties.toArray(String[]::new));
        if (started.becameReady()) {
          process = started;
          return;
        }
        started.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new AssertionError("replica " + number + " does not start");
  }

  @Override
  public void close() {
    process.close();
  }
}
