package resure.api;

/**
 * Binary to decimal: what {@link Double#toString(double)} says, as ASCII bytes. For magnitudes from
 * 2^-20 to 2^20 without allocation, in exact 128-bit integers: scale to 17 digits, find the
 * interval of decimals that read back as the same double, take the shortest in it, of these the
 * closest.
 */
final class DecimalWriter {

  /** The longest text of a double: {@code -2.2250738585072014E-308}. */
  static final int MAX_LENGTH = 24;

  private static final int MIN_EXPONENT = -20;
  private static final int MAX_EXPONENT = 19;

  private static final long[] POWERS_OF_FIVE = new long[28];

  private static final long[] POWERS_OF_TEN = new long[19];

  /** The doubles nearest to 10^-6 and so on up to 10^6. */
  private static final double[] MAGNITUDES = new double[13];

  private static final long SMALLEST_OF_17 = 10_000_000_000_000_000L;

  static {
    POWERS_OF_FIVE[0] = 1;
    for (int i = 1; i < POWERS_OF_FIVE.length; i++) {
      POWERS_OF_FIVE[i] = 5 * POWERS_OF_FIVE[i - 1];
    }
    POWERS_OF_TEN[0] = 1;
    for (int i = 1; i < POWERS_OF_TEN.length; i++) {
      POWERS_OF_TEN[i] = 10 * POWERS_OF_TEN[i - 1];
    }
    for (int i = 0; i < MAGNITUDES.length; i++) {
      MAGNITUDES[i] = Double.parseDouble("1e" + (i - 6));
    }
  }

  private DecimalWriter() {}

  /**
   * Writes {@code value} at {@code at}, where {@link #MAX_LENGTH} bytes are free; returns its end.
   */
  static int write(double value, byte[] target, int at) {
    long bits = Double.doubleToRawLongBits(value);
    if (bits == 0x3FF0000000000000L) {
      return ones(target, at, '1');
    }
    if (bits == 0) {
      return ones(target, at, '0');
    }
    int exponent = (int) (bits >>> 52 & 0x7FF) - 1023;
    if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT) {
      return ascii(Double.toString(value), target, at);
    }
    if (bits < 0) {
      target[at++] = '-';
    }
    return shortest(bits & (1L << 52) - 1, exponent, Math.abs(value), target, at);
  }

  private static int ones(byte[] target, int at, char digit) {
    target[at] = (byte) digit;
    target[at + 1] = '.';
    target[at + 2] = '0';
    return at + 3;
  }

  @SuppressWarnings("deprecation") // The one copy of ASCII without an encoder.
  private static int ascii(String text, byte[] target, int at) {
    text.getBytes(0, text.length(), target, at);
    return at + text.length();
  }

  private static int shortest(long fraction, int exponent, double value, byte[] target, int at) {
    // The floor of the decimal logarithm: first of the power of two below, then of the value.
    int magnitude = (exponent * 1233) >> 12;
    if (value >= MAGNITUDES[magnitude + 1 + 6]) {
      magnitude++;
    }
    // value = significand * 2^(exponent - 52), so that value * 10^scale, which has 17 digits before
    // its point, is significand * 5^scale * 2^(exponent - 52 + scale). Two more bits make the ends
    // of the rounding interval whole: 2 units up, 2 down, but 1 down from a power of two.
    int scale = 16 - magnitude;
    long five = POWERS_OF_FIVE[scale];
    int shift = 54 - exponent - scale;
    long units = (1L << 52 | fraction) << 2;
    long below = units - (fraction == 0 ? 1 : 2);
    long above = units + 2;
    // Ends belong to the interval where ties to even lead back to this double.
    boolean closed = (fraction & 1) == 0;
    long mask = (1L << shift) - 1;
    long lowest = scaled(below, five, shift);
    if (!closed || (below * five & mask) != 0) {
      lowest++;
    }
    long highest = scaled(above, five, shift);
    if (!closed && (above * five & mask) == 0) {
      highest--;
    }
    long digits = choose(lowest, highest, scaled(units, five, shift), units * five & mask, mask);
    int count = digits < SMALLEST_OF_17 ? 16 : digits < 10 * SMALLEST_OF_17 ? 17 : 18;
    magnitude = count - 1 - scale;
    if (magnitude >= -3) {
      return point(digits, scale, target, at);
    }
    at = point(digits, count - 1, target, at);
    target[at++] = 'E';
    target[at++] = '-';
    target[at++] = (byte) ('0' - magnitude);
    return at;
  }

  /**
   * The number of fewest digits, not counting the zeros that it ends in, from {@code lowest} to
   * {@code highest}: of these the one closest to {@code whole + rest / (mask + 1)}, of two the even
   * one. The interval is 1.1 to 23 wide, so that at most one multiple of 100 is in it.
   */
  private static long choose(long lowest, long highest, long whole, long rest, long mask) {
    long highestTen = highest / 10;
    if (10 * highestTen < lowest) {
      long half = (mask >> 1) + 1;
      boolean up = rest > half || (rest == half && (whole & 1) == 1);
      return Math.clamp(whole + (up ? 1 : 0), lowest, highest);
    }
    long hundreds = highestTen / 10;
    if (100 * hundreds >= lowest) {
      return 100 * hundreds;
    }
    long tens = whole / 10;
    long units = whole - 10 * tens;
    boolean up = units > 5 || (units == 5 && (rest > 0 || (tens & 1) == 1));
    return 10 * Math.clamp(tens + (up ? 1 : 0), (lowest + 9) / 10, highestTen);
  }

  /** Writes {@code digits / 10^places}, with one digit behind the point at least. */
  private static int point(long digits, int places, byte[] target, int at) {
    while (places > 1 && digits % 10 == 0) {
      digits /= 10;
      places--;
    }
    long whole = 0;
    if (places < POWERS_OF_TEN.length && digits >= POWERS_OF_TEN[places]) {
      whole = digits / POWERS_OF_TEN[places];
      digits -= whole * POWERS_OF_TEN[places];
    }
    at = whole(whole, target, at);
    target[at++] = '.';
    digits(digits, target, at, at + places);
    return at + places;
  }

  /** Writes a whole number of at least 0 at {@code at}; returns its end. */
  static int whole(long value, byte[] target, int at) {
    int end = at + 1;
    for (long rest = value; rest >= 10; rest /= 10) {
      end++;
    }
    digits(value, target, at, end);
    return end;
  }

  /** Writes the last digits of a number. */
  private static void digits(long value, byte[] target, int from, int to) {
    for (int i = to - 1; i >= from; i--) {
      long next = value / 10;
      target[i] = (byte) ('0' + (value - 10 * next));
      value = next;
    }
  }

  /** {@code floor(units * five / 2^shift)}. */
  private static long scaled(long units, long five, int shift) {
    return Math.multiplyHigh(units, five) << (64 - shift) | (units * five) >>> shift;
  }
}
