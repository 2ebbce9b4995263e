package resure.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes a file of an export, which nobody else writes meanwhile. One thread. */
final class ArchiveOutput implements AutoCloseable {

  private final Path path;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(128 * 1024);
  private Place place;

  private ArchiveOutput(Path path, FileChannel channel, Place place) {
    this.path = path;
    this.channel = channel;
    this.place = place;
  }

  /** Begins a file; what was in it is lost. */
  static ArchiveOutput create(Path path, ArchiveFormat.Type type) throws IOException {
    byte[] header = ArchiveFormat.header(type);
    ArchiveOutput out = open(path, new Place(0, 0));
    try {
      out.put(header);
      out.place =
          new Place(
              header.length,
              ByteBuffer.wrap(header).getInt(header.length - ArchiveFormat.CHECKSUM_BYTES));
      return out;
    } catch (IOException | RuntimeException | Error e) {
      out.channel.close();
      throw e;
    }
  }

  /** Goes on with a file at a place of it; what was behind that is lost. */
  static ArchiveOutput resume(Path path, Place place) throws IOException {
    return open(path, place);
  }

  private static ArchiveOutput open(Path path, Place place) throws IOException {
    FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        throw inUse(path);
      }
      channel.truncate(place.position());
      channel.position(place.position());
      return new ArchiveOutput(path, channel, place);
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw inUse(path);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  private static IOException inUse(Path path) {
    return new IOException(
        "another export writes " + path + ". Let it end, or name another target");
  }

  void put(Piece piece) throws IOException {
    byte[] content = ArchiveFormat.content(piece);
    ByteBuffer header =
        ByteBuffer.allocate(ArchiveFormat.PIECE_HEADER_BYTES)
            .put(ArchiveFormat.kind(piece))
            .putInt(content.length);
    int first = ArchiveFormat.checksum(place.checksum(), header.array(), 0, header.position());
    put(header.putInt(first).array());
    put(content);
    int second = ArchiveFormat.checksum(first, content, 0, content.length);
    put(ByteBuffer.allocate(ArchiveFormat.CHECKSUM_BYTES).putInt(second).array());
    place =
        new Place(
            place.position()
                + ArchiveFormat.PIECE_HEADER_BYTES
                + content.length
                + ArchiveFormat.CHECKSUM_BYTES,
            second);
  }

  private void put(byte[] bytes) throws IOException {
    for (int at = 0; at < bytes.length; ) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int count = Math.min(buffer.remaining(), bytes.length - at);
      buffer.put(bytes, at, count);
      at += count;
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  /** Behind the last piece. */
  Place place() {
    return place;
  }

  /** Goes back to an earlier place. */
  void cut(Place earlier) throws IOException {
    flush();
    channel.truncate(earlier.position());
    channel.position(earlier.position());
    place = earlier;
  }

  /** Waits until everything is on the disk. */
  void force() throws IOException {
    flush();
    channel.force(true);
  }

  /** Closes; what was not {@link #force forced} may be missing. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
