package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecimalWriterTest {

  private final byte[] target = new byte[40];

  @ParameterizedTest
  @ValueSource(
      doubles = {
        0,
        -0.0,
        1,
        -1,
        0.1,
        0.3,
        2.0 / 3,
        0.05,
        0.92,
        0.5,
        1e-3,
        9.999999999999998E-4,
        0.0010000000000000002,
        1e-4,
        1e-6,
        999999.9999999999,
        1e6,
        1048575.9999999999,
        1e7,
        1e22,
        1e23,
        2e23,
        9007199254740992.0,
        Double.MIN_VALUE,
        Double.MIN_NORMAL,
        Double.MAX_VALUE,
        2.225073858507201E-308,
        -2.2250738585072014E-308
      })
  void writesNotableNumbersAsJavaDoes(double value) {
    check(value);
    check(Math.nextUp(value));
    check(Math.nextDown(value));
  }

  @Test
  void writesNumbersAroundPowersOfTwoAsJavaDoes() {
    for (int exponent = -30; exponent <= 30; exponent++) {
      double power = Math.scalb(1.0, exponent);
      double below = power;
      for (int i = 0; i < 20; i++) {
        check(power);
        check(-below);
        power = Math.nextUp(power);
        below = Math.nextDown(below);
      }
    }
  }

  @Test
  void writesShortDecimalsAndTheirNeighboursAsJavaDoes() {
    for (int exponent = -9; exponent <= 7; exponent++) {
      for (int digits = 1; digits < 2000; digits++) {
        double value = Double.parseDouble(digits + "e" + exponent);
        check(value);
        check(Math.nextUp(value));
        check(Math.nextDown(value));
      }
    }
  }

  @Test
  void writesRandomNumbersAsJavaDoes() {
    SplittableRandom random = new SplittableRandom(20_260_131);
    for (int i = 0; i < 1_000_000; i++) {
      long exponent = 1023L + random.nextInt(-21, 21);
      check(Double.longBitsToDouble(exponent << 52 | random.nextLong() >>> 12));
      check(Math.exp(-3 * random.nextDouble()));
      check((float) random.nextDouble());
      check(
          Math.scalb(
              (double) (random.nextLong() >>> (12 + random.nextInt(52))), -random.nextInt(60)));
    }
  }

  private void check(double value) {
    int end = DecimalWriter.write(value, target, 3);
    String written = new String(target, 3, end - 3, US_ASCII);
    if (!written.equals(Double.toString(value))) {
      assertThat(written)
          .as("bits %016x", Double.doubleToRawLongBits(value))
          .isEqualTo(Double.toString(value));
    }
  }
}
