package resure.journal;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/**
 * Where a run's journal ends, or ended once: two journals with the same head hold the same entries.
 *
 * <p>The checksum of an entry is taken over the checksum of the entry before it and its own bytes,
 * so that it stands for all entries up to it: a store that was put back to an older state and went
 * on differently is told by it. It is a CRC-32C and a CRC-32 side by side, which together are a CRC
 * of 64 bits, since their polynomials have no factor in common. It finds accidents, not forgers.
 *
 * @param sequence position of the newest entry; 0 before the first
 * @param checksum of all entries up to it; 0 before the first
 */
public record Head(long sequence, long checksum) {

  /** Of a run that has no entry yet. */
  public static final Head NONE = new Head(0, 0);

  /**
   * The head after one more entry.
   *
   * @param entry its bytes, from position to limit; left as it is
   */
  public Head next(ByteBuffer entry) {
    return new Head(
        sequence + 1, checksum(new CRC32C(), entry) << 32 | checksum(new CRC32(), entry));
  }

  private long checksum(Checksum crc, ByteBuffer entry) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      crc.update((int) (checksum >>> shift));
    }
    crc.update(entry.duplicate());
    return crc.getValue();
  }
}
