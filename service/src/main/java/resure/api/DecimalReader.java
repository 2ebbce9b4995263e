package resure.api;

import java.math.BigInteger;

/**
 * Decimal to binary: the double nearest to {@code digits * 10^exponent}, ties to even, without
 * allocation. Three ways, tried in order: one exact division or multiplication (Clinger 1990); a
 * product with a truncated 128-bit power of ten, whose error is known, so that it either decides
 * the rounding or says that it does not (after Lemire 2021, "Number parsing at a gigabyte per
 * second"); and for the rest, midpoints and everything outside the normal doubles, NaN: ask the
 * JDK.
 */
final class DecimalReader {

  /** Below this a product with 19 digits is no normal double. */
  private static final int MIN_EXPONENT = -327;

  private static final int MAX_EXPONENT = 308;

  /** The powers of ten that are doubles themselves. */
  private static final double[] EXACT_POWERS = new double[23];

  /** The leading 128 bits of each power of ten, truncated: high word, low word. */
  private static final long[] POWERS = new long[2 * (MAX_EXPONENT - MIN_EXPONENT + 1)];

  /** The binary exponent of each power of ten: the floor of its binary logarithm. */
  private static final short[] BINARY_EXPONENTS = new short[MAX_EXPONENT - MIN_EXPONENT + 1];

  static {
    for (int i = 0; i < EXACT_POWERS.length; i++) {
      EXACT_POWERS[i] = Double.parseDouble("1e" + i);
    }
    BigInteger power = BigInteger.ONE;
    for (int exponent = 0; exponent <= -MIN_EXPONENT; exponent++) {
      int bits = power.bitLength();
      if (exponent <= MAX_EXPONENT) {
        keep(exponent, power.shiftLeft(128).shiftRight(bits), bits - 1);
      }
      if (exponent > 0) {
        keep(-exponent, BigInteger.ONE.shiftLeft(127 + bits).divide(power), -bits);
      }
      power = power.multiply(BigInteger.TEN);
    }
  }

  private DecimalReader() {}

  private static void keep(int exponent, BigInteger leading, int binaryExponent) {
    int i = exponent - MIN_EXPONENT;
    POWERS[2 * i] = leading.shiftRight(64).longValue();
    POWERS[2 * i + 1] = leading.longValue();
    BINARY_EXPONENTS[i] = (short) binaryExponent;
  }

  /**
   * The double nearest to {@code digits * 10^exponent}, or NaN where another way must decide.
   *
   * @param digits unsigned
   */
  static double nearest(long digits, int exponent) {
    if (digits >>> 53 == 0) {
      if (exponent == 0 || digits == 0) {
        return digits;
      }
      if (exponent < 0 && exponent >= -22) {
        return digits / EXACT_POWERS[-exponent];
      }
      if (exponent > 0 && exponent <= 22) {
        return digits * EXACT_POWERS[exponent];
      }
    }
    if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT) {
      return Double.NaN;
    }
    int leadingZeros = Long.numberOfLeadingZeros(digits);
    long factor = digits << leadingZeros;
    int i = exponent - MIN_EXPONENT;
    // With the power's high word; the true product is above this by less than factor.
    long high = Math.unsignedMultiplyHigh(factor, POWERS[2 * i]);
    long low = factor * POWERS[2 * i];
    if (undecided(high, low, factor)) {
      // Now with the low word: the true product is above (high, low) by less than 2 units of low.
      long next = Math.unsignedMultiplyHigh(factor, POWERS[2 * i + 1]);
      low += next;
      if (Long.compareUnsigned(low, next) < 0) {
        high++;
      }
      if (undecided(high, low, 2)) {
        return Double.NaN;
      }
    }
    int top = (int) (high >>> 63);
    int dropped = 10 + top;
    long half = 1L << (dropped - 1);
    long fraction = high & 2 * half - 1;
    // A fraction of exactly half is above it by what low holds: undecided() has seen to that.
    long significand = (high >>> dropped) + (fraction >= half ? 1 : 0);
    int biased = 1023 + 63 - leadingZeros + BINARY_EXPONENTS[i] + top;
    if (biased < 1 || biased > 2046) {
      return Double.NaN;
    }
    // A significand rounded up to 2^53 carries into the exponent, as it should; so does overflow.
    return Double.longBitsToDouble(((long) biased << 52) + (significand - (1L << 52)));
  }

  /** Whether the midpoint of two doubles lies in {@code [(high, low), (high, low) + error)}. */
  private static boolean undecided(long high, long low, long error) {
    long half = 1L << (9 + (int) (high >>> 63));
    long fraction = high & 2 * half - 1;
    if (fraction == half) {
      return low == 0;
    }
    return fraction == half - 1 && Long.compareUnsigned(low + error, error) < 0;
  }
}
