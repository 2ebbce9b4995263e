package resure.api;

/**
 * Writes a body token by token into an array that is used again, so that one shape is written in
 * every representation. Whoever starts a body says how long it may become. For one thread at a
 * time.
 */
abstract sealed class BodyWriter permits JsonWriter, CborWriter {

  byte[] target = new byte[4096];
  int length;

  /** Starts a body. */
  final void start(long mostBytes) {
    if (mostBytes > target.length) {
      target = new byte[Math.toIntExact(mostBytes + mostBytes / 2)];
    }
    length = 0;
  }

  /** The bytes of the last body, from the first on; the next one overwrites them. */
  final byte[] bytes() {
    return target;
  }

  /** Number of bytes of the last body. */
  final int length() {
    return length;
  }

  abstract void startObject(int fields);

  abstract void endObject();

  abstract void startArray(int elements);

  abstract void endArray();

  abstract void name(AnswerField field);

  abstract void number(double value);

  /** Writes a whole number of at least 0. */
  abstract void whole(long value);

  abstract void flag(boolean value);

  /** Writes null. */
  abstract void nothing();

  /** Writes a value that is there in this representation already. */
  abstract void value(byte[] written);

  /** Ends the body. */
  abstract void end();

  final void put(byte[] bytes) {
    System.arraycopy(bytes, 0, target, length, bytes.length);
    length += bytes.length;
  }
}
