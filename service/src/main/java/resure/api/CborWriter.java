package resure.api;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Writes CBOR (RFC 8949): definite lengths, whole numbers as short as can be, others as double. */
final class CborWriter extends BodyWriter {

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle FOUR_BYTES =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle TWO_BYTES =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

  private static final int UNSIGNED = 0x00;
  private static final int ARRAY = 0x80;
  private static final int MAP = 0xA0;
  private static final byte FALSE = (byte) 0xF4;
  private static final byte TRUE = (byte) 0xF5;
  private static final byte NULL = (byte) 0xF6;
  private static final byte DOUBLE = (byte) 0xFB;

  @Override
  void startObject(int fields) {
    head(MAP, fields);
  }

  @Override
  void endObject() {
    // Its head has the number of fields.
  }

  @Override
  void startArray(int elements) {
    head(ARRAY, elements);
  }

  @Override
  void endArray() {
    // Its head has the number of elements.
  }

  private void head(int majorType, long argument) {
    if (argument < 24) {
      target[length++] = (byte) (majorType | argument);
    } else if (argument < 1 << 8) {
      target[length++] = (byte) (majorType | 24);
      target[length++] = (byte) argument;
    } else if (argument < 1 << 16) {
      target[length] = (byte) (majorType | 25);
      TWO_BYTES.set(target, length + 1, (short) argument);
      length += 3;
    } else if (argument < 1L << 32) {
      target[length] = (byte) (majorType | 26);
      FOUR_BYTES.set(target, length + 1, (int) argument);
      length += 5;
    } else {
      target[length] = (byte) (majorType | 27);
      EIGHT_BYTES.set(target, length + 1, argument);
      length += 9;
    }
  }

  @Override
  void name(AnswerField field) {
    put(field.cbor);
  }

  @Override
  void number(double value) {
    target[length] = DOUBLE;
    EIGHT_BYTES.set(target, length + 1, Double.doubleToRawLongBits(value));
    length += 9;
  }

  @Override
  void whole(long value) {
    head(UNSIGNED, value);
  }

  @Override
  void flag(boolean value) {
    target[length++] = value ? TRUE : FALSE;
  }

  @Override
  void nothing() {
    target[length++] = NULL;
  }

  @Override
  void value(byte[] written) {
    put(written);
  }

  @Override
  void end() {
    // Nothing ends but the bytes.
  }
}
