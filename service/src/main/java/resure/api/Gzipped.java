package resure.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;

/** Pieces, compressed as they are made: what is in memory is one piece and the compressor. */
final class Gzipped implements Pieces {

  /** Fast: what is sent is mostly digits, and the one who asks waits for it. */
  private static final int LEVEL = 1;

  private static final int BUFFER = 1 << 13;

  private final Pieces plain;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final GZIPOutputStream compressed;
  private boolean ended;

  Gzipped(Pieces plain) {
    this.plain = plain;
    try {
      compressed =
          new GZIPOutputStream(bytes, BUFFER) {
            {
              def.setLevel(LEVEL);
            }
          };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public byte @Nullable [] next() throws JournalException {
    if (ended) {
      return null;
    }
    byte[] piece = plain.next();
    try {
      if (piece == null) {
        ended = true;
        compressed.finish();
      } else {
        compressed.write(piece);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory cannot fail", e);
    }
    byte[] written = bytes.toByteArray();
    bytes.reset();
    return written;
  }

  /** Frees the compressor, which is not on the heap. */
  @Override
  public void close() {
    plain.close();
    bytes.reset();
    try {
      compressed.close();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory cannot fail", e);
    }
  }
}
