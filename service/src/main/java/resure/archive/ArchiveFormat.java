package resure.archive;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import resure.journal.DocumentKind;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.observation.RunId;

/**
 * The bytes of the files of an export, version 1. Numbers are big-endian.
 *
 * <pre>
 *   file  = header, pieces
 *
 *   +----------+---------+------------+---------+
 *   | "resure" | version | what it is | CRC-32C |   header, 12 bytes; what it is:
 *   | 6        | 1       | 1          | 4       |   1 archive, 2 run, 3 contents
 *   +----------+---------+------------+---------+
 *
 *   +------+--------+---------+---------+---------+
 *   | kind | length | CRC-32C | content | CRC-32C |   piece; the first checksum is over the checksum
 *   | 1    | 4      | 4       | length  | 4       |   before it in the file, kind and length, the
 *   +------+--------+---------+---------+---------+   second over the first and the content
 *
 *   1 begin     run
 *   2 entries   sequence of the first (8), checksum of the head after the last (8), number (4), of
 *               each its length (4), then its bytes, by EntryFormat
 *   3 state     sequence (8), checksum of the head (8), the bytes of a snapshot
 *   4 attached  kind (1: 1 running replay, 2 replay, 3 results of one), length of id (1), id, content
 *   5 finish    sequence (8), checksum of the head (8)
 *   6 left out  run, why: length (2), UTF-8
 *   7 end       number of runs (8), number of runs left out (8)
 *   8 trimmed   length of the run's first entry (4), its bytes, sequence of the first entry after
 *               the gap (8), checksum of the head after it (8), its bytes
 *   9 keys      number (4), of each the sequence of its batch (8), its length (2), its bytes
 *
 *   run         length of tenant (1), tenant, length of name (1), name, incarnation (16)
 *
 *   archive     (what a run file has | left out).., end
 *   run         begin, (entries | trimmed), entries.., keys.., state.., attached.., finish
 *   contents    (begin, finish | left out).., end
 * </pre>
 *
 * <p>Each checksum stands for all of the file before it, so that a piece that is missing, doubled
 * or in another's place is found as a flipped byte is; and a length is checked before it is
 * believed. An export to a file is one {@code archive}. An export to a directory is a {@code run}
 * file for each run, named by its incarnation, and {@code contents}, which lists them.
 */
final class ArchiveFormat {

  /** What a file is. */
  enum Type {
    ARCHIVE(1),
    RUN(2),
    CONTENTS(3);

    private final byte code;

    Type(int code) {
      this.code = (byte) code;
    }
  }

  static final int HEADER_BYTES = 12;
  static final int PIECE_HEADER_BYTES = 9;
  static final int CHECKSUM_BYTES = 4;

  private static final byte VERSION = 1;
  private static final byte[] MAGIC = "resure".getBytes(US_ASCII);

  private static final byte BEGIN = 1;
  private static final byte ENTRIES = 2;
  private static final byte STATE = 3;
  private static final byte ATTACHED = 4;
  private static final byte FINISH = 5;
  private static final byte LEFT_OUT = 6;
  private static final byte END = 7;
  private static final byte TRIMMED = 8;
  private static final byte KEYS = 9;

  private static final int HEAD_BYTES = 16;
  private static final int MOST_WORDS = 1000;

  private ArchiveFormat() {}

  static byte[] header(Type type) {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.put(MAGIC).put(VERSION).put(type.code);
    return header.putInt(checksum(0, header.array(), 0, header.position())).array();
  }

  /** Checks a header and gives the checksum that the first piece goes on from. */
  static int checkHeader(byte[] header, Type type) throws DamagedArchiveException {
    ByteBuffer bytes = ByteBuffer.wrap(header);
    if (header.length < HEADER_BYTES
        || !bytes.slice(0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))) {
      throw new DamagedArchiveException("it is not a file of an export");
    }
    int checksum = bytes.getInt(HEADER_BYTES - CHECKSUM_BYTES);
    if (checksum != checksum(0, header, 0, HEADER_BYTES - CHECKSUM_BYTES)) {
      throw new DamagedArchiveException("its header is damaged");
    }
    if (header[MAGIC.length] > VERSION) {
      throw new DamagedArchiveException(
          "it was written by a newer release (format %d, this one reads up to %d)"
              .formatted(header[MAGIC.length], VERSION));
    }
    if (header[MAGIC.length + 1] != type.code) {
      throw new DamagedArchiveException(
          "it is part of an export: name the directory that it came in");
    }
    return checksum;
  }

  /**
   * A checksum that goes on from another.
   *
   * @param before what it stands for besides
   */
  static int checksum(int before, byte[] bytes, int from, int to) {
    CRC32C crc = new CRC32C();
    for (int shift = 24; shift >= 0; shift -= 8) {
      crc.update(before >>> shift);
    }
    crc.update(bytes, from, to - from);
    return (int) crc.getValue();
  }

  static byte kind(Piece piece) {
    return switch (piece) {
      case Piece.Begin begin -> BEGIN;
      case Piece.Entries entries -> ENTRIES;
      case Piece.Trimmed trimmed -> TRIMMED;
      case Piece.Keys keys -> KEYS;
      case Piece.State state -> STATE;
      case Piece.Attached attached -> ATTACHED;
      case Piece.Finish finish -> FINISH;
      case Piece.LeftOut leftOut -> LEFT_OUT;
      case Piece.End end -> END;
    };
  }

  static byte[] content(Piece piece) {
    return switch (piece) {
      case Piece.Begin begin -> run(begin.run(), 0).array();
      case Piece.Entries entries -> content(entries);
      case Piece.Trimmed trimmed ->
          put(
                  ByteBuffer.allocate(
                          4 + trimmed.created().length + HEAD_BYTES + trimmed.first().length)
                      .putInt(trimmed.created().length)
                      .put(trimmed.created()),
                  trimmed.head())
              .put(trimmed.first())
              .array();
      case Piece.Keys keys -> content(keys);
      case Piece.State state -> content(state.snapshot());
      case Piece.Attached attached -> {
        byte[] id = attached.id().getBytes(US_ASCII);
        yield ByteBuffer.allocate(2 + id.length + attached.content().length)
            .put(code(attached.kind()))
            .put((byte) id.length)
            .put(id)
            .put(attached.content())
            .array();
      }
      case Piece.Finish finish -> put(ByteBuffer.allocate(HEAD_BYTES), finish.head()).array();
      case Piece.LeftOut leftOut -> {
        String words = leftOut.why();
        byte[] why = words.substring(0, Math.min(MOST_WORDS, words.length())).getBytes(UTF_8);
        yield run(leftOut.run(), 2 + why.length).putShort((short) why.length).put(why).array();
      }
      case Piece.End end ->
          ByteBuffer.allocate(2 * Long.BYTES).putLong(end.runs()).putLong(end.leftOut()).array();
    };
  }

  private static byte[] content(Piece.Entries entries) {
    int size = HEAD_BYTES + 4;
    for (byte[] entry : entries.entries()) {
      size = Math.addExact(size, 4 + entry.length);
    }
    ByteBuffer content = ByteBuffer.allocate(size);
    content
        .putLong(entries.first())
        .putLong(entries.head().checksum())
        .putInt(entries.entries().size());
    for (byte[] entry : entries.entries()) {
      content.putInt(entry.length).put(entry);
    }
    return content.array();
  }

  private static byte[] content(Piece.Keys keys) {
    int size = 4;
    for (LastingKey key : keys.keys()) {
      size += Long.BYTES + 2 + key.key().length();
    }
    ByteBuffer content = ByteBuffer.allocate(size).putInt(keys.keys().size());
    for (LastingKey key : keys.keys()) {
      content
          .putLong(key.sequence())
          .putShort((short) key.key().length())
          .put(key.key().getBytes(US_ASCII));
    }
    return content.array();
  }

  private static byte[] content(Snapshot snapshot) {
    return put(ByteBuffer.allocate(HEAD_BYTES + snapshot.state().length), snapshot.head())
        .put(snapshot.state())
        .array();
  }

  private static ByteBuffer put(ByteBuffer content, Head head) {
    return content.putLong(head.sequence()).putLong(head.checksum());
  }

  /** A run, with room for more. */
  private static ByteBuffer run(RunKey run, int more) {
    byte[] tenant = run.id().tenant().getBytes(US_ASCII);
    byte[] name = run.id().name().getBytes(US_ASCII);
    return ByteBuffer.allocate(2 + tenant.length + name.length + 16 + more)
        .put((byte) tenant.length)
        .put(tenant)
        .put((byte) name.length)
        .put(name)
        .putLong(run.incarnation().high())
        .putLong(run.incarnation().low());
  }

  private static byte code(DocumentKind kind) {
    return switch (kind) {
      case REPLAY_RUNNING -> 1;
      case REPLAY -> 2;
      case REPLAY_RESULTS -> 3;
      case REPLAY_PROGRESS ->
          throw new IllegalArgumentException("of processes at work, of which none is there later");
    };
  }

  private static DocumentKind kind(byte code) {
    return switch (code) {
      case 1 -> DocumentKind.REPLAY_RUNNING;
      case 2 -> DocumentKind.REPLAY;
      case 3 -> DocumentKind.REPLAY_RESULTS;
      default -> throw new IllegalArgumentException("no kind of a document");
    };
  }

  static Piece decode(byte kind, byte[] content) throws DamagedArchiveException {
    try {
      ByteBuffer in = ByteBuffer.wrap(content);
      Piece piece =
          switch (kind) {
            case BEGIN -> new Piece.Begin(run(in));
            case ENTRIES -> entries(in);
            case TRIMMED ->
                new Piece.Trimmed(bytes(in, in.getInt()), head(in), bytes(in, in.remaining()));
            case KEYS -> keys(in);
            case STATE -> new Piece.State(new Snapshot(head(in), bytes(in, in.remaining())));
            case ATTACHED ->
                new Piece.Attached(
                    kind(in.get()),
                    text(in, Byte.toUnsignedInt(in.get())),
                    bytes(in, in.remaining()));
            case FINISH -> new Piece.Finish(head(in));
            case LEFT_OUT ->
                new Piece.LeftOut(
                    run(in), new String(bytes(in, Short.toUnsignedInt(in.getShort())), UTF_8));
            case END -> new Piece.End(in.getLong(), in.getLong());
            default -> throw new IllegalArgumentException("no kind of a piece");
          };
      if (in.hasRemaining()) {
        throw new IllegalArgumentException("more than a piece");
      }
      return piece;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new DamagedArchiveException("a piece is not of the kind that it claims", e);
    }
  }

  private static Piece.Entries entries(ByteBuffer in) {
    long first = in.getLong();
    long checksum = in.getLong();
    int count = in.getInt();
    if (first < 1 || count < 1 || count > in.remaining() / 4) {
      throw new IllegalArgumentException("no entries");
    }
    List<byte[]> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      entries.add(bytes(in, in.getInt()));
    }
    return new Piece.Entries(first, entries, new Head(first + count - 1, checksum));
  }

  private static Piece.Keys keys(ByteBuffer in) {
    int count = in.getInt();
    if (count < 1 || count > in.remaining() / (Long.BYTES + 2)) {
      throw new IllegalArgumentException("no keys");
    }
    List<LastingKey> keys = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      long sequence = in.getLong();
      keys.add(new LastingKey(text(in, Short.toUnsignedInt(in.getShort())), sequence));
    }
    return new Piece.Keys(keys);
  }

  private static Head head(ByteBuffer in) {
    return new Head(in.getLong(), in.getLong());
  }

  private static RunKey run(ByteBuffer in) {
    String tenant = text(in, Byte.toUnsignedInt(in.get()));
    String name = text(in, Byte.toUnsignedInt(in.get()));
    return new RunKey(new RunId(tenant, name), new Incarnation(in.getLong(), in.getLong()));
  }

  private static String text(ByteBuffer in, int length) {
    return new String(bytes(in, length), US_ASCII);
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException("a length beyond the piece");
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }
}
