package resure.journal.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.zip.CRC32C;
import resure.journal.Document;
import resure.journal.RunKey;
import resure.journal.Snapshot;

/** The checksums that tell damage of what is kept beside the entries: over its place and itself. */
final class Seal {

  private Seal() {}

  static int of(RunKey run, Snapshot snapshot) {
    return of(
        "%s/%d/%d".formatted(run.incarnation(), snapshot.sequence(), snapshot.head().checksum()),
        snapshot.state());
  }

  static int of(Document document, byte[] content) {
    return of(
        "%s/%s/%s".formatted(document.run().incarnation(), document.kind(), document.id()),
        content);
  }

  private static int of(String place, byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(place.getBytes(UTF_8));
    crc.update(content);
    return (int) crc.getValue();
  }
}
