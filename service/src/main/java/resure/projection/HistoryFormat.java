package resure.projection;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;

/**
 * The bytes of the rows of a history; the one class that knows them. Big-endian; {@code v} is a
 * variable-length number, 7 bits a byte, the lowest first; f32 a float: rounded once a level, which
 * no plot shows.
 *
 * <pre>
 * key 0: how much there is
 *   u8 version | v folded steps | v where the last is shown + 1
 * key 1, u8 0, i64 index: the folded steps from index * 8 on, 8 of them but for the last row
 *   u8 version | of each step, to the end: i32 length of the rest | what follows
 * key 1, u8 level, i64 index: the 8^level folded steps from index * 8^level on; once they are whole
 *   u8 version | what follows
 *     v sequence | v last step | v last step - first | v last step - own (of one step)
 *     v slots with an observation, of each, ascending:
 *       v slot - last slot - 1 | v usable | v unusable | v down-weighted
 *       where some are usable:
 *         f32 loss, weight, mean squared weight, mean, sd, drift
 *         f32 least loss, greatest loss, least weight, greatest drift (not of one step)
 * key 2, i64 sequence, i64 folded steps before, u16 slot, u8 kind: a mark
 *   u8 version | v step | f32 drift
 * </pre>
 */
final class HistoryFormat {

  /** Steps of a row of levels 0 and 1, and rows of each level of one of the next. */
  static final int FANOUT = 8;

  /** More levels than folded steps can fill. */
  static final int LEVELS = 20;

  private static final byte VERSION = 2;
  private static final byte EXTENT = 0;
  private static final byte STEPS = 1;
  private static final byte MARK = 2;
  private static final int LAST_OF_STEP = HistoryBucket.DRIFT;
  private static final int LAST = HistoryBucket.DRIFT_MAX;
  private static final int LONGEST_NUMBER = 10;

  private HistoryFormat() {}

  /**
   * How much there is.
   *
   * @param folded steps
   * @param last step at which the last of them is shown; -1 for none
   */
  record Extent(long folded, long last) {
    static final Extent NONE = new Extent(0, -1);
  }

  static byte[] extentKey() {
    return new byte[] {EXTENT};
  }

  static byte[] extent(Extent extent) {
    ByteBuffer out = ByteBuffer.allocate(1 + 2 * LONGEST_NUMBER).put(VERSION);
    number(out, extent.folded);
    number(out, extent.last + 1);
    return written(out);
  }

  static Extent extent(byte @Nullable [] content) throws CorruptJournalException {
    if (content == null) {
      return Extent.NONE;
    }
    try {
      ByteBuffer in = versioned(content);
      return new Extent(number(in), number(in) - 1);
    } catch (BufferUnderflowException e) {
      throw damaged(e);
    }
  }

  static byte[] key(int level, long index) {
    return ByteBuffer.allocate(2 + Long.BYTES).put(STEPS).put((byte) level).putLong(index).array();
  }

  static byte[] markKey(long sequence, long folded, int slot, HistoryMark.Kind kind) {
    return ByteBuffer.allocate(1 + 2 * Long.BYTES + Short.BYTES + 1)
        .put(MARK)
        .putLong(sequence)
        .putLong(folded)
        .putShort((short) slot)
        .put((byte) kind.code)
        .array();
  }

  /** The first key that a mark of a sequence may have. */
  static byte[] marksFrom(long sequence) {
    return ByteBuffer.allocate(1 + Long.BYTES).put(MARK).putLong(sequence).array();
  }

  /** The first key after those of all marks. */
  static byte[] marksEnd() {
    return new byte[] {MARK + 1};
  }

  static byte[] mark(long step, double drift) {
    ByteBuffer out = ByteBuffer.allocate(1 + LONGEST_NUMBER + Float.BYTES).put(VERSION);
    number(out, step);
    out.putFloat((float) drift);
    return written(out);
  }

  static HistoryMark mark(byte[] key, byte[] content) throws CorruptJournalException {
    try {
      ByteBuffer of = ByteBuffer.wrap(key).position(1);
      long sequence = of.getLong();
      long folded = of.getLong();
      int slot = Short.toUnsignedInt(of.getShort());
      HistoryMark.Kind kind = HistoryMark.Kind.of(of.get());
      ByteBuffer in = versioned(content);
      return new HistoryMark(kind, sequence, folded, number(in), slot, in.getFloat());
    } catch (BufferUnderflowException e) {
      throw damaged(e);
    }
  }

  /** Begins a row. */
  static void begin(RowOutput row) {
    row.length = 0;
    row.put(VERSION);
  }

  /** Goes on with a row of level 0. */
  static void resume(RowOutput row, byte[] content) {
    row.length = 0;
    row.put(content, 0, content.length);
  }

  /** Adds the next step to a row of level 0. */
  static void addStep(RowOutput row, HistoryBucket step) {
    int start = row.leave();
    add(row, step, 0);
    row.fill(start);
  }

  /** A row of a level above 0. */
  static byte[] row(HistoryBucket bucket, int level) {
    RowOutput row = new RowOutput(64 + bucket.slots * (LAST + 4) * Float.BYTES);
    begin(row);
    add(row, bucket, level);
    return row.written();
  }

  private static void add(RowOutput out, HistoryBucket bucket, int level) {
    int used = 0;
    for (int slot = 0; slot < bucket.slots; slot++) {
      used += bucket.observations(slot) > 0 ? 1 : 0;
    }
    out.number(bucket.sequence);
    out.number(bucket.toStep);
    out.number(bucket.toStep - bucket.fromStep);
    if (level == 0) {
      out.number(bucket.late);
    }
    out.number(used);
    int last = level == 0 ? LAST_OF_STEP : LAST;
    int before = -1;
    for (int slot = 0; slot < bucket.slots; slot++) {
      if (bucket.observations(slot) > 0) {
        out.number(slot - before - 1L);
        out.number(bucket.usable[slot]);
        out.number(bucket.unusable[slot]);
        out.number(bucket.downWeighted[slot]);
        if (bucket.usable[slot] > 0) {
          for (int column = 0; column <= last; column++) {
            out.half(Float.floatToIntBits((float) bucket.value(slot, column)));
          }
        }
        before = slot;
      }
    }
  }

  /** The steps of a row of level 0, one after the other. */
  static final class Steps {
    private final ByteBuffer in;

    Steps(byte[] content) throws CorruptJournalException {
      try {
        in = versioned(content);
      } catch (BufferUnderflowException e) {
        throw damaged(e);
      }
    }

    /** Reads the next one into a bucket, in place of what is there; false at the end. */
    boolean next(HistoryBucket into) throws CorruptJournalException {
      if (!in.hasRemaining()) {
        return false;
      }
      int end = end();
      read(in, 0, into);
      if (in.position() != end) {
        throw new CorruptJournalException("rows of a history are damaged");
      }
      return true;
    }

    /** Passes over some. */
    void skip(int steps) throws CorruptJournalException {
      for (int left = steps; left > 0 && in.hasRemaining(); left--) {
        in.position(end());
      }
    }

    /** Where the step that begins here ends; the bytes of its length are passed over. */
    private int end() throws CorruptJournalException {
      try {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
          throw new CorruptJournalException("rows of a history are damaged");
        }
        return in.position() + length;
      } catch (BufferUnderflowException e) {
        throw damaged(e);
      }
    }
  }

  /** Reads a row of a level above 0 into a bucket, in place of what is there. */
  static void read(byte[] content, int level, HistoryBucket into) throws CorruptJournalException {
    try {
      read(versioned(content), level, into);
    } catch (BufferUnderflowException e) {
      throw damaged(e);
    }
  }

  private static void read(ByteBuffer in, int level, HistoryBucket into)
      throws CorruptJournalException {
    try {
      into.clear();
      into.sequence = number(in);
      into.toStep = number(in);
      into.fromStep = into.toStep - number(in);
      into.late = level == 0 ? number(in) : 0;
      into.steps = 1L << (3 * level);
      int last = level == 0 ? LAST_OF_STEP : LAST;
      int slot = -1;
      for (long left = number(in); left > 0; left--) {
        slot = Math.toIntExact(slot + 1 + number(in));
        into.reach(slot);
        into.usable[slot] = number(in);
        into.unusable[slot] = number(in);
        into.downWeighted[slot] = number(in);
        if (into.usable[slot] > 0) {
          for (int column = 0; column <= last; column++) {
            into.set(slot, column, in.getFloat());
          }
          if (level == 0) {
            into.setExtremes(slot);
          }
        }
      }
    } catch (BufferUnderflowException | ArithmeticException e) {
      throw damaged(e);
    }
  }

  private static ByteBuffer versioned(byte[] content) throws CorruptJournalException {
    ByteBuffer in = ByteBuffer.wrap(content);
    byte version = in.get();
    if (version != VERSION) {
      throw new CorruptJournalException("rows of a history of unknown version " + version);
    }
    return in;
  }

  private static CorruptJournalException damaged(RuntimeException e) {
    return new CorruptJournalException("rows of a history are damaged", e);
  }

  private static byte[] written(ByteBuffer out) {
    byte[] bytes = new byte[out.flip().remaining()];
    out.get(bytes);
    return bytes;
  }

  private static void number(ByteBuffer out, long value) {
    long left = value;
    while ((left & ~0x7FL) != 0) {
      out.put((byte) (left | 0x80));
      left >>>= 7;
    }
    out.put((byte) left);
  }

  private static long number(ByteBuffer in) throws CorruptJournalException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new CorruptJournalException("a number of a history's row is too long");
  }
}
