package resure.archive;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Reads a file of an export, piece by piece, each checked. One thread. */
final class ArchiveInput implements AutoCloseable {

  private final InputStream in;
  private Place place;

  /**
   * Opens a file.
   *
   * @throws DamagedArchiveException when it is none, or not of this type
   */
  ArchiveInput(Path path, ArchiveFormat.Type type) throws IOException {
    in = new BufferedInputStream(Files.newInputStream(path), 128 * 1024);
    try {
      byte[] header = in.readNBytes(ArchiveFormat.HEADER_BYTES);
      place = new Place(header.length, ArchiveFormat.checkHeader(header, type));
    } catch (IOException | RuntimeException | Error e) {
      in.close();
      throw e;
    }
  }

  /**
   * The next piece; null at the end of the file.
   *
   * @throws DamagedArchiveException when it is not whole
   */
  @Nullable Piece next() throws IOException {
    byte[] header = in.readNBytes(ArchiveFormat.PIECE_HEADER_BYTES);
    if (header.length == 0) {
      return null;
    }
    int checked = ArchiveFormat.PIECE_HEADER_BYTES - ArchiveFormat.CHECKSUM_BYTES;
    ByteBuffer fields = ByteBuffer.wrap(header);
    if (header.length < ArchiveFormat.PIECE_HEADER_BYTES
        || fields.getInt(checked) != ArchiveFormat.checksum(place.checksum(), header, 0, checked)) {
      throw damaged();
    }
    int length = fields.getInt(1);
    byte[] content = length < 0 ? new byte[0] : in.readNBytes(length);
    byte[] end = in.readNBytes(ArchiveFormat.CHECKSUM_BYTES);
    int checksum = ArchiveFormat.checksum(fields.getInt(checked), content, 0, content.length);
    if (content.length != length
        || end.length < ArchiveFormat.CHECKSUM_BYTES
        || ByteBuffer.wrap(end).getInt() != checksum) {
      throw damaged();
    }
    Piece piece = ArchiveFormat.decode(fields.get(0), content);
    place = new Place(place.position() + header.length + length + end.length, checksum);
    return piece;
  }

  private DamagedArchiveException damaged() {
    return new DamagedArchiveException("it is damaged, or cut short, at byte " + place.position());
  }

  /** Behind the last whole piece. */
  Place place() {
    return place;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
