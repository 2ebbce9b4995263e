package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A cursor over the data items of one in CBOR (RFC 8949, strictly; UTF-8, strictly), of definite
 * and indefinite lengths. Numbers are integers and floats of any width. Tags, byte strings and
 * simple values but true, false and null are well-formed, and nothing that a method here would step
 * over. Nothing is allocated.
 *
 * <p>An item begins with a byte of two parts: its major type in the upper three bits, and below
 * them its argument, or the number of bytes of it that follow (24 to 27), or that the length is
 * indefinite (31).
 */
final class CborScanner extends BodyScanner {

  /** How deep arrays and maps may lie in each other: as deep as in JSON. */
  static final int MAX_DEPTH = 500;

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle FOUR_BYTES =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle TWO_BYTES =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

  private static final int NEGATIVE = 1;
  private static final int BYTES = 2;
  private static final int TEXT = 3;
  private static final int ARRAY = 4;
  private static final int MAP = 5;
  private static final int TAG = 6;

  private static final int FALSE = 0xF4;
  private static final int TRUE = 0xF5;
  private static final int NULL = 0xF6;
  private static final int SIMPLE = 0xF8;
  private static final int HALF = 0xF9;
  private static final int SINGLE = 0xFA;
  private static final int DOUBLE = 0xFB;
  private static final int BREAK = 0xFF;
  private static final int INDEFINITE = 31;

  /** In place of a number of elements: a break ends them. */
  private static final long UNTIL_BREAK = -1;

  /** The same of a map whose every item is looked at, at a key and at a value. */
  private static final long KEY_OR_BREAK = -2;

  private static final long VALUE = -3;

  /** How many elements or fields are left of each array and map that is open. */
  private final long[] left = new long[MAX_DEPTH + 1];

  private int depth;
  private long integer;

  CborScanner() {
    super("CBOR");
  }

  @Override
  void start(byte[] body, int length) {
    super.start(body, length);
    depth = 0;
  }

  /** The byte at the cursor, where one must be. */
  private int initial() {
    if (position >= end) {
      throw malformed(end);
    }
    return body[position] & 0xFF;
  }

  private int majorType() {
    return initial() >>> 5;
  }

  /** Steps over the head of an item; its argument, unsigned. */
  private long argument() {
    int head = position;
    int information = initial() & 0x1F;
    if (information < 24) {
      position++;
      return information;
    }
    if (information > 27) {
      throw malformed(head);
    }
    int bytes = 1 << (information - 24);
    if (end - head <= bytes) {
      throw malformed(end);
    }
    position += 1 + bytes;
    return switch (information) {
      case 24 -> body[head + 1] & 0xFF;
      case 25 -> (short) TWO_BYTES.get(body, head + 1) & 0xFFFF;
      case 26 -> (int) FOUR_BYTES.get(body, head + 1) & 0xFFFF_FFFFL;
      default -> (long) EIGHT_BYTES.get(body, head + 1);
    };
  }

  /**
   * Steps over the head of a string, an array or a map: its length, which the rest has room for.
   */
  private int length() {
    long length = argument();
    if (length < 0 || length > end - position) {
      throw malformed(end);
    }
    return (int) length;
  }

  /** Steps into an array or map. */
  private void open(long items, long untilBreak) {
    if (depth == MAX_DEPTH) {
      throw ProblemException.of(
          ProblemType.MALFORMED_BODY,
          "The body has arrays and maps more than " + MAX_DEPTH + " deep in each other.");
    }
    if ((initial() & 0x1F) == INDEFINITE) {
      position++;
      left[++depth] = untilBreak;
    } else {
      long length = items * length();
      left[++depth] = length;
    }
  }

  @Override
  boolean startObject() {
    if (majorType() != MAP) {
      return false;
    }
    open(1, UNTIL_BREAK);
    return true;
  }

  @Override
  boolean startArray() {
    if (majorType() != ARRAY) {
      return false;
    }
    open(1, UNTIL_BREAK);
    return true;
  }

  @Override
  boolean nextField() {
    return nextElement();
  }

  @Override
  boolean nextElement() {
    long rest = left[depth];
    if (rest > 0) {
      left[depth] = rest - 1;
      return true;
    }
    if (rest == UNTIL_BREAK) {
      if (initial() != BREAK) {
        return true;
      }
      position++;
    }
    depth--;
    return false;
  }

  @Override
  boolean name() {
    if (!atText()) {
      return false;
    }
    text();
    return true;
  }

  @Override
  boolean takeNull() {
    return take(NULL);
  }

  /** Steps over {@code true} if it is at the cursor. */
  boolean takeTrue() {
    return take(TRUE);
  }

  /** Steps over {@code false} if it is at the cursor. */
  boolean takeFalse() {
    return take(FALSE);
  }

  private boolean take(int simple) {
    if (initial() != simple) {
      return false;
    }
    position++;
    return true;
  }

  @Override
  boolean atNumber() {
    int initial = initial();
    return initial < BYTES << 5 || (initial >= HALF && initial <= DOUBLE);
  }

  /** Whether an integer starts at the cursor. */
  boolean atInteger() {
    return initial() < BYTES << 5;
  }

  @Override
  double number() {
    int initial = initial();
    if (initial < BYTES << 5) {
      return whole(initial >>> 5 == NEGATIVE);
    }
    integer = -1;
    // A float's bits are the argument of its head.
    long bits = argument();
    return switch (initial) {
      case HALF -> Float.float16ToFloat((short) bits);
      case SINGLE -> Float.intBitsToFloat((int) bits);
      default -> Double.longBitsToDouble(bits);
    };
  }

  private double whole(boolean negative) {
    long argument = argument();
    integer = negative ? -1 : argument;
    if (!negative) {
      return unsigned(argument);
    }
    // What stands there is -1 - argument.
    return argument == -1 ? -0x1p64 : -unsigned(argument + 1);
  }

  private static double unsigned(long value) {
    // Halved, with a bit that stands for those cut off, so that it rounds the same way.
    return value >= 0 ? value : 2.0 * ((value >>> 1) | (value & 1));
  }

  @Override
  long integer() {
    return integer;
  }

  @Override
  int numbers(double[] target, int at) {
    int free = at;
    target[free++] = number();
    byte[] body = this.body;
    while (free < target.length && left[depth] != 0 && position < end) {
      int initial = body[position] & 0xFF;
      if (initial == DOUBLE && end - position > 8) {
        target[free++] = Double.longBitsToDouble((long) EIGHT_BYTES.get(body, position + 1));
        position += 9;
      } else if (atNumber()) {
        target[free++] = number();
      } else {
        break;
      }
      if (left[depth] > 0) {
        left[depth]--;
      }
    }
    return free;
  }

  @Override
  boolean atText() {
    return majorType() == TEXT;
  }

  @Override
  void text() {
    if ((initial() & 0x1F) == INDEFINITE) {
      startDecoding();
      position++;
      while (initial() != BREAK) {
        int to = chunk(TEXT);
        while (position < to) {
          decoded(body[position] >= 0 ? body[position++] : beyondAscii(to));
        }
      }
      position++;
      endDecoding();
      return;
    }
    int length = length();
    int from = position;
    int to = from + length;
    int at = from;
    while (at < to && body[at] > 0) {
      at++;
    }
    position = to;
    leave(from, to, length, true);
    if (at < to) {
      position = at;
      count(from, to);
    }
  }

  /** Counts the characters of a text of which the first that is 0 or not ASCII is at the cursor. */
  private void count(int from, int to) {
    int codePoints = position - from;
    boolean sound = true;
    while (position < to) {
      int codePoint = body[position] >= 0 ? body[position++] : beyondAscii(to);
      sound &= codePoint != 0;
      codePoints++;
    }
    leave(from, to, codePoints, sound);
  }

  /** Steps over the head of a part of a string of indefinite length; the part's end. */
  private int chunk(int majorType) {
    if (majorType() != majorType || (initial() & 0x1F) == INDEFINITE) {
      throw malformed(position);
    }
    int length = length();
    return position + length;
  }

  /** Reads the text at the cursor, however long it is. */
  String wholeText() {
    int start = position;
    text();
    if ((body[start] & 0x1F) != INDEFINITE) {
      return textString();
    }
    int behind = position;
    position = start + 1;
    StringBuilder whole = new StringBuilder();
    while (initial() != BREAK) {
      int to = chunk(TEXT);
      whole.append(new String(body, position, to - position, UTF_8));
      position = to;
    }
    position = behind;
    return whole.toString();
  }

  @Override
  void checkSyntax() {
    position = 0;
    depth = 0;
    left[0] = 1;
    while (depth >= 0) {
      long rest = left[depth];
      if (rest == 0) {
        depth--;
        continue;
      }
      if (initial() == BREAK) {
        if (rest != UNTIL_BREAK && rest != KEY_OR_BREAK) {
          throw malformed(position);
        }
        position++;
        depth--;
        continue;
      }
      if (rest > 0) {
        left[depth] = rest - 1;
      } else if (rest != UNTIL_BREAK) {
        left[depth] = rest == VALUE ? KEY_OR_BREAK : VALUE;
      }
      item();
    }
    depth = 0;
    expectEnd();
  }

  /** Steps over an item, or into an array or map. */
  private void item() {
    while (majorType() == TAG) {
      argument();
    }
    switch (majorType()) {
      case BYTES -> bytes();
      case TEXT -> text();
      case ARRAY -> open(1, UNTIL_BREAK);
      case MAP -> open(2, KEY_OR_BREAK);
      default -> {
        int at = position;
        boolean simple = initial() == SIMPLE;
        // Simple values below 32 have no second byte. A break is none of the arguments either.
        if (argument() < 32 && simple) {
          throw malformed(at);
        }
      }
    }
  }

  private void bytes() {
    if ((initial() & 0x1F) != INDEFINITE) {
      position = chunk(BYTES);
      return;
    }
    position++;
    while (initial() != BREAK) {
      position = chunk(BYTES);
    }
    position++;
  }
}
