package resure.projection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Reads what {@link RowOutput} wrote. Whoever reads past the end of the bytes gets an {@link
 * IndexOutOfBoundsException}. One thread.
 */
final class RowInput {

  private static final VarHandle WHOLE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private static final VarHandle HALF =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  final byte[] bytes;

  /** Of the next byte to be read. */
  int position;

  RowInput(byte[] bytes) {
    this.bytes = bytes;
  }

  byte take() {
    return bytes[position++];
  }

  /** Eight bytes, big-endian. */
  long whole() {
    long value = (long) WHOLE.get(bytes, position);
    position += Long.BYTES;
    return value;
  }

  /** Four bytes, big-endian. */
  int half() {
    int value = (int) HALF.get(bytes, position);
    position += Integer.BYTES;
    return value;
  }

  /** Six bytes, big-endian, of a number that is not negative. */
  long six() {
    long upper = half() & 0xFFFF_FFFFL;
    int lower = (Byte.toUnsignedInt(take()) << Byte.SIZE) | Byte.toUnsignedInt(take());
    return (upper << (2 * Byte.SIZE)) | lower;
  }

  /** Seven bits a byte, the lowest first. */
  long number() {
    byte next = bytes[position++];
    long value = next & 0x7F;
    for (int shift = 7; next < 0; shift += 7) {
      if (shift >= Long.SIZE) {
        throw new ArithmeticException("a number is too long");
      }
      next = bytes[position++];
      value |= (next & 0x7FL) << shift;
    }
    return value;
  }

  /** Zigzag. */
  long signed() {
    long value = number();
    return (value >>> 1) ^ -(value & 1);
  }
}
