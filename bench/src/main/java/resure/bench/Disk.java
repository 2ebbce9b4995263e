package resure.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Stream;

/** The disk under a state directory. */
final class Disk {

  private Disk() {}

  /** Bytes that the files below occupy, by {@code du}: blocks, not lengths. */
  static long occupied(Path directory) throws IOException {
    Process du =
        new ProcessBuilder("du", "-s", "-B1", directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return Long.parseLong(output.substring(0, output.indexOf('\t')));
  }

  /** Bytes in the files below, by their lengths. */
  static long length(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  /** Removes a directory with all that is below it, if it exists. */
  static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /**
   * Appends 4 kB and syncs the data ({@code fdatasync}), again and again for a time: what one
   * durable append costs on this disk with nothing around it.
   *
   * @return nanoseconds of each, ascending
   */
  static long[] syncedWrites(Path directory, Duration time) throws IOException {
    Files.createDirectories(directory);
    Path file = directory.resolve("synced-writes");
    long[] nanos = new long[1 << 20];
    int writes = 0;
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer block = ByteBuffer.allocateDirect(4096);
      long deadline = System.nanoTime() + time.toNanos();
      for (long now = System.nanoTime(); now < deadline && writes < nanos.length; ) {
        block.clear();
        while (block.hasRemaining()) {
          channel.write(block);
        }
        channel.force(false);
        long after = System.nanoTime();
        nanos[writes++] = after - now;
        now = after;
      }
    } finally {
      Files.deleteIfExists(file);
    }
    long[] sorted = Arrays.copyOf(nanos, writes);
    Arrays.sort(sorted);
    return sorted;
  }
}
