package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * RocksDB's list of its tables as it was at some time: a file that only grows, until another of a
 * higher number takes its place. RocksDB takes one that ends early for one that a crash cut, and
 * then forgets the tables that the lost end names; so we remember how far it had come.
 *
 * @param number which file; 0 for none known
 * @param length how many of its bytes
 * @param checksum CRC-32C of these
 */
record Manifest(long number, long length, long checksum) {

  static final Manifest UNKNOWN = new Manifest(0, 0, 0);

  private static final Pattern CURRENT = Pattern.compile("MANIFEST-(\\d{1,18})\\n");

  /** Number and length of the present file; null when the database names none. */
  static @Nullable Manifest look(Path database) throws IOException {
    String current;
    try {
      current = new String(Files.readAllBytes(database.resolve("CURRENT")), US_ASCII);
    } catch (NoSuchFileException e) {
      return null;
    }
    Matcher name = CURRENT.matcher(current);
    if (!name.matches()) {
      return null;
    }
    Path file = database.resolve(current.strip());
    return Files.exists(file)
        ? new Manifest(Long.parseLong(name.group(1)), Files.size(file), 0)
        : null;
  }

  /** This with the checksum of as much of the file as there is, up to its length. */
  Manifest withChecksum(Path database) throws IOException {
    CRC32C crc = new CRC32C();
    byte[] buffer = new byte[64 * 1024];
    long left = length;
    try (InputStream file =
        Files.newInputStream(database.resolve("MANIFEST-%06d".formatted(number)))) {
      int count;
      while (left > 0 && (count = file.read(buffer, 0, (int) Math.min(left, buffer.length))) > 0) {
        crc.update(buffer, 0, count);
        left -= count;
      }
    }
    return new Manifest(number, length - left, crc.getValue());
  }

  /** Whether the database still has this, or has gone on to another file since. */
  boolean isKept(Path database) throws IOException {
    if (number == 0) {
      return true;
    }
    Manifest present = look(database);
    if (present == null || present.number < number) {
      return false;
    }
    return present.number > number || equals(withChecksum(database));
  }
}
