package resure.journal;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.Arrays;

/**
 * Identifies one creation of a run: 48 bits of milliseconds since 1970, then 80 random bits,
 * written as 26 characters of Crockford's base 32 (a ULID). Ordered roughly by time, so that a
 * store keeps what is written together near each other; nothing else depends on the time.
 *
 * @param high first 64 bits
 * @param low last 64 bits
 */
public record Incarnation(long high, long low) {

  private static final char[] DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();
  private static final int TIME_DIGITS = 10;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** A new one. */
  public static Incarnation next(long epochMillis) {
    return new Incarnation(epochMillis << 16 | RANDOM.nextInt(1 << 16), RANDOM.nextLong());
  }

  /** The time of one, given as its text; the epoch when that is none. */
  public static Instant time(String text) {
    long millis = 0;
    for (int i = 0; i < Math.min(TIME_DIGITS, text.length()); i++) {
      int digit = Arrays.binarySearch(DIGITS, text.charAt(i));
      if (digit < 0) {
        return Instant.EPOCH;
      }
      millis = millis << 5 | digit;
    }
    return Instant.ofEpochMilli(millis);
  }

  @Override
  public String toString() {
    char[] text = new char[26];
    long upper = high;
    long lower = low;
    for (int i = text.length - 1; i >= 0; i--) {
      text[i] = DIGITS[(int) (lower & 31)];
      lower = lower >>> 5 | upper << 59;
      upper >>>= 5;
    }
    return new String(text);
  }
}
