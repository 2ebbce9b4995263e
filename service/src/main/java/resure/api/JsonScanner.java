package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.BitSet;

/**
 * A cursor over the tokens of a JSON text (RFC 8259, strictly; UTF-8, strictly), extended by NaN,
 * Infinity and -Infinity as Python writes them. Nothing is allocated but for a number that the fast
 * ways cannot round.
 */
final class JsonScanner extends BodyScanner {

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long[] POWERS_OF_TEN = new long[9];

  static {
    POWERS_OF_TEN[0] = 1;
    for (int i = 1; i < POWERS_OF_TEN.length; i++) {
      POWERS_OF_TEN[i] = 10 * POWERS_OF_TEN[i - 1];
    }
  }

  private static final byte[] NULL = {'n', 'u', 'l', 'l'};
  private static final byte[] TRUE = {'t', 'r', 'u', 'e'};
  private static final byte[] FALSE = {'f', 'a', 'l', 's', 'e'};
  private static final byte[] NAN = {'N', 'a', 'N'};
  private static final byte[] INFINITY = {'I', 'n', 'f', 'i', 'n', 'i', 't', 'y'};

  private long integer;

  /** Whether the cursor stands behind the bracket that opens an object or array. */
  private boolean opened;

  JsonScanner() {
    super("JSON");
  }

  @Override
  void start(byte[] body, int length) {
    super.start(body, length);
    skipWhitespace();
  }

  /** The byte at the cursor, 0 at the end: no token starts with it. */
  byte peek() {
    return position < end ? body[position] : 0;
  }

  /** Steps over a structural character, and the white space behind it, if it is at the cursor. */
  private boolean take(char structural) {
    if (position < end && body[position] == structural) {
      position++;
      skipWhitespace();
      return true;
    }
    return false;
  }

  /** Steps over a structural character, which must be there. */
  private void expect(char structural) {
    if (!take(structural)) {
      throw malformed(position);
    }
  }

  @Override
  boolean startObject() {
    opened = take('{');
    return opened;
  }

  @Override
  boolean nextField() {
    return next('}');
  }

  @Override
  boolean startArray() {
    opened = take('[');
    return opened;
  }

  @Override
  boolean nextElement() {
    return next(']');
  }

  private boolean next(char closing) {
    boolean first = opened;
    opened = false;
    if (take(closing)) {
      return false;
    }
    if (!first) {
      expect(',');
    }
    return true;
  }

  @Override
  boolean takeNull() {
    if (peek() != 'n') {
      return false;
    }
    literal(NULL, position);
    return true;
  }

  @Override
  boolean atNumber() {
    byte next = peek();
    return isDigit(next) || next == '-' || next == 'N' || next == 'I';
  }

  @Override
  boolean atText() {
    return peek() == '"';
  }

  @Override
  int numbers(double[] target, int at) {
    int free = at;
    target[free++] = number();
    while (free < target.length && peek() == ',') {
      int comma = position++;
      skipWhitespace();
      if (!atNumber()) {
        position = comma;
        break;
      }
      target[free++] = number();
    }
    return free;
  }

  @Override
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

  @Override
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

  @Override
  void text() {
    byte[] body = this.body;
    int from = position + 1;
    int at = from;
    // Negative bytes belong to characters beyond ASCII.
    while (at < end && body[at] >= ' ' && body[at] != '"' && body[at] != '\\') {
      at++;
    }
    if (at < end && body[at] == '"') {
      leave(from, at, at - from, true);
      position = at + 1;
    } else {
      position = from;
      decode();
    }
    skipWhitespace();
  }

  private void decode() {
    startDecoding();
    while (peek() != '"') {
      decoded(peek() == '\\' ? escaped() : raw());
    }
    position++;
    endDecoding();
  }

  /** Reads one character of a string that stands for itself. */
  private int raw() {
    int first = peek();
    if (first < ' ') {
      return beyondAscii(end);
    }
    position++;
    return first;
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
  @Override
  boolean name() {
    if (!atText()) {
      throw malformed(position);
    }
    text();
    expect(':');
    return true;
  }

  @Override
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
          throw malformed(position);
        }
        number();
      }
    }
  }

  private void skipWhitespace() {
    while (position < end && body[position] <= ' ' && isWhitespace(body[position])) {
      position++;
    }
  }

  private static boolean isWhitespace(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }
}
