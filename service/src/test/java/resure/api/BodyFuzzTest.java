package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The readers of bodies read what Jackson reads, bit for bit, and refuse the rest. Of bodies by
 * chance, {@code java -jar bench/target/resure-bench.jar fuzz} tries as many as wanted.
 */
class BodyFuzzTest {

  private static final long SEED = 20_260_131;

  @Test
  void jsonByChanceIsReadAsJacksonReadsIt() {
    new JsonFuzz().run(SEED, 50_000);
  }

  @Test
  void cborByChanceIsReadAsJacksonReadsIt() {
    new CborFuzz().run(SEED, 30_000);
  }

  /** A line of the corpus: a verdict, a representation, and a body, escaped or in hexadecimal. */
  record Line(String text) {
    Verdict verdict() {
      return Verdict.valueOf(text.split(" ", 3)[0]);
    }

    boolean isJson() {
      return text.split(" ", 3)[1].equals("json");
    }

    byte[] body() {
      String body = text.split(" ", 3)[2];
      return isJson() ? unescaped(body) : HexFormat.of().parseHex(body.replace(" ", ""));
    }

    /** {@code %} and two hexadecimal digits are a byte, everything else is its UTF-8. */
    private static byte[] unescaped(String body) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int at = 0; at < body.length(); at++) {
        if (body.charAt(at) == '%') {
          bytes.write(HexFormat.fromHexDigits(body, at + 1, at + 3));
          at += 2;
        } else {
          bytes.writeBytes(String.valueOf(body.charAt(at)).getBytes(UTF_8));
        }
      }
      return bytes.toByteArray();
    }
  }

  static List<Line> corpus() throws Exception {
    try (InputStream file = BodyFuzzTest.class.getResourceAsStream("bodies.txt")) {
      assertThat(file).isNotNull();
      return new String(file.readAllBytes(), UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(Line::new)
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("corpus")
  void theCorpusIsReadAsJacksonReadsIt(Line line) {
    Verdict verdict =
        line.isJson() ? new JsonFuzz().check(line.body()) : new CborFuzz().check(line.body(), null);
    assertThat(verdict).as(line.text()).isEqualTo(line.verdict());
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "{\"dialogues\":[{\"id\":\"a\",\"losses\":["})
  void depthEndsInAProblemAndNotInTheStack(String opening) {
    byte[] body = opening.repeat(100_000).getBytes(ISO_8859_1);
    assertThatThrownBy(() -> new BatchReader(64).read(Representation.JSON, body, body.length))
        .isInstanceOf(ProblemException.class);
    assertThatThrownBy(() -> Json.read(Representation.JSON, body, body.length))
        .isInstanceOf(ProblemException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"81", "9F", "A16161", "BF6161", "C0", "A1699F", "D9D9F7"})
  void depthOfCborEndsInAProblemAndNotInTheStack(String opening) {
    byte[] body = HexFormat.of().parseHex(opening.repeat(100_000));
    assertThatThrownBy(() -> new BatchReader(64).read(Representation.CBOR, body, body.length))
        .isInstanceOf(ProblemException.class);
    assertThatThrownBy(() -> Json.read(Representation.CBOR, body, body.length))
        .isInstanceOf(ProblemException.class);
  }
}
