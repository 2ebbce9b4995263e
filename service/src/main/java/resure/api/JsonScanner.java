package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A cursor over the tokens of a JSON text (RFC 8259, strictly; UTF-8, strictly), extended by NaN,
 * Infinity and -Infinity as Python writes them. What is not JSON ends in {@link
 * ProblemType#MALFORMED_BODY}. Nothing is allocated but for a number that the fast ways cannot
 * round. For one thread at a time.
 */
final class JsonScanner {

  /** Texts are kept up to this many code points: none that the contract knows may be longer. */
  static final int MAX_CODE_POINTS = 256;

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long[] POWERS_OF_TEN = new long[9];

  static {
    POWERS_OF_TEN[0] = 1;
    for (int i = 1; i < POWERS_OF_TEN.length; i++) {
      POWERS_OF_TEN[i] = 10 * POWERS_OF_TEN[i - 1];
    }
  }

  private static final byte[] NOTHING = {};
  private static final byte[] NULL = {'n', 'u', 'l', 'l'};
  private static final byte[] TRUE = {'t', 'r', 'u', 'e'};
  private static final byte[] FALSE = {'f', 'a', 'l', 's', 'e'};
  private static final byte[] NAN = {'N', 'a', 'N'};
  private static final byte[] INFINITY = {'I', 'n', 'f', 'i', 'n', 'i', 't', 'y'};

  private byte[] body = NOTHING;
  private int end;
  private int position;

  private long integer;

  /** Holds the last text where it could not be left in the body. */
  private final byte[] decoded = new byte[4 * MAX_CODE_POINTS];

  private int decodedLength;
  private byte[] text = NOTHING;
  private int textFrom;
  private int textTo;
  private int codePoints;
  private boolean sound;

  /** Starts at the first token of a text. */
  void start(byte[] body, int length) {
    this.body = body;
    end = length;
    position = 0;
    text = NOTHING;
    skipWhitespace();
  }

  /** Lets go of the body. */
  void stop() {
    start(NOTHING, 0);
  }

  /** The byte at the cursor, 0 at the end: no token starts with it. */
  byte peek() {
    return position < end ? body[position] : 0;
  }

  /** Steps over a structural character, and the white space behind it, if it is at the cursor. */
  boolean take(char structural) {
    if (position < end && body[position] == structural) {
      position++;
      skipWhitespace();
      return true;
    }
    return false;
  }

  /** Steps over a structural character, which must be there. */
  void expect(char structural) {
    if (!take(structural)) {
      throw unexpected();
    }
  }

  /** Nothing may be left. */
  void expectEnd() {
    if (position < end) {
      throw unexpected();
    }
  }

  /** Steps over {@code null} if it is at the cursor. */
  boolean takeNull() {
    if (peek() != 'n') {
      return false;
    }
    literal(NULL, position);
    return true;
  }

  /** Whether a number, or one of its extensions, starts at the cursor. */
  boolean atNumber() {
    byte next = peek();
    return isDigit(next) || next == '-' || next == 'N' || next == 'I';
  }

  /** Whether a string starts at the cursor. */
  boolean atText() {
    return peek() == '"';
  }

  /**
   * Reads the number at the cursor: the nearest double, ties to even; an infinity beyond their
   * range.
   */
  double number() {
    byte[] body = this.body;
    int end = this.end;
    int start = position;
    int at = start;
    boolean negative = body[at] == '-';
    if (negative) {
      at++;
    }
    int firstDigit = at;
    int first = at < end ? body[at] - '0' : -1;
    if (first < 0 || first > 9) {
      return notFinite(negative, at);
    }
    long digits = first;
    at++;
    while (at < end && isDigit(body[at])) {
      if (first == 0) {
        throw malformed(at);
      }
      digits = 10 * digits + (body[at++] - '0');
    }
    int count = at - firstDigit;
    int exponent = 0;
    integer = !negative || digits == 0 ? digits : -1;
    if (at < end && body[at] == '.') {
      int firstOfFraction = ++at;
      int eight = 8;
      while (eight == 8 && at <= end - 8) {
        // After the exclusive or, digits are 0 to 9: whatever else has its top bit set, or gets it
        // from the sum. A carry out of such a byte spoils only those behind it.
        long values = (long) EIGHT_BYTES.get(body, at) ^ 0x3030303030303030L;
        long others = (values + 0x7676767676767676L | values) & 0x8080808080808080L;
        eight = Long.numberOfTrailingZeros(others) >> 3;
        if (eight > 0) {
          digits = digits * POWERS_OF_TEN[eight] + eightDigits(values << (64 - 8 * eight));
          at += eight;
        }
      }
      while (at < end && isDigit(body[at])) {
        digits = 10 * digits + (body[at++] - '0');
      }
      if (at == firstOfFraction) {
        throw malformed(at);
      }
      exponent = firstOfFraction - at;
      count -= exponent;
      integer = -1;
    }
    if (at < end && (body[at] | 0x20) == 'e') {
      position = at + 1;
      exponent += exponent();
      at = position;
      integer = -1;
    }
    position = at;
    double magnitude =
        count <= 19 || significant(firstDigit, at) <= 19
            ? DecimalReader.nearest(digits, exponent)
            : Double.NaN;
    if (count > 19) {
      integer = -1;
    }
    skipWhitespace();
    if (Double.isNaN(magnitude)) {
      return Double.parseDouble(new String(body, start, at - start, ISO_8859_1));
    }
    return negative ? -magnitude : magnitude;
  }

  /**
   * The last number as a whole one from 0 to 2^63 - 1; negative where it is none, or not written as
   * one.
   */
  long integer() {
    return integer;
  }

  /** Number of eight digit values, the first in the lowest byte. */
  private static long eightDigits(long values) {
    long pairs = 10 * values + (values >>> 8);
    long outer = (pairs & 0x000000FF000000FFL) * (100 + (1_000_000L << 32));
    long inner = (pairs >>> 16 & 0x000000FF000000FFL) * (1 + (10_000L << 32));
    return (outer + inner) >>> 32;
  }

  /** Number of digits of a mantissa from its first that is not 0. */
  private int significant(int from, int to) {
    int count = 0;
    for (int at = from; at < to && (body[at] | 0x20) != 'e'; at++) {
      if (body[at] != '.' && (count > 0 || body[at] != '0')) {
        count++;
      }
    }
    return count;
  }

  /** Reads the exponent behind its letter; beyond a million they are all the same. */
  private int exponent() {
    boolean negative = peek() == '-';
    if (negative || peek() == '+') {
      position++;
    }
    if (!isDigit(peek())) {
      throw malformed(position);
    }
    int exponent = 0;
    while (isDigit(peek())) {
      exponent = Math.min(10 * exponent + (body[position++] - '0'), 100_000_000);
    }
    return negative ? -exponent : exponent;
  }

  private double notFinite(boolean negative, int at) {
    integer = -1;
    if (!negative && at < end && body[at] == 'N') {
      literal(NAN, at);
      return Double.NaN;
    }
    literal(INFINITY, at);
    return negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  private void literal(byte[] literal, int at) {
    for (int i = 0; i < literal.length; i++, at++) {
      if (at >= end || body[at] != literal[i]) {
        throw malformed(at);
      }
    }
    position = at;
    skipWhitespace();
  }

  /** Reads the string at the cursor, which the methods about text then speak of. */
  void text() {
    byte[] body = this.body;
    int from = position + 1;
    int at = from;
    // Negative bytes belong to characters beyond ASCII.
    while (at < end && body[at] >= ' ' && body[at] != '"' && body[at] != '\\') {
      at++;
    }
    if (at < end && body[at] == '"') {
      text = body;
      textFrom = from;
      textTo = at;
      codePoints = at - from;
      sound = true;
      position = at + 1;
    } else {
      position = from;
      decode();
    }
    skipWhitespace();
  }

  /** The bytes that hold the text's UTF-8. */
  byte[] textBytes() {
    return text;
  }

  int textFrom() {
    return textFrom;
  }

  int textTo() {
    return textTo;
  }

  /** Length of the text; beyond {@link #MAX_CODE_POINTS}, its bytes are those of a beginning. */
  int codePoints() {
    return codePoints;
  }

  /** Whether the text is free of U+0000 and lone surrogates. */
  boolean sound() {
    return sound;
  }

  boolean textIs(byte[] utf8) {
    return Arrays.equals(text, textFrom, textTo, utf8, 0, utf8.length);
  }

  String textString() {
    return new String(text, textFrom, textTo - textFrom, UTF_8);
  }

  private void decode() {
    decodedLength = 0;
    codePoints = 0;
    sound = true;
    while (peek() != '"') {
      int codePoint = peek() == '\\' ? escaped() : raw();
      if (codePoint == 0 || isSurrogate(codePoint)) {
        sound = false;
        codePoint = 0xFFFD;
      }
      if (++codePoints <= MAX_CODE_POINTS) {
        append(codePoint);
      }
    }
    position++;
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

  /** Reads one character of a string that stands for itself. */
  private int raw() {
    int first = peek();
    if (first >= ' ') {
      position++;
      return first;
    }
    int start = position;
    first &= 0xFF;
    int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    if (position >= end || more == 0 || first > 0xF4) {
      throw malformed(start);
    }
    int codePoint = first & 0x3F >> more;
    position++;
    for (int i = 0; i < more; i++) {
      if ((peek() & 0xC0) != 0x80) {
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

  /** Reads one escaped character of a string; a lone surrogate is returned as it is. */
  private int escaped() {
    position++;
    byte kind = peek();
    position++;
    return switch (kind) {
      case '"', '\\', '/' -> kind;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> unicode();
      default -> throw malformed(position - 1);
    };
  }

  private int unicode() {
    int unit = hexadecimal();
    if (unit < 0xD800
        || unit > 0xDBFF
        || end - position < 6
        || body[position] != '\\'
        || body[position + 1] != 'u') {
      return unit;
    }
    int afterFirst = position;
    position += 2;
    int second = hexadecimal();
    if (second >= 0xDC00 && second <= 0xDFFF) {
      return Character.toCodePoint((char) unit, (char) second);
    }
    position = afterFirst;
    return unit;
  }

  private int hexadecimal() {
    int unit = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw malformed(position);
      }
      unit = unit << 4 | digit;
      position++;
    }
    return unit;
  }

  /** Reads the name of a field, and the colon behind it. */
  void name() {
    if (!atText()) {
      throw unexpected();
    }
    text();
    expect(':');
  }

  /** Reads the whole text once more, only to see that it is JSON. */
  void checkSyntax() {
    position = 0;
    skipWhitespace();
    BitSet objects = new BitSet(); // whether it is an object that is open, at each depth
    int depth = 0;
    while (true) {
      if (take('{')) {
        if (!take('}')) {
          objects.set(depth++);
          name();
          continue;
        }
      } else if (take('[')) {
        if (!take(']')) {
          objects.clear(depth++);
          continue;
        }
      } else {
        scalar();
      }
      while (depth > 0 && take(objects.get(depth - 1) ? '}' : ']')) {
        depth--;
      }
      if (depth == 0) {
        expectEnd();
        return;
      }
      expect(',');
      if (objects.get(depth - 1)) {
        name();
      }
    }
  }

  private void scalar() {
    switch (peek()) {
      case '"' -> text();
      case 't' -> literal(TRUE, position);
      case 'f' -> literal(FALSE, position);
      case 'n' -> literal(NULL, position);
      default -> {
        if (!atNumber()) {
          throw unexpected();
        }
        number();
      }
    }
  }

  /** The problem of what is at the cursor, where no JSON text goes on so. */
  private ProblemException unexpected() {
    return malformed(position);
  }

  private ProblemException malformed(int at) {
    return ProblemException.of(
        ProblemType.MALFORMED_BODY,
        at < end
            ? "The body is not JSON at byte " + at + "."
            : "The body ends at byte " + end + ", before its JSON does.");
  }

  private void skipWhitespace() {
    while (position < end && body[position] <= ' ' && isWhitespace(body[position])) {
      position++;
    }
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  private static boolean isWhitespace(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }
}
