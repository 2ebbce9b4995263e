package resure.projection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Bytes of rows that are being written; they grow. {@link RowInput} reads them. One thread. */
final class RowOutput {

  private static final VarHandle WHOLE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private static final VarHandle HALF =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private static final int LONGEST_NUMBER = 10;
  private static final int SIX_BYTES = 6;

  /** May be longer than what is written, and another one after that. */
  byte[] bytes;

  int length;

  /** With room for some bytes. */
  RowOutput(int capacity) {
    bytes = new byte[capacity];
  }

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

  /** Eight bytes, big-endian. */
  void whole(long value) {
    reserve(Long.BYTES);
    WHOLE.set(bytes, length, value);
    length += Long.BYTES;
  }

  /** Four bytes, big-endian. */
  void half(int value) {
    reserve(Integer.BYTES);
    HALF.set(bytes, length, value);
    length += Integer.BYTES;
  }

  /** The lower six bytes, big-endian. */
  void six(long value) {
    reserve(Long.BYTES);
    WHOLE.set(bytes, length, value << (Long.SIZE - SIX_BYTES * Byte.SIZE));
    length += SIX_BYTES;
  }

  /** Leaves room for what {@link #fill} will say. */
  int leave() {
    reserve(Integer.BYTES);
    int at = length;
    length += Integer.BYTES;
    return at;
  }

  /** Says in the room that was left there how many bytes came after it. */
  void fill(int at) {
    HALF.set(bytes, at, length - at - Integer.BYTES);
  }

  /** Seven bits a byte, the lowest first. */
  void number(long value) {
    reserve(LONGEST_NUMBER);
    if (value >= 0 && value < 0x80) {
      bytes[length++] = (byte) value;
      return;
    }
    long left = value;
    while ((left & ~0x7FL) != 0) {
      bytes[length++] = (byte) (left | 0x80);
      left >>>= 7;
    }
    bytes[length++] = (byte) left;
  }

  /** Zigzag. */
  void signed(long value) {
    number((value << 1) ^ (value >> (Long.SIZE - 1)));
  }

  /** A copy of what was written. */
  byte[] written() {
    return Arrays.copyOf(bytes, length);
  }
}
