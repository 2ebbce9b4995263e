package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;

/**
 * Whether bytes are one well-formed data item with valid text: the pseudocode of RFC 8949, appendix
 * C, with UTF-8 checked by the JDK. Shares no code with {@link CborScanner}.
 */
final class WellFormedCbor {

  /** What the pseudocode calls fail(). */
  private static final class Fail extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private static final int BREAK = -1;

  private final ByteBuffer data;

  /** Whether an item was met that JSON has no counterpart of. */
  private boolean foreign;

  private WellFormedCbor(byte[] data) {
    this.data = ByteBuffer.wrap(data);
  }

  /** What bytes are. */
  enum Kind {
    MALFORMED,
    /** Well-formed, with a tag, a byte string, a name that is no text, or such a simple value. */
    FOREIGN,
    /** Could be written as JSON. */
    LIKE_JSON
  }

  static Kind kind(byte[] data) {
    WellFormedCbor item = new WellFormedCbor(data);
    try {
      item.wellFormed(false, 0);
    } catch (Fail e) {
      return Kind.MALFORMED;
    }
    if (item.data.hasRemaining()) {
      return Kind.MALFORMED;
    }
    return item.foreign ? Kind.FOREIGN : Kind.LIKE_JSON;
  }

  private long take(int bytes) throws Fail {
    if (data.remaining() < bytes) {
      throw new Fail();
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value = value << 8 | (data.get() & 0xFF);
    }
    return value;
  }

  private int wellFormed(boolean breakable, int depth) throws Fail {
    int initial = (int) take(1);
    int majorType = initial >> 5;
    int information = initial & 0x1F;
    long value = information;
    if (information >= 24 && information <= 27) {
      value = take(1 << (information - 24));
    } else if (information >= 28 && information <= 30) {
      throw new Fail();
    } else if (information == 31) {
      return indefinite(majorType, breakable, depth);
    }
    switch (majorType) {
      case 2, 3 -> string(majorType, value);
      case 4, 5 -> {
        if (value < 0 || value > data.remaining()) {
          throw new Fail();
        }
        for (long i = 0; i < value; i++) {
          field(majorType, depth);
        }
      }
      case 6 -> {
        foreign = true;
        wellFormed(false, depth);
      }
      case 7 -> {
        if (information == 24 && value < 32) {
          throw new Fail();
        }
        foreign |= information < 20 || information == 23 || information == 24;
      }
      default -> {}
    }
    return majorType;
  }

  /** An element, or a name and a value. */
  private void field(int majorType, int depth) throws Fail {
    deeper(depth);
    if (majorType == 5) {
      foreign |= wellFormed(false, depth + 1) != 3;
    }
    wellFormed(false, depth + 1);
  }

  private static void deeper(int depth) throws Fail {
    if (depth == CborScanner.MAX_DEPTH) {
      throw new Fail();
    }
  }

  private int indefinite(int majorType, boolean breakable, int depth) throws Fail {
    switch (majorType) {
      case 2, 3 -> {
        foreign |= majorType == 2;
        while (true) {
          int head = (int) take(1);
          if (head == 0xFF) {
            break;
          }
          int information = head & 0x1F;
          if (head >> 5 != majorType || information > 27) {
            throw new Fail();
          }
          string(majorType, information < 24 ? information : take(1 << (information - 24)));
        }
      }
      case 4 -> {
        deeper(depth);
        while (wellFormed(true, depth + 1) != BREAK) {}
      }
      case 5 -> {
        deeper(depth);
        for (int name = wellFormed(true, depth + 1);
            name != BREAK;
            name = wellFormed(true, depth + 1)) {
          foreign |= name != 3;
          wellFormed(false, depth + 1);
        }
      }
      case 7 -> {
        if (breakable) {
          return BREAK;
        }
        throw new Fail();
      }
      default -> throw new Fail();
    }
    return majorType;
  }

  private void string(int majorType, long length) throws Fail {
    if (length < 0 || length > data.remaining()) {
      throw new Fail();
    }
    ByteBuffer content = data.slice(data.position(), (int) length);
    data.position(data.position() + (int) length);
    if (majorType == 2) {
      foreign = true;
      return;
    }
    try {
      UTF_8.newDecoder().decode(content);
    } catch (CharacterCodingException e) {
      throw new Fail();
    }
  }
}
