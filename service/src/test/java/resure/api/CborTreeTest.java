package resure.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CborTreeTest {

  private static JsonNode read(String hex) {
    byte[] body = HexFormat.of().parseHex(hex);
    return CborTree.read(body, body.length);
  }

  @Test
  void everyFormOfATreeIsTheTreeThatTheJsonIs() {
    String json =
        """
        {"": {"a/b~": [], "é😀": {}}, "numbers": [0, 23, 24, 255, 256, 65535, 65536, 4294967296, -1, -25, -4294967297,
          9007199254740991, -9007199254740991, 0.5, -0.0, 1e300, 3.4028234663852886E38, 0.1],
         "others": [null, true, false, "", "%s", [[{"x": [1]}]]]}
        """
            .formatted("long é ".repeat(1000));
    JsonNode expected = JsonMapper.shared().readTree(json);
    CborForms forms = new CborForms(new Random(20_260_131));
    for (int i = 0; i < 1000; i++) {
      byte[] body = forms.of(expected);
      assertThat(CborTree.read(body, body.length).toString())
          .as(HexFormat.of().formatHex(body))
          .isEqualTo(expected.toString());
    }
  }

  /** Examples of RFC 8949, appendix A. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1b000000e8d4a51000 | 1000000000000",
        "3903e7 | -1000",
        "f90001 | 5.960464477539063E-8",
        "f9c400 | -4.0",
        "f97bff | 65504.0",
        "fa47c35000 | 100000.0",
        "fbc010666666666666 | -4.1",
        "62225c | \"\\\"\\\\\"",
        "63e6b0b4 | \"水\"",
        "7f657374726561646d696e67ff | \"streaming\"",
        "9f018202039f0405ffff | [1,[2,3],[4,5]]",
        "83018202039f0405ff | [1,[2,3],[4,5]]",
        "bf61610161629f0203ffff | {\"a\":1,\"b\":[2,3]}",
        "826161bf61626163ff | [\"a\",{\"b\":\"c\"}]",
        "bf6346756ef563416d7421ff | {\"Fun\":true,\"Amt\":-2}",
      })
  void theExamplesOfTheRfcAreTheirDiagnosticNotation(String hex, String notation) {
    assertThat(read(hex).toString()).isEqualTo(notation);
  }

  @Test
  void wholeNumbersBeyondWhatADoubleKeepsAreWholeAndTooLargeForALong() {
    assertThat(read("1bffffffffffffffff").isIntegralNumber()).isTrue();
    assertThat(read("1bffffffffffffffff").asString()).isEqualTo("18446744073709551616");
    assertThat(read("3bffffffffffffffff").asString()).isEqualTo("-18446744073709551616");
    assertThat(read("1bfffffffffffffbff").doubleValue()).isEqualTo(0x1.fffffffffffffp63);
    assertThat(read("1bfffffffffffffc00").doubleValue()).isEqualTo(0x1p64);
    assertThat(read("1bfffffffffffff400").doubleValue()).isEqualTo(0x1.ffffffffffffep63);
    assertThat(read("1bfffffffffffff401").doubleValue()).isEqualTo(0x1.fffffffffffffp63);
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      delimiter = '|',
      value = {
        "a161618101c0 | -", // trailing bytes
        "a1616182 01 c101 | /a/1",
        "a1 63612f62 4101 | /a~1b",
        "a1 6161 f7 | /a",
        "a1 6161 f0 | /a",
        "a1 6161 a1 01 02 | /a",
        "a2 6161 01 6161 02 | /a",
        "a1 6161 a2 6162 01 7f 6162 ff 02 | /a/b",
        "a1 6161 | -",
        "a1 61ff 01 | -",
        "bf 6161 ff | -",
        "81 ff | -",
        "7f 7f 6161 ff ff | -",
        "7f 4161 ff | -",
        "63 edb080 | -",
        "9bffffffffffffffff | -",
      })
  void whatJsonHasNotIsRefusedWhereItIsAndWhatIsCutBeforeThat(String hex, String pointer) {
    ProblemException problem =
        catchThrowableOfType(ProblemException.class, () -> read(hex.replace(" ", "")));
    assertThat(problem).isNotNull();
    assertThat(problem.value()).isEqualTo(pointer);
    assertThat(problem.type())
        .isEqualTo(pointer == null ? ProblemType.MALFORMED_BODY : ProblemType.INVALID_FIELD);
  }

  @Test
  void isAsDeepAsInJson() {
    assertThat(read("81".repeat(500) + "01").toString()).contains("[1]");
    assertThat(
            catchThrowableOfType(ProblemException.class, () -> read("81".repeat(501) + "01"))
                .type())
        .isEqualTo(ProblemType.MALFORMED_BODY);
    String json = "[".repeat(500) + "1" + "]".repeat(500);
    byte[] body = json.getBytes(StandardCharsets.US_ASCII);
    assertThat(Json.read(Representation.JSON, body, body.length).toString()).isEqualTo(json);
  }
}
