package resure.bench;

import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * Bytes written to the files of one directory whose names are never used again: each counts with
 * the greatest length at which it was seen. A thread of its own looks a hundred times a second; a
 * file that comes and goes in between is missed.
 */
final class WrittenFiles implements AutoCloseable {

  private final File directory;
  private final Map<String, Long> lengths = new HashMap<>();
  private final Thread thread = new Thread(this::watch, "written-files");
  private volatile boolean stopped;

  WrittenFiles(Path directory) {
    this.directory = directory.toFile();
    thread.setDaemon(true);
    thread.start();
  }

  private void watch() {
    while (!stopped) {
      look();
      LockSupport.parkNanos(10_000_000);
    }
  }

  private void look() {
    File[] files = directory.listFiles();
    if (files != null) {
      for (File file : files) {
        lengths.merge(file.getName(), file.length(), Math::max);
      }
    }
  }

  /** Ends the watch, after a last look. */
  long bytes() {
    close();
    look();
    return lengths.values().stream().mapToLong(length -> length).sum();
  }

  @Override
  public void close() {
    stopped = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
