package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class JsonScannerTest {

  private final JsonScanner json = new JsonScanner();

  @Test
  void roundsRandomNumbersAsTheJdkDoes() {
    SplittableRandom random = new SplittableRandom(20_260_131);
    for (int i = 0; i < 200_000; i++) {
      check(Double.toString((float) random.nextDouble(8)));
      check(Double.toString(Math.abs(Double.longBitsToDouble(random.nextLong() >>> 2))));
      long digits = random.nextLong() >>> (1 + random.nextInt(62));
      check(digits + "e" + random.nextInt(-345, 315));
      check("-" + digits + "." + (random.nextLong() >>> 1) + "E+" + random.nextInt(310));
      check("0." + "0".repeat(random.nextInt(30)) + digits);
      check(Long.toUnsignedString(random.nextLong()) + "e-" + random.nextInt(30));
    }
  }

  @Test
  void roundsNumbersAtAndAroundTheMiddleOfTwoDoublesAsTheJdkDoes() {
    SplittableRandom random = new SplittableRandom(20_260_131);
    for (int i = 0; i < 20_000; i++) {
      double low = Math.scalb(1 + random.nextDouble(), random.nextInt(-80, 80));
      if (i % 10 == 0) {
        low = Double.longBitsToDouble(random.nextLong(1L << 62));
      }
      BigDecimal middle =
          new BigDecimal(low).add(new BigDecimal(Math.nextUp(low))).divide(BigDecimal.TWO);
      check(middle.toString());
      check(middle.toPlainString());
      for (int digits = 15; digits <= 21; digits++) {
        BigDecimal rounded = middle.round(new MathContext(digits));
        check(rounded.toString());
        check(rounded.add(rounded.ulp()).toString());
      }
    }
  }

  private void check(String number) {
    check(number, "");
    check(number, " , 12345678");
  }

  /** What follows decides whether eight bytes at a time can be read. */
  private void check(String number, String rest) {
    byte[] body = (number + rest).getBytes(US_ASCII);
    json.start(body, body.length);
    double expected = Double.parseDouble(number);
    double actual = json.number();
    if (Double.doubleToRawLongBits(actual) != Double.doubleToRawLongBits(expected)) {
      assertThat(actual).as(number + rest).isEqualTo(expected);
    }
    assertThat(json.peek()).isEqualTo((byte) (rest.isEmpty() ? 0 : ','));
  }
}
