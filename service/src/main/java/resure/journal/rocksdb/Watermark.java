package resure.journal.rocksdb;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;

/**
 * How far the database must reach: the sequence number that RocksDB had after the newest append,
 * and its {@link Manifest} of a moment ago. RocksDB takes a write-ahead log or a manifest whose
 * length byte was damaged for one that was cut by a crash, and drops what follows; against these
 * that is found.
 *
 * <p>The file is memory-mapped and has two slots, on pages of their own, written in turn, so that
 * one is always whole:
 *
 * <pre>
 *   slot, 96 bytes, at 0 and at 4096, little-endian
 *     0  magic with version    8 bytes
 *     8  id of the store      16
 *    24  id of the boot       16   of the operating system; 0 where it has none
 *    40  durability            8   0 fsync, 1 os
 *    48  count of writes       8   the newer slot has the higher
 *    56  sequence number       8
 *    64  manifest: number      8   0 for not known
 *    72            length      8
 *    80            checksum    8
 *    88  CRC-32C of the above  8
 * </pre>
 *
 * <p>A slot is written after its append returned, never before: after kill -9 it may lag, which
 * weakens the check by one append. After power loss it holds some value that it had: under fsync
 * all of those were on disk. Under os durability the database may have lost what this file kept;
 * hence the boot id. Thread-safe: the monitor guards the slots.
 */
final class Watermark implements AutoCloseable {

  private static final long MAGIC = 0x31574552_55534552L;
  private static final int SLOT_BYTES = 96;
  private static final int CHECKSUM_AT = 88;
  private static final int SLOT_DISTANCE = 4096;
  private static final int FILE_BYTES = 2 * SLOT_DISTANCE;
  private static final UUID NO_BOOT = new UUID(0, 0);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment file;
  private final UUID store;
  private final UUID boot;
  private final long durability;
  private final CRC32C crc = new CRC32C();
  private final byte[] slot = new byte[SLOT_BYTES];
  private final MemorySegment slotBytes = MemorySegment.ofArray(slot);
  private long sequence;
  private Manifest manifest = Manifest.UNKNOWN;
  private long count;

  /** A slot as it was found. */
  record Found(UUID boot, boolean synced, long count, long sequence, Manifest manifest) {

    /**
     * Whether the database may legally be behind: its tail was never synced, and there was a boot.
     */
    boolean mayBeAhead() {
      return !synced && (boot.equals(NO_BOOT) || !boot.equals(currentBoot()));
    }
  }

  private Watermark(Path path, UUID store, Durability durability) throws IOException {
    this.store = store;
    this.boot = currentBoot();
    this.durability = durability == Durability.FSYNC ? 0 : 1;
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      this.file = channel.map(FileChannel.MapMode.READ_WRITE, 0, FILE_BYTES, arena);
    }
  }

  /** Begins anew at a sequence number that the database is known to have on disk. */
  static Watermark start(
      Path path, UUID store, Durability durability, long sequence, Manifest manifest)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      if (channel.size() < FILE_BYTES) {
        // Written, not only sized: a page without its block would be a signal on a full disk.
        channel.write(ByteBuffer.allocate(FILE_BYTES), 0);
      }
    }
    Found last = found(path, store);
    long lastCount = last == null ? 0 : last.count;
    Watermark watermark = new Watermark(path, store, durability);
    watermark.manifest = manifest;
    watermark.count = lastCount;
    watermark.write(sequence);
    watermark.write(sequence);
    watermark.file.force();
    return watermark;
  }

  /**
   * Reads the newer of the undamaged slots; null when there is no file, as after an operator has
   * removed it to accept a loss.
   *
   * @throws CorruptJournalException when none is undamaged, or they are of another store
   */
  static @Nullable Found find(Path path, UUID store) throws IOException {
    if (!Files.exists(path)) {
      return null;
    }
    Found newest = found(path, store);
    if (newest == null) {
      throw new CorruptJournalException(
          path
              + " is damaged, so that nothing tells whether the database is complete. Restore the"
              + " directory from a backup, or remove that file to accept what the database has");
    }
    return newest;
  }

  private static @Nullable Found found(Path path, UUID store) throws IOException {
    byte[] bytes;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate(FILE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      while (buffer.hasRemaining() && channel.read(buffer, buffer.position()) > 0) {
        // Until it is full or the file ends.
      }
      bytes = buffer.array();
    }
    Found newest = null;
    for (int at = 0; at < FILE_BYTES; at += SLOT_DISTANCE) {
      MemorySegment found = MemorySegment.ofArray(bytes).asSlice(at, SLOT_BYTES);
      CRC32C crc = new CRC32C();
      crc.update(bytes, at, CHECKSUM_AT);
      if (found.get(LONG, CHECKSUM_AT) != crc.getValue() || found.get(LONG, 0) != MAGIC) {
        continue;
      }
      if (!store.equals(new UUID(found.get(LONG, 8), found.get(LONG, 16)))) {
        throw new CorruptJournalException(
            path + " belongs to another store: files of two directories were mixed");
      }
      long count = found.get(LONG, 48);
      if (newest == null || count > newest.count) {
        newest =
            new Found(
                new UUID(found.get(LONG, 24), found.get(LONG, 32)),
                found.get(LONG, 40) == 0,
                count,
                found.get(LONG, 56),
                new Manifest(found.get(LONG, 64), found.get(LONG, 72), found.get(LONG, 80)));
      }
    }
    return newest;
  }

  private static UUID currentBoot() {
    try {
      return UUID.fromString(Files.readString(BOOT_ID).strip());
    } catch (IOException | IllegalArgumentException e) {
      return NO_BOOT;
    }
  }

  /** Notes that everything up to a sequence number is durable; a lower one changes nothing. */
  synchronized void raise(long reached) {
    if (reached > sequence) {
      write(reached);
    }
  }

  /** Notes what of the manifest is known to be on disk. */
  synchronized void seal(Manifest known) {
    manifest = known;
    write(sequence);
  }

  /** What {@link #seal} noted last. */
  synchronized Manifest sealed() {
    return manifest;
  }

  private synchronized void write(long reached) {
    slotBytes.set(LONG, 0, MAGIC);
    slotBytes.set(LONG, 8, store.getMostSignificantBits());
    slotBytes.set(LONG, 16, store.getLeastSignificantBits());
    slotBytes.set(LONG, 24, boot.getMostSignificantBits());
    slotBytes.set(LONG, 32, boot.getLeastSignificantBits());
    slotBytes.set(LONG, 40, durability);
    slotBytes.set(LONG, 48, ++count);
    slotBytes.set(LONG, 56, reached);
    slotBytes.set(LONG, 64, manifest.number());
    slotBytes.set(LONG, 72, manifest.length());
    slotBytes.set(LONG, 80, manifest.checksum());
    crc.reset();
    crc.update(slot, 0, CHECKSUM_AT);
    slotBytes.set(LONG, CHECKSUM_AT, crc.getValue());
    MemorySegment.copy(slotBytes, 0, file, (count & 1) * SLOT_DISTANCE, SLOT_BYTES);
    sequence = reached;
  }

  @Override
  public void close() {
    arena.close();
  }
}
