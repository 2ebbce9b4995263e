package resure.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads what {@link EntryOutput} wrote. Nothing is allocated that the bytes left could not fill, so
 * wrong bytes end in a {@link CorruptJournalException} and never in a huge array.
 */
final class EntryInput {

  private static final VarHandle SHORT = view(short[].class);
  private static final VarHandle INT = view(int[].class);
  private static final VarHandle LONG = view(long[].class);
  private static final VarHandle FLOAT = view(float[].class);
  private static final VarHandle DOUBLE = view(double[].class);

  private final byte[] bytes;
  private final int end;
  private int at;

  EntryInput(byte[] bytes, int start, int end) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  private static VarHandle view(Class<?> arrayType) {
    return MethodHandles.byteArrayViewVarHandle(arrayType, ByteOrder.LITTLE_ENDIAN);
  }

  static int intAt(byte[] bytes, int at) {
    return (int) INT.get(bytes, at);
  }

  private static CorruptJournalException malformed() {
    return new CorruptJournalException("an entry is not of the format that it claims");
  }

  /** Moves on by {@code count} elements of {@code width} bytes and gives where they begin. */
  private int take(long count, int width) throws CorruptJournalException {
    if (count < 0 || count > (end - at) / width) {
      throw malformed();
    }
    int start = at;
    at += (int) count * width;
    return start;
  }

  void requireEnd() throws CorruptJournalException {
    if (at != end) {
      throw malformed();
    }
  }

  int takeByte() throws CorruptJournalException {
    return bytes[take(1, 1)];
  }

  int takeShort() throws CorruptJournalException {
    return Short.toUnsignedInt((short) SHORT.get(bytes, take(1, 2)));
  }

  double takeDouble() throws CorruptJournalException {
    return (double) DOUBLE.get(bytes, take(1, 8));
  }

  long takeVarint() throws CorruptJournalException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at == end) {
        throw malformed();
      }
      byte next = bytes[at++];
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw malformed();
  }

  long takeSignedVarint() throws CorruptJournalException {
    long value = takeVarint();
    return value >>> 1 ^ -(value & 1);
  }

  /** A varint that says how many elements, of at least one byte each, follow. */
  int takeCount() throws CorruptJournalException {
    long count = takeVarint();
    if (count < 0 || count > end - at) {
      throw malformed();
    }
    return (int) count;
  }

  int takeInt(int highest) throws CorruptJournalException {
    long value = takeVarint();
    if (value < 0 || value > highest) {
      throw malformed();
    }
    return (int) value;
  }

  long[] takeVarints(int count) throws CorruptJournalException {
    if (count > end - at) {
      throw malformed();
    }
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = takeVarint();
    }
    return values;
  }

  /** Fills from {@code from} on with the running sum of as many varints, at most the bytes left. */
  void takeSteps(int[] ends, int from) throws CorruptJournalException {
    long sum = 0;
    for (int i = from; i < ends.length; i++) {
      sum += takeInt(end);
      if (sum > end) {
        throw malformed();
      }
      ends[i] = (int) sum;
    }
  }

  byte[] takeBytes(int count) throws CorruptJournalException {
    int start = take(count, 1);
    return Arrays.copyOfRange(bytes, start, start + count);
  }

  String takeText() throws CorruptJournalException {
    int length = takeCount();
    return new String(bytes, take(length, 1), length, StandardCharsets.UTF_8);
  }

  double[] takeDoubles(int count) throws CorruptJournalException {
    int start = take(count, 8);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (double) DOUBLE.get(bytes, start + 8 * i);
    }
    return values;
  }

  double[] takeFloats(int count) throws CorruptJournalException {
    int start = take(count, 4);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) FLOAT.get(bytes, start + 4 * i);
    }
    return values;
  }

  long[] takeWords(int count) throws CorruptJournalException {
    int start = take(count, 8);
    long[] words = new long[count];
    for (int i = 0; i < count; i++) {
      words[i] = (long) LONG.get(bytes, start + 8 * i);
    }
    return words;
  }

  /** A column of weights as {@link EntryFormat} draws it. */
  double[] takeWeights(int count, double blank) throws CorruptJournalException {
    int shape = takeByte();
    double[] values = new double[count];
    Arrays.fill(values, 1);
    if (shape == EntryFormat.ALL_ONE) {
      return values;
    }
    if (shape != EntryFormat.ONES && shape != EntryFormat.ONES_AND_BLANKS) {
      throw malformed();
    }
    int words = EntryOutput.words(count);
    int onesAt = take(words, 8);
    int blanksAt = shape == EntryFormat.ONES ? -1 : take(words, 8);
    for (int word = 0; word < words; word++) {
      int from = word << 6;
      long others = ~(long) LONG.get(bytes, onesAt + 8 * word) & EntryOutput.mask(count - from);
      long blanks = blanksAt < 0 ? 0 : (long) LONG.get(bytes, blanksAt + 8 * word) & others;
      others &= ~blanks;
      for (; blanks != 0; blanks &= blanks - 1) {
        values[from + Long.numberOfTrailingZeros(blanks)] = blank;
      }
      int valueAt = take(Long.bitCount(others), 8);
      for (; others != 0; others &= others - 1) {
        values[from + Long.numberOfTrailingZeros(others)] = (double) DOUBLE.get(bytes, valueAt);
        valueAt += 8;
      }
    }
    return values;
  }
}
