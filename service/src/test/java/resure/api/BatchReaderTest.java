package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import resure.observation.ObservationBatch;

class BatchReaderTest {

  private static final int MAX_LOSSES = 1000;

  private final BatchReader reader = new BatchReader(MAX_LOSSES);

  @Test
  void everyFieldEndsInItsColumn() {
    ObservationBatch batch =
        read(
            """
            {"step": 120, "rank": 3, "microBatch": 1, "attempt": "job-7731",
             "dialogues": [{"id": "d-17", "source": "sharegpt", "firstTurn": 2,
                            "losses": [2.31, -1.94, null, 3.02], "tokens": [7, null, 0, 9],
                            "weights": [1.0, 0.5, null, 0]},
                           {"id": "d-90", "losses": [1.10, NaN, Infinity, -Infinity]},
                           {"id": "d-17", "source": "lmsys", "losses": []},
                           {"id": "x", "source": "sharegpt", "losses": [0]}]}
            """);
    assertThat(batch.step()).isEqualTo(120);
    assertThat(batch.rank()).isEqualTo(3);
    assertThat(batch.microBatch()).isEqualTo(1);
    assertThat(batch.attempt()).isEqualTo("job-7731");
    assertThat(batch.offsets()).containsExactly(0, 4, 8, 8, 9);
    assertThat(batch.losses())
        .containsExactly(
            2.31,
            -1.94,
            Double.NaN,
            3.02,
            1.10,
            Double.NaN,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            0);
    assertThat(batch.unsupervised()).containsExactly(0b100);
    assertThat(batch.firstTurns()).containsExactly(2, 0, 0, 0);
    assertThat(batch.id(0)).isEqualTo("d-17");
    assertThat(batch.id(3)).isEqualTo("x");
    assertThat(batch.sources()).containsExactly("sharegpt", "lmsys");
    assertThat(batch.sourceOf()).containsExactly(0, -1, 1, 0);
    assertThat(batch.tokens()).containsExactly(7, 0, 0, 9, 0, 0, 0, 0, 0);
    double none = Double.NaN;
    assertThat(batch.appliedWeights())
        .containsExactly(1, 0.5, none, 0, none, none, none, none, none);
  }

  @Test
  void whatIsNotSentHasItsDefault() {
    ObservationBatch batch = read("{\"dialogues\":[{\"losses\":[1],\"id\":\"a\"}]}");
    assertThat(batch.hasStep()).isFalse();
    assertThat(batch.rank()).isZero();
    assertThat(batch.microBatch()).isZero();
    assertThat(batch.attempt()).isNull();
    assertThat(batch.unsupervised()).isNull();
    assertThat(batch.firstTurns()).isNull();
    assertThat(batch.sources()).isEmpty();
    assertThat(batch.sourceOf()).isNull();
    assertThat(batch.tokens()).isNull();
    assertThat(batch.appliedWeights()).isNull();
  }

  @Test
  void nullAndDefaultsAreTheSameAsNotSent() {
    ObservationBatch bare = read("{\"dialogues\":[{\"id\":\"a\",\"losses\":[1,null]}]}");
    ObservationBatch full =
        read(
            "{\"step\":null,\"rank\":0,\"microBatch\":0,\"attempt\":null,\"dialogues\":[{\"id\":"
                + "\"a\",\"source\":null,\"firstTurn\":0,\"losses\":[1,null],\"tokens\":[0,null],"
                + "\"weights\":null}]}");
    assertThat(full.sameObservations(bare)).isTrue();
  }

  @Test
  void aBatchWithoutDialoguesIsLegal() {
    ObservationBatch batch = read(" {\"dialogues\" :\t[ ]\r\n} ");
    assertThat(batch.dialogues()).isZero();
    assertThat(batch.size()).isZero();
    assertThat(batch.offsets()).containsExactly(0);
  }

  @Test
  void perLossFieldsMayComeBeforeTheLosses() {
    ObservationBatch batch =
        read(
            "{\"dialogues\":[{\"id\":\"a\",\"losses\":[5]},{\"weights\":[null,0.25],\"tokens\":"
                + "[3,4],\"losses\":[null,2],\"firstTurn\":9007199254740991,\"id\":\"b\"}],"
                + "\"step\":9007199254740991}");
    assertThat(batch.step()).isEqualTo((1L << 53) - 1);
    assertThat(batch.firstTurns()).containsExactly(0, (1L << 53) - 1);
    assertThat(batch.tokens()).containsExactly(0, 3, 4);
    assertThat(batch.appliedWeights()).containsExactly(Double.NaN, Double.NaN, 0.25);
    assertThat(batch.unsupervised()).containsExactly(0b10);
  }

  @Test
  void nothingOfABatchIsLeftForTheNext() {
    String full =
        "{\"step\":1,\"dialogues\":[{\"id\":\"a\",\"source\":\"s\",\"firstTurn\":1,\"losses\":"
            + "[null,2,3],\"tokens\":[4,5,6],\"weights\":[null,0.5,0.5]}]}";
    String partial =
        "{\"dialogues\":[{\"id\":\"b\",\"losses\":[1,2]},{\"id\":\"c\",\"losses\":[3],"
            + "\"tokens\":[8],\"weights\":[1]},{\"id\":\"d\",\"losses\":[7,null]}]}";
    ObservationBatch expected =
        new BatchReader(MAX_LOSSES)
            .read(Representation.JSON, partial.getBytes(UTF_8), partial.length());
    ObservationBatch first = read(full);
    problem(full.replace("0.5]}]}", "0.5]}]"));
    assertThat(read(partial).sameObservations(expected)).isTrue();
    assertThat(read(full).sameObservations(first)).isTrue();
  }

  @Test
  void manyDialoguesAndSourcesKeepTheirOrder() {
    StringBuilder body = new StringBuilder("{\"dialogues\":[");
    for (int i = 0; i < 900; i++) {
      body.append(i == 0 ? "" : ",").append("{\"id\":\"").append("dialogue-".repeat(i % 20));
      body.append(i).append("\",\"source\":\"source-").append(i % 450).append("\",\"losses\":[");
      body.append(i).append("]}");
    }
    ObservationBatch batch = read(body.append("]}").toString());
    assertThat(batch.sources()).hasSize(450);
    for (int i = 0; i < 900; i++) {
      assertThat(batch.id(i)).isEqualTo("dialogue-".repeat(i % 20) + i);
      assertThat(batch.source(i)).isEqualTo("source-" + i % 450);
      assertThat(batch.losses()[i]).isEqualTo(i);
    }
  }

  @Test
  void namesAndTextsAreUnescaped() {
    ObservationBatch batch =
        read(
            "{\"dialo\\u0067ues\":[{\"\\u0069d\":\"\\\"\\\\\\/\\b\\f\\n"
                + "\\r"
                + "\\t\\u00e9\\uD83D\\ude00é😀\","
                + "\"source\":\"\\u0061\",\"losses\":[]},{\"id\":\"b\",\"source\":\"a\",\"losses\":"
                + "[]}]}");
    assertThat(batch.id(0)).isEqualTo("\"\\/\b\f\n\r\té😀é😀");
    assertThat(batch.sources()).containsExactly("a");
    assertThat(batch.sourceOf()).containsExactly(0, 0);
  }

  @Test
  void lengthOfTextIsCountedInCodePoints() {
    assertThat(read(withId("😀".repeat(256))).id(0)).isEqualTo("😀".repeat(256));
    assertThat(read(withId("\\ud83d\\ude00".repeat(256))).id(0)).isEqualTo("😀".repeat(256));
    assertThat(read(withId("a".repeat(256))).id(0)).hasSize(256);
    assertInvalid(withId("😀".repeat(257)), "/dialogues/0/id");
    assertInvalid(withId("a".repeat(257)), "/dialogues/0/id");
    assertInvalid(withId(""), "/dialogues/0/id");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\\u0000",
        "\\ud800",
        "\\udc00",
        "\\ud800\\ud800\\udc00",
        "\\udc00\\ud800",
        "\\ud83dx"
      })
  void textWithNulOrLoneSurrogatesIsRefused(String id) {
    assertInvalid(withId(id), "/dialogues/0/id");
    assertInvalid("{\"attempt\":\"" + id + "\",\"dialogues\":[]}", "/attempt");
    assertInvalid(
        "{\"dialogues\":[{\"source\":\"" + id + "\",\"id\":\"a\",\"losses\":[]}]}",
        "/dialogues/0/source");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u0080", // a continuation byte alone
        "\u00c0\u0080", // overlong
        "\u00c1\u00bf",
        "\u00e0\u009f\u00bf",
        "\u00f0\u008f\u00bf\u00bf",
        "\u00ed\u00a0\u0080", // a surrogate
        "\u00f4\u0090\u0080\u0080", // beyond U+10FFFF
        "\u00f8\u0088\u0080\u0080\u0080",
        "\u00ff",
        "\u00e2\u0082", // cut
        "\u00c3",
        "\n",
        "\u0000",
        "\u001f",
        "\\x",
        "\\u12g4",
        "\\ud800\\u",
        "\\"
      })
  void textThatIsNotUtf8OrNotJsonIsMalformed(String latin1) {
    byte[] body = withId(latin1).getBytes(ISO_8859_1);
    assertThat(problem(body).type()).isEqualTo(ProblemType.MALFORMED_BODY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "hello",
        "nul",
        "{",
        "}",
        "[",
        "\"",
        "{\"dialogues\":[]",
        "{\"dialogues\":[],}",
        "{\"dialogues\":[,]}",
        "{,\"dialogues\":[]}",
        "{\"dialogues\" []}",
        "{\"dialogues\":}",
        "{dialogues:[]}",
        "{'dialogues':[]}",
        "{\"dialogues\":[]}x",
        "{\"dialogues\":[]}{}",
        "{\"dialogues\":[]}\u0000",
        "\ufeff{\"dialogues\":[]}",
        "{\"dialogues\":[]//\n}",
        "{\"step\":\"a\",\"dialogues\":[]", // invalid too, but malformed comes first
        "{\"unknown\":[[[{\"a\":[}]]],\"dialogues\":[]}"
      })
  void whatIsNotJsonIsMalformed(String body) {
    ProblemException problem = problem(body);
    assertThat(problem.type()).isEqualTo(ProblemType.MALFORMED_BODY);
    assertThat(problem.detail()).contains("byte");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "1.",
        "-.5",
        "-",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "1f",
        "1_0",
        "--1",
        "1..2",
        "1e1.5",
        "nan",
        "inf",
        "-NaN",
        "+Infinity",
        "Infinit",
        "Na",
        "Infinityx",
        "1 2"
      })
  void numbersFollowTheGrammarOfJson(String number) {
    assertThat(problem(withLosses(number)).type()).isEqualTo(ProblemType.MALFORMED_BODY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "-0.0",
        "0e5",
        "-0e-999999999999",
        "1",
        "0.7314453125",
        "2.3099999427795410",
        "2.309999942779541",
        "4.9e-324",
        "2.4e-324",
        "2.5e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014E-308",
        "1.7976931348623157e308",
        "1.7976931348623159e+308",
        "1e400",
        "-1e99999999999",
        "1e-99999999999",
        "9007199254740993",
        "9007199254740993.0000000000001",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000012345678901234567",
        "1.00000000000000011102230246251565",
        "1.00000000000000011102230246251565404236316680908203125",
        "8.5",
        "1234567.25",
        "12345678.123456789"
      })
  void numbersAreRoundedToTheNearestDouble(String number) {
    double[] losses = read(withLosses(number)).losses();
    assertThat(Double.doubleToRawLongBits(losses[0]))
        .as(number)
        .isEqualTo(Double.doubleToRawLongBits(Double.parseDouble(number)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]|``",
        "7|``",
        "null|``",
        "{}|/dialogues",
        "{'dialogues':null}|/dialogues",
        "{'dialogues':{}}|/dialogues",
        "{'dialogues':[],'step':-1}|/step",
        "{'dialogues':[],'step':12.0}|/step",
        "{'dialogues':[],'step':1e3}|/step",
        "{'dialogues':[],'step':9007199254740992}|/step",
        "{'dialogues':[],'step':18446744073709551617}|/step",
        "{'dialogues':[],'step':100000000000000000000000000000}|/step",
        "{'dialogues':[],'step':'1'}|/step",
        "{'dialogues':[],'step':true}|/step",
        "{'dialogues':[],'step':NaN}|/step",
        "{'dialogues':[],'step':1,'st\\u0065p':1}|/step",
        "{'dialogues':[],'rank':null}|/rank",
        "{'dialogues':[],'microBatch':null}|/microBatch",
        "{'dialogues':[],'attempt':7}|/attempt",
        "{'dialogues':[],'dialogues':[]}|/dialogues",
        "{'dialogues':[],'Step':1}|/Step",
        "{'dialogues':[],'a/b~c':{'deep':[[]]}}|/a~1b~0c",
        "{'dialogues':[],'':1}|/",
        "{'dialogues':[7]}|/dialogues/0",
        "{'dialogues':[{'losses':[]}]}|/dialogues/0/id",
        "{'dialogues':[{'id':'a'}]}|/dialogues/0/losses",
        "{'dialogues':[{'id':null,'losses':[]}]}|/dialogues/0/id",
        "{'dialogues':[{'id':'a','losses':null}]}|/dialogues/0/losses",
        "{'dialogues':[{'id':'a','losses':[]},{'id':'a','losses':[1,'2']}]}|/dialogues/1/losses/1",
        "{'dialogues':[{'id':'a','losses':[1,[2]]}]}|/dialogues/0/losses/1",
        "{'dialogues':[{'id':'a','losses':[true]}]}|/dialogues/0/losses/0",
        "{'dialogues':[{'id':'a','losses':[],'firstTurn':null}]}|/dialogues/0/firstTurn",
        "{'dialogues':[{'id':'a','losses':[],'source':7}]}|/dialogues/0/source",
        "{'dialogues':[{'id':'a','losses':[],'loses':7}]}|/dialogues/0/loses",
        "{'dialogues':[{'id':'a','losses':[1],'tokens':[1,2]}]}|/dialogues/0/tokens",
        "{'dialogues':[{'id':'a','losses':[1],'tokens':[]}]}|/dialogues/0/tokens",
        "{'dialogues':[{'id':'a','tokens':[1.5],'losses':[1]}]}|/dialogues/0/tokens/0",
        "{'dialogues':[{'id':'a','tokens':[-1],'losses':[1]}]}|/dialogues/0/tokens/0",
        "{'dialogues':[{'id':'a','tokens':7,'losses':[1]}]}|/dialogues/0/tokens",
        "{'dialogues':[{'id':'a','losses':[1],'weights':[]}]}|/dialogues/0/weights",
        "{'dialogues':[{'id':'a','losses':[1,2],'weights':[1,NaN]}]}|/dialogues/0/weights/1",
        "{'dialogues':[{'id':'a','losses':[1,2],'weights':[1,1e999]}]}|/dialogues/0/weights/1",
        "{'dialogues':[{'id':'a','losses':[1,2],'weights':[1,-0.1]}]}|/dialogues/0/weights/1",
        "{'dialogues':[{'id':'a','losses':[1,2],'weights':[1,null]}]}|/dialogues/0/weights/1",
        "{'dialogues':[{'id':'a','losses':[1,null],'weights':[1,1]}]}|/dialogues/0/weights/1"
      })
  void aWrongFieldIsPointedTo(String body, String pointer) {
    assertInvalid(body.replace('\'', '"'), pointer);
  }

  @Test
  void aLongUnknownNameIsNotEchoed() {
    ProblemException problem = problem("{\"" + "x".repeat(65) + "\":1}");
    assertThat(problem.value()).isEmpty();
    assertThat(problem.detail()).doesNotContain("xx");
  }

  @Test
  void lossesPastTheLimitAreRefusedByItsName() {
    String most = "1" + ",1".repeat(MAX_LOSSES - 1);
    assertThat(read(withLosses(most)).size()).isEqualTo(MAX_LOSSES);
    String more = withLosses(most).replace("]}]}", "]},{\"id\":\"b\",\"losses\":[null]}]}");
    ProblemException problem = problem(more);
    assertThat(problem.type()).isEqualTo(ProblemType.LIMIT_EXCEEDED);
    assertThat(problem.member()).isEqualTo("limit");
    assertThat(problem.value()).isEqualTo("resure.limits.losses");
    for (String column : new String[] {"tokens", "weights"}) {
      assertThat(problem(more.replace("losses\":[null]", column + "\":[1]")).type())
          .isEqualTo(ProblemType.LIMIT_EXCEEDED);
    }
  }

  @Test
  void aBodyCutAnywhereIsMalformed() {
    byte[] body =
        ("{\"step\":12,\"attempt\":\"\\u00e9é\",\"dialogues\":[{\"id\":\"a\",\"losses\":[1.5e3,null,"
             + "-Infinity],\"tokens\":[1,2,3],\"weights\":[0.5,null,0]}]}")
            .getBytes(UTF_8);
    assertThat(reader.read(Representation.JSON, body, body.length).size()).isEqualTo(3);
    for (int length = 0; length < body.length; length++) {
      int cut = length;
      ProblemException problem =
          catchThrowableOfType(
              ProblemException.class, () -> reader.read(Representation.JSON, body, cut));
      assertThat(problem).as("cut at %d", cut).isNotNull();
      assertThat(problem.type()).as("cut at %d", cut).isEqualTo(ProblemType.MALFORMED_BODY);
      assertThat(problem(Arrays.copyOf(body, cut)).detail()).isEqualTo(problem.detail());
    }
  }

  private static String withId(String id) {
    return "{\"dialogues\":[{\"id\":\"" + id + "\",\"losses\":[1]}]}";
  }

  private static String withLosses(String losses) {
    return "{\"dialogues\":[{\"id\":\"a\",\"losses\":[" + losses + "]}]}";
  }

  private ObservationBatch read(String body) {
    byte[] bytes = body.getBytes(UTF_8);
    return reader.read(Representation.JSON, bytes, bytes.length);
  }

  private void assertInvalid(String body, String pointer) {
    ProblemException problem = problem(body);
    assertThat(problem.type()).as(body).isEqualTo(ProblemType.INVALID_FIELD);
    assertThat(problem.member()).isEqualTo("pointer");
    assertThat(problem.value()).as(body).isEqualTo(pointer);
  }

  private ProblemException problem(String body) {
    return problem(body.getBytes(UTF_8));
  }

  private ProblemException problem(byte[] body) {
    ProblemException problem =
        catchThrowableOfType(
            ProblemException.class, () -> reader.read(Representation.JSON, body, body.length));
    assertThat(problem).as(new String(body, UTF_8)).isNotNull();
    return problem;
  }
}
