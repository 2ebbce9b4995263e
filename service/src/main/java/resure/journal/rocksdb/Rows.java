package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/**
 * The keys and small values of the column families, big-endian throughout, so that keys sort by
 * run, then sequence.
 *
 * <pre>
 *   run        = length of tenant (1), tenant, incarnation (16)
 *
 *   entries    run, sequence (8)                  -> checksum of the head (8), an entry, by EntryFormat
 *   names      length of tenant (1), tenant, name -> incarnation (16)
 *   keys       run, idempotency key               -> sequence (8), step (8)
 *   rewinds    run, sequence (8)                  -> nextStep (8)
 *   snapshots  run, sequence (8)                  -> CRC-32C of key and the rest (4),
 *                                                    checksum of the head (8), state
 *   documents  kind (1), run, length of name (1), name, id
 *                                                 -> CRC-32C of key and content (4), content
 *   default    "store"                            -> id of the store (16)
 *              "trimmed", run                     -> sequence of the first entry after the gap (8)
 *              "trimming", run                    -> name, while keys are left that are forgotten
 * </pre>
 */
final class Rows {

  static final byte[] STORE = "store".getBytes(US_ASCII);

  /** What the key of each run begins with that has forgotten keys left. */
  static final byte[] TRIMMING = "trimming".getBytes(US_ASCII);

  private static final byte[] TRIMMED = "trimmed".getBytes(US_ASCII);

  static final int INCARNATION_BYTES = 16;
  static final int KEY_VALUE_BYTES = 16;
  static final int CHECKSUM_BYTES = 4;
  static final int HEAD_BYTES = 8;

  private Rows() {}

  /** What every key of the run begins with, but that of its name. */
  static byte[] run(RunKey run) {
    byte[] tenant = run.id().tenant().getBytes(US_ASCII);
    return ByteBuffer.allocate(1 + tenant.length + INCARNATION_BYTES)
        .put((byte) tenant.length)
        .put(tenant)
        .putLong(run.incarnation().high())
        .putLong(run.incarnation().low())
        .array();
  }

  /** Beyond every key that begins with {@code prefix}: sequences and texts begin with less. */
  static byte[] end(byte[] prefix) {
    return ByteBuffer.allocate(prefix.length + 1).put(prefix).put((byte) 0xFF).array();
  }

  static byte[] at(byte[] run, long sequence) {
    return ByteBuffer.allocate(run.length + Long.BYTES).put(run).putLong(sequence).array();
  }

  /** The sequence that ends a key made by {@link #at}. */
  static long sequence(byte[] key) {
    return ByteBuffer.wrap(key).getLong(key.length - Long.BYTES);
  }

  static byte[] key(byte[] run, String key) {
    byte[] text = key.getBytes(UTF_8);
    return ByteBuffer.allocate(run.length + text.length).put(run).put(text).array();
  }

  static byte[] trimmed(byte[] run) {
    return join(TRIMMED, run);
  }

  static byte[] trimming(byte[] run) {
    return join(TRIMMING, run);
  }

  private static byte[] join(byte[] prefix, byte[] run) {
    return ByteBuffer.allocate(prefix.length + run.length).put(prefix).put(run).array();
  }

  /** The run of a key made by {@link #trimming}, with its value. */
  static RunKey trimming(byte[] key, byte[] name) throws CorruptJournalException {
    try {
      ByteBuffer buffer = ByteBuffer.wrap(key, TRIMMING.length, key.length - TRIMMING.length);
      String tenant = text(buffer, Byte.toUnsignedInt(buffer.get()));
      Incarnation incarnation = new Incarnation(buffer.getLong(), buffer.getLong());
      return new RunKey(new RunId(tenant, new String(name, US_ASCII)), incarnation);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new CorruptJournalException("a trimmed run's row is malformed", e);
    }
  }

  /** The value of an idempotency key. */
  static byte[] keyValue(long sequence, long step) {
    return ByteBuffer.allocate(KEY_VALUE_BYTES).putLong(sequence).putLong(step).array();
  }

  /** What the keys of a tenant's names begin with. */
  static byte[] names(String tenant) {
    byte[] text = tenant.getBytes(US_ASCII);
    return ByteBuffer.allocate(1 + text.length).put((byte) text.length).put(text).array();
  }

  /** The tenant of a name's key. */
  static String tenant(byte[] key) {
    return new String(key, 1, Byte.toUnsignedInt(key[0]), US_ASCII);
  }

  static byte[] name(RunId id) {
    byte[] tenant = names(id.tenant());
    byte[] text = id.name().getBytes(US_ASCII);
    return ByteBuffer.allocate(tenant.length + text.length).put(tenant).put(text).array();
  }

  static byte[] value(Incarnation incarnation) {
    return ByteBuffer.allocate(INCARNATION_BYTES)
        .putLong(incarnation.high())
        .putLong(incarnation.low())
        .array();
  }

  static Incarnation incarnation(byte[] value) throws CorruptJournalException {
    if (value.length != INCARNATION_BYTES) {
      throw new CorruptJournalException("a name's row is of the wrong size");
    }
    ByteBuffer buffer = ByteBuffer.wrap(value);
    return new Incarnation(buffer.getLong(), buffer.getLong());
  }

  /** What the keys of all documents of a kind begin with. */
  static byte[] documents(DocumentKind kind) {
    return new byte[] {
      switch (kind) {
        case REPLAY_RUNNING -> 1;
        case REPLAY -> 2;
        case REPLAY_RESULTS -> 3;
        case REPLAY_PROGRESS -> 4;
      }
    };
  }

  /** What the keys of a run's documents of a kind begin with. */
  static byte[] documents(DocumentKind kind, byte[] run) {
    return ByteBuffer.allocate(1 + run.length).put(documents(kind)).put(run).array();
  }

  static byte[] document(Document document) {
    byte[] prefix = documents(document.kind(), run(document.run()));
    byte[] name = document.run().id().name().getBytes(US_ASCII);
    byte[] id = document.id().getBytes(US_ASCII);
    return ByteBuffer.allocate(prefix.length + 1 + name.length + id.length)
        .put(prefix)
        .put((byte) name.length)
        .put(name)
        .put(id)
        .array();
  }

  /** The document of a key made by {@link #document}. */
  static Document document(DocumentKind kind, byte[] key) throws CorruptJournalException {
    try {
      ByteBuffer buffer = ByteBuffer.wrap(key, 1, key.length - 1);
      String tenant = text(buffer, Byte.toUnsignedInt(buffer.get()));
      Incarnation incarnation = new Incarnation(buffer.getLong(), buffer.getLong());
      String name = text(buffer, Byte.toUnsignedInt(buffer.get()));
      String id = text(buffer, buffer.remaining());
      return new Document(new RunKey(new RunId(tenant, name), incarnation), kind, id);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new CorruptJournalException("a document's key is malformed", e);
    }
  }

  private static String text(ByteBuffer buffer, int length) {
    byte[] text = new byte[length];
    buffer.get(text);
    return new String(text, US_ASCII);
  }

  /** The entry of a value of its family, whole. */
  static StoredEntry entry(RunKey run, long sequence, byte[] value) throws CorruptJournalException {
    if (value.length < HEAD_BYTES) {
      throw new CorruptJournalException("entry " + sequence + " is cut short");
    }
    return new StoredEntry(
        run, head(sequence, value), Arrays.copyOfRange(value, HEAD_BYTES, value.length));
  }

  /** The head of an entry's value. */
  static Head head(long sequence, byte[] value) {
    return new Head(sequence, ByteBuffer.wrap(value).getLong());
  }

  /** The value of a snapshot, but for what tells damage. */
  static byte[] snapshot(Snapshot snapshot) {
    return ByteBuffer.allocate(HEAD_BYTES + snapshot.state().length)
        .putLong(snapshot.head().checksum())
        .put(snapshot.state())
        .array();
  }

  /** The snapshot of a whole value. */
  static Snapshot snapshot(long sequence, byte[] value) {
    return new Snapshot(
        new Head(sequence, ByteBuffer.wrap(value).getLong(CHECKSUM_BYTES)),
        Arrays.copyOfRange(value, CHECKSUM_BYTES + HEAD_BYTES, value.length));
  }

  /** A value that tells damage: of a snapshot or a document. */
  static byte[] checked(byte[] key, byte[] content) {
    return ByteBuffer.allocate(CHECKSUM_BYTES + content.length)
        .putInt(checksum(key, content, 0))
        .put(content)
        .array();
  }

  static boolean isChecked(byte[] key, byte[] value) {
    return value.length >= CHECKSUM_BYTES
        && ByteBuffer.wrap(value).getInt() == checksum(key, value, CHECKSUM_BYTES);
  }

  private static int checksum(byte[] key, byte[] bytes, int from) {
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(bytes, from, bytes.length - from);
    return (int) crc.getValue();
  }
}
