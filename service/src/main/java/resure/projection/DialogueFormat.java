package resure.projection;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;

/**
 * The bytes of the rows of dialogues; the one class that knows them. Big-endian; {@code v} is a
 * variable-length number, 7 bits a byte, the lowest first; {@code s} the same of a signed one,
 * zigzag.
 *
 * <pre>
 * key 0                           the list of segments
 *   u8 version | v count, (u8 level, i64 id, v blocks, v dialogues) segments
 * key 1, i64 segment, i32 block   a block of a segment
 *   u8 version | records, to the end, in the order of their places
 * record
 *   i32 length of the rest | i64 hash | v length, id | v length + 1, source (0 for none)
 *   v visits | v last sequence | v last step + 1 | v slots with anything, of each, ascending:
 *     v slot - last slot - 1 | v 2 usable + 1 if unusable is not 0 or rated not usable,
 *     then v unusable | v rated | and for all s loss | v weight | s excess | v beyond
 * </pre>
 *
 * <p>A dialogue has its place by the hash of its id, then by the id.
 */
final class DialogueFormat {

  private static final byte VERSION = 1;
  private static final byte LIST = 0;
  private static final byte BLOCK = 1;

  /** Bytes of a block at which the next one is begun. */
  private static final int BLOCK_BYTES = 32 << 10;

  private DialogueFormat() {}

  /**
   * A list of dialogues, each of them once, in order of their places, that is never changed.
   *
   * @param level how often what is in it has been merged
   * @param id tells it from others
   */
  record Segment(int level, long id, int blocks, long dialogues) {}

  static byte[] listKey() {
    return new byte[] {LIST};
  }

  static byte[] blockKey(long segment, int block) {
    return ByteBuffer.allocate(1 + Long.BYTES + Integer.BYTES)
        .put(BLOCK)
        .putLong(segment)
        .putInt(block)
        .array();
  }

  static byte[] list(List<Segment> segments) {
    Output out = new Output();
    out.put(VERSION);
    out.number(segments.size());
    for (Segment segment : segments) {
      out.put((byte) segment.level);
      out.whole(segment.id);
      out.number(segment.blocks);
      out.number(segment.dialogues);
    }
    return out.bytes();
  }

  static List<Segment> list(byte @Nullable [] content) throws CorruptJournalException {
    List<Segment> segments = new ArrayList<>();
    if (content == null) {
      return segments;
    }
    try {
      ByteBuffer in = versioned(content);
      for (long left = number(in); left > 0; left--) {
        segments.add(new Segment(in.get(), in.getLong(), Math.toIntExact(number(in)), number(in)));
      }
      return segments;
    } catch (BufferUnderflowException | ArithmeticException e) {
      throw damaged(e);
    }
  }

  private static ByteBuffer versioned(byte[] content) throws CorruptJournalException {
    ByteBuffer in = ByteBuffer.wrap(content);
    byte version = in.get();
    if (version != VERSION) {
      throw new CorruptJournalException("rows of dialogues of unknown version " + version);
    }
    return in;
  }

  private static CorruptJournalException damaged(RuntimeException e) {
    return new CorruptJournalException("rows of dialogues are damaged", e);
  }

  private static long number(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new ArithmeticException("a number is too long");
  }

  private static long signed(ByteBuffer in) {
    long value = number(in);
    return (value >>> 1) ^ -(value & 1);
  }

  /** Where a dialogue has its place, but for its id. */
  static long hash(byte[] id, int from, int to) {
    long hash = 0xCBF29CE484222325L;
    for (int i = from; i < to; i++) {
      hash = (hash ^ id[i]) * 0x100000001B3L;
    }
    // The low bits are good by now; these spread them.
    hash = (hash ^ hash >>> 33) * 0xFF51AFD7ED558CCDL;
    hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
    return hash ^ hash >>> 33;
  }

  /** Bytes that grow. */
  private static final class Output {
    private byte[] bytes = new byte[1024];
    private int length;

    private void reserve(int count) {
      if (bytes.length - length < count) {
        bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + count));
      }
    }

    void put(byte value) {
      reserve(1);
      bytes[length++] = value;
    }

    void put(byte[] from, int offset, int count) {
      reserve(count);
      System.arraycopy(from, offset, bytes, length, count);
      length += count;
    }

    void whole(long value) {
      reserve(Long.BYTES);
      for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
        bytes[length++] = (byte) (value >>> shift);
      }
    }

    void number(long value) {
      reserve(10);
      long left = value;
      while ((left & ~0x7FL) != 0) {
        bytes[length++] = (byte) (left | 0x80);
        left >>>= 7;
      }
      bytes[length++] = (byte) left;
    }

    void signed(long value) {
      number((value << 1) ^ (value >> (Long.SIZE - 1)));
    }

    byte[] bytes() {
      return Arrays.copyOf(bytes, length);
    }
  }

  /** Takes the blocks of a segment as they are complete. */
  @FunctionalInterface
  interface Blocks {
    void put(int block, byte[] content) throws JournalException;
  }

  /** Writes the records of one segment, which come in the order of their places. */
  static final class SegmentWriter {
    private final Blocks blocks;
    private final Output block = new Output();
    private int complete;
    private long dialogues;

    SegmentWriter(Blocks blocks) {
      this.blocks = blocks;
      block.put(VERSION);
    }

    void add(long hash, DialogueSums sums) throws JournalException {
      int start = block.length;
      block.reserve(Integer.BYTES);
      block.length += Integer.BYTES;
      block.whole(hash);
      block.number(sums.id.length);
      block.put(sums.id, 0, sums.id.length);
      byte[] source = sums.source;
      block.number(source == null ? 0 : source.length + 1L);
      if (source != null) {
        block.put(source, 0, source.length);
      }
      block.number(sums.visits);
      block.number(sums.lastSequence);
      block.number(sums.lastStep + 1);
      int count = 0;
      for (int slot = 0; slot < sums.slots; slot++) {
        if (sums.usable[slot] + sums.unusable[slot] > 0) {
          count++;
        }
      }
      block.number(count);
      int last = -1;
      for (int slot = 0; slot < sums.slots; slot++) {
        if (sums.usable[slot] + sums.unusable[slot] > 0) {
          block.number(slot - last - 1L);
          boolean plain = sums.unusable[slot] == 0 && sums.rated[slot] == sums.usable[slot];
          block.number(2 * sums.usable[slot] + (plain ? 0 : 1));
          if (!plain) {
            block.number(sums.unusable[slot]);
            block.number(sums.rated[slot]);
          }
          block.signed(sums.loss[slot]);
          block.number(sums.weight[slot]);
          block.signed(sums.excess[slot]);
          block.number(sums.beyond[slot]);
          last = slot;
        }
      }
      ByteBuffer.wrap(block.bytes).putInt(start, block.length - start - Integer.BYTES);
      added();
    }

    /** A record as it stands in another segment. */
    void add(Reader record) throws JournalException {
      block.put(record.content, record.start, record.end - record.start);
      added();
    }

    private void added() throws JournalException {
      dialogues++;
      if (block.length >= BLOCK_BYTES) {
        flush();
      }
    }

    private void flush() throws JournalException {
      blocks.put(complete++, block.bytes());
      block.length = 1;
    }

    /** What was written. */
    Segment end(int level, long id) throws JournalException {
      if (block.length > 1) {
        flush();
      }
      return new Segment(level, id, complete, dialogues);
    }
  }

  /** Gives the blocks of a segment. */
  @FunctionalInterface
  interface BlockSource {
    byte[] block(long segment, int block) throws JournalException;
  }

  /** Reads the records of one segment one after the other. */
  static final class Reader {
    private final Segment segment;
    private final BlockSource source;
    private byte[] content = {};
    private ByteBuffer in = ByteBuffer.wrap(content);
    private int nextBlock;

    /** Of the record in its block. */
    private int start;

    private int end;
    private long hash;
    private int idStart;
    private int idEnd;

    Reader(Segment segment, BlockSource source) {
      this.segment = segment;
      this.source = source;
    }

    /** Goes to the next record; false at the end. */
    boolean next() throws JournalException {
      try {
        if (end == content.length) {
          if (nextBlock == segment.blocks) {
            return false;
          }
          content = source.block(segment.id, nextBlock++);
          in = versioned(content);
          end = in.position();
        }
        start = end;
        int length = in.getInt(start);
        if (length < Long.BYTES || length > content.length - start - Integer.BYTES) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
        end = start + Integer.BYTES + length;
        in.position(start + Integer.BYTES);
        hash = in.getLong();
        int idLength = Math.toIntExact(number(in));
        idStart = in.position();
        idEnd = idStart + idLength;
        if (idEnd > end) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
        return true;
      } catch (BufferUnderflowException | IndexOutOfBoundsException | ArithmeticException e) {
        throw damaged(e);
      }
    }

    /** Of the record's place. */
    long hash() {
      return hash;
    }

    /** How the places of two records compare. */
    int compareTo(Reader other) {
      return hash != other.hash
          ? Long.compare(hash, other.hash)
          : Arrays.compareUnsigned(
              content, idStart, idEnd, other.content, other.idStart, other.idEnd);
    }

    /** Adds the record to the sums of what is the same dialogue. */
    void addTo(DialogueSums sums) throws CorruptJournalException {
      try {
        in.position(idEnd);
        int sourceLength = Math.toIntExact(number(in)) - 1;
        byte[] text = null;
        if (sourceLength >= 0) {
          text = new byte[sourceLength];
          in.get(text);
        }
        if (sums.visits == 0) {
          sums.id = Arrays.copyOfRange(content, idStart, idEnd);
        }
        sums.visits += number(in);
        long sequence = number(in);
        long step = number(in) - 1;
        if (sequence > sums.lastSequence) {
          sums.lastSequence = sequence;
          sums.lastStep = step;
          sums.source = text;
        }
        int slot = -1;
        for (long left = number(in); left > 0; left--) {
          slot = Math.toIntExact(slot + 1 + number(in));
          sums.reach(slot);
          long usable = number(in);
          sums.usable[slot] += usable >>> 1;
          if ((usable & 1) == 0) {
            sums.rated[slot] += usable >>> 1;
          } else {
            sums.unusable[slot] += number(in);
            sums.rated[slot] += number(in);
          }
          sums.loss[slot] += signed(in);
          sums.weight[slot] += number(in);
          sums.excess[slot] += signed(in);
          sums.beyond[slot] += number(in);
        }
        if (in.position() != end) {
          throw new CorruptJournalException("rows of dialogues are damaged");
        }
      } catch (BufferUnderflowException | ArithmeticException e) {
        throw damaged(e);
      }
    }
  }
}
