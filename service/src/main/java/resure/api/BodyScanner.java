package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * A cursor over the tokens of a body, so that one set of checks reads every representation. What is
 * not well-formed ends in {@link ProblemType#MALFORMED_BODY}. For one thread at a time.
 */
abstract sealed class BodyScanner permits JsonScanner, CborScanner {

  /** Texts are kept up to this many code points: none that the contract knows may be longer. */
  static final int MAX_CODE_POINTS = 256;

  private static final byte[] NOTHING = {};

  private final String representation;

  byte[] body = NOTHING;
  int end;
  int position;

  /** Holds the last text where it could not be left in the body. */
  private final byte[] decoded = new byte[4 * MAX_CODE_POINTS];

  private int decodedLength;
  private byte[] text = NOTHING;
  private int textFrom;
  private int textTo;
  private int codePoints;
  private boolean sound;

  BodyScanner(String representation) {
    this.representation = representation;
  }

  /** Starts at the first token of a body. */
  void start(byte[] body, int length) {
    this.body = body;
    end = length;
    position = 0;
    text = NOTHING;
  }

  /** Lets go of the body. */
  void stop() {
    start(NOTHING, 0);
  }

  /** Steps into the object at the cursor, if there is one. */
  abstract boolean startObject();

  /**
   * Steps to the name of the next field of the object; out of it, and false, where none is left.
   */
  abstract boolean nextField();

  /** Steps into the array at the cursor, if there is one. */
  abstract boolean startArray();

  /** Steps to the next element of the array; out of it, and false, where none is left. */
  abstract boolean nextElement();

  /**
   * Reads the name of a field; false where it is no text, which only some representations allow.
   */
  abstract boolean name();

  /** Steps over a null if it is at the cursor. */
  abstract boolean takeNull();

  /** Whether a number starts at the cursor. */
  abstract boolean atNumber();

  /**
   * Reads the number at the cursor: the nearest double, ties to even; an infinity beyond their
   * range.
   */
  abstract double number();

  /**
   * The last number as a whole one from 0 to 2^63 - 1; negative where it is none, or not written as
   * one.
   */
  abstract long integer();

  /**
   * Reads the number at the cursor and the elements behind it, as far as they are numbers and there
   * is room for them.
   *
   * @param at where in {@code target} the first belongs
   * @return the end of what was read
   */
  abstract int numbers(double[] target, int at);

  /** Whether a text starts at the cursor. */
  abstract boolean atText();

  /** Reads the text at the cursor, which the methods about text then speak of. */
  abstract void text();

  /** Nothing may be left. */
  void expectEnd() {
    if (position < end) {
      throw malformed(position);
    }
  }

  /** Reads the whole body once more, only to see that it is well-formed. */
  abstract void checkSyntax();

  /** The bytes that hold the text's UTF-8. */
  final byte[] textBytes() {
    return text;
  }

  final int textFrom() {
    return textFrom;
  }

  final int textTo() {
    return textTo;
  }

  /** Length of the text; beyond {@link #MAX_CODE_POINTS}, its bytes may be those of a beginning. */
  final int codePoints() {
    return codePoints;
  }

  /** Whether the text is free of U+0000 and lone surrogates. */
  final boolean sound() {
    return sound;
  }

  final boolean textIs(byte[] utf8) {
    // Most that differ have another length, which is cheaper to see from here.
    return textTo - textFrom == utf8.length
        && Arrays.equals(text, textFrom, textTo, utf8, 0, utf8.length);
  }

  final String textString() {
    return new String(text, textFrom, textTo - textFrom, UTF_8);
  }

  /** The text is a part of the body. */
  final void leave(int from, int to, int length, boolean isSound) {
    text = body;
    textFrom = from;
    textTo = to;
    codePoints = length;
    sound = isSound;
  }

  /** A text begins whose characters are given one by one. */
  final void startDecoding() {
    decodedLength = 0;
    codePoints = 0;
    sound = true;
  }

  final void decoded(int codePoint) {
    int kept = codePoint;
    if (codePoint == 0 || isSurrogate(codePoint)) {
      sound = false;
      kept = 0xFFFD;
    }
    if (++codePoints <= MAX_CODE_POINTS) {
      append(kept);
    }
  }

  final void endDecoding() {
    text = decoded;
    textFrom = 0;
    textTo = decodedLength;
  }

  private void append(int codePoint) {
    if (codePoint < 0x80) {
      decoded[decodedLength++] = (byte) codePoint;
      return;
    }
    if (codePoint < 0x800) {
      decoded[decodedLength++] = (byte) (0xC0 | codePoint >> 6);
    } else {
      if (codePoint < 0x10000) {
        decoded[decodedLength++] = (byte) (0xE0 | codePoint >> 12);
      } else {
        decoded[decodedLength++] = (byte) (0xF0 | codePoint >> 18);
        decoded[decodedLength++] = (byte) (0x80 | (codePoint >> 12 & 0x3F));
      }
      decoded[decodedLength++] = (byte) (0x80 | (codePoint >> 6 & 0x3F));
    }
    decoded[decodedLength++] = (byte) (0x80 | (codePoint & 0x3F));
  }

  /** Reads one character beyond ASCII in UTF-8 (strictly) that ends before {@code limit}. */
  final int beyondAscii(int limit) {
    int start = position;
    int first = position < limit ? body[position] & 0xFF : 0;
    int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    if (more == 0 || first > 0xF4) {
      throw malformed(start);
    }
    int codePoint = first & 0x3F >> more;
    position++;
    for (int i = 0; i < more; i++) {
      if (position >= limit || (body[position] & 0xC0) != 0x80) {
        throw malformed(position);
      }
      codePoint = codePoint << 6 | (body[position++] & 0x3F);
    }
    int smallest = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (codePoint < smallest || codePoint > Character.MAX_CODE_POINT || isSurrogate(codePoint)) {
      throw malformed(start);
    }
    return codePoint;
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  /** The problem of what stands at a byte; at the end, of what is missing there. */
  final ProblemException malformed(int at) {
    return ProblemException.of(
        ProblemType.MALFORMED_BODY,
        at < end
            ? "The body is not " + representation + " at byte " + at + "."
            : "The body ends at byte " + end + ", before its " + representation + " does.");
  }
}
