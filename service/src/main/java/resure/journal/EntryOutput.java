package resure.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Growable bytes that one entry after the other is written into, without allocation once it has
 * grown. Numbers are little-endian. One thread at a time.
 */
final class EntryOutput {

  private static final VarHandle SHORT = view(short[].class);
  private static final VarHandle INT = view(int[].class);
  private static final VarHandle LONG = view(long[].class);
  private static final VarHandle FLOAT = view(float[].class);
  private static final VarHandle DOUBLE = view(double[].class);

  private static final int LONGEST_VARINT = 10;

  private byte[] bytes = new byte[4096];
  private int size;

  private static VarHandle view(Class<?> arrayType) {
    return MethodHandles.byteArrayViewVarHandle(arrayType, ByteOrder.LITTLE_ENDIAN);
  }

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  /** The bytes written, up to {@link #size}; valid until the next write. */
  byte[] bytes() {
    return bytes;
  }

  private void room(int count) {
    if (bytes.length - size < count) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + count));
    }
  }

  void putByte(int value) {
    room(1);
    bytes[size++] = (byte) value;
  }

  void putShort(int value) {
    room(2);
    SHORT.set(bytes, size, (short) value);
    size += 2;
  }

  void overwriteShort(int at, int value) {
    SHORT.set(bytes, at, (short) value);
  }

  void putInt(int value) {
    room(4);
    INT.set(bytes, size, value);
    size += 4;
  }

  void putDouble(double value) {
    room(8);
    DOUBLE.set(bytes, size, value);
    size += 8;
  }

  /** Seven bits a byte, lowest first, the top bit set in all but the last: 1 to 10 bytes. */
  void putVarint(long value) {
    room(LONGEST_VARINT);
    putVarintInRoom(value);
  }

  private void putVarintInRoom(long value) {
    byte[] target = bytes;
    int at = size;
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      target[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    target[at++] = (byte) rest;
    size = at;
  }

  /** Small magnitudes of either sign in few bytes. */
  void putSignedVarint(long value) {
    putVarint(value << 1 ^ value >> 63);
  }

  void putVarints(long[] values) {
    room(values.length * LONGEST_VARINT);
    for (long value : values) {
      putVarintInRoom(value);
    }
  }

  /** The differences between neighbours of an ascending column, the first against {@code start}. */
  void putSteps(int[] ends, int from, int start) {
    room((ends.length - from) * LONGEST_VARINT);
    int last = start;
    for (int i = from; i < ends.length; i++) {
      putVarintInRoom(ends[i] - last);
      last = ends[i];
    }
  }

  void putBytes(byte[] source, int count) {
    room(count);
    System.arraycopy(source, 0, bytes, size, count);
    size += count;
  }

  /** Length in bytes, then UTF-8. */
  void putText(String text) {
    int length = text.length();
    room(LONGEST_VARINT + length);
    int start = size;
    putVarintInRoom(length);
    int at = size;
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        size = start;
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        putVarint(encoded.length);
        putBytes(encoded, encoded.length);
        return;
      }
      bytes[at++] = (byte) c;
    }
    size = at;
  }

  void putDoubles(double[] values) {
    room(values.length * 8);
    int at = size;
    for (double value : values) {
      DOUBLE.set(bytes, at, value);
      at += 8;
    }
    size = at;
  }

  /**
   * Writes each as a 4-byte float if that loses nothing; otherwise writes nothing.
   *
   * @return whether it lost nothing
   */
  boolean putFloats(double[] values) {
    room(values.length * 4);
    byte[] target = bytes;
    int at = size;
    boolean exact = true;
    for (double value : values) {
      float narrow = (float) value;
      if (narrow != value && !Double.isNaN(value)) {
        exact = false;
      }
      FLOAT.set(target, at, narrow);
      at += 4;
    }
    if (exact) {
      size = at;
    }
    return exact;
  }

  void putWords(long[] words, int count) {
    room(count * 8);
    for (int i = 0; i < count; i++) {
      LONG.set(bytes, size, words[i]);
      size += 8;
    }
  }

  /** Writes a column of weights as {@link EntryFormat} draws it. */
  void putWeights(double[] values, double blank) {
    int words = words(values.length);
    room(1 + 16 * words + 8 * values.length);
    byte[] target = bytes;
    long blankBits = Double.doubleToLongBits(blank);
    int onesAt = size + 1;
    int blanksAt = onesAt + 8 * words;
    long anyOther = 0;
    long anyBlank = 0;
    for (int word = 0; word < words; word++) {
      int from = word << 6;
      int to = Math.min(from + 64, values.length);
      long ones = 0;
      for (int i = from; i < to; i++) {
        ones |= (values[i] == 1 ? 1L : 0L) << i;
      }
      long blanks = 0;
      for (long others = ~ones & mask(to - from); others != 0; others &= others - 1) {
        int bit = Long.numberOfTrailingZeros(others);
        if (Double.doubleToLongBits(values[from + bit]) == blankBits) {
          blanks |= 1L << bit;
        }
      }
      LONG.set(target, onesAt + 8 * word, ones);
      LONG.set(target, blanksAt + 8 * word, blanks);
      anyOther |= ~ones & mask(to - from);
      anyBlank |= blanks;
    }
    if (anyOther == 0) {
      target[size++] = EntryFormat.ALL_ONE;
      return;
    }
    target[size] = anyBlank == 0 ? EntryFormat.ONES : EntryFormat.ONES_AND_BLANKS;
    int at = blanksAt + (anyBlank == 0 ? 0 : 8 * words);
    for (int word = 0; word < words; word++) {
      int from = word << 6;
      long others = ~(long) LONG.get(target, onesAt + 8 * word) & mask(values.length - from);
      if (anyBlank != 0) {
        others &= ~(long) LONG.get(target, blanksAt + 8 * word);
      }
      for (; others != 0; others &= others - 1) {
        DOUBLE.set(target, at, values[from + Long.numberOfTrailingZeros(others)]);
        at += 8;
      }
    }
    size = at;
  }

  /** Number of 64-bit words that hold {@code bits} bits. */
  static int words(int bits) {
    return (bits + 63) >>> 6;
  }

  /** The lowest {@code bits} bits of a word, all of them from 64 on. */
  static long mask(int bits) {
    return bits >= 64 ? -1L : (1L << bits) - 1;
  }
}
