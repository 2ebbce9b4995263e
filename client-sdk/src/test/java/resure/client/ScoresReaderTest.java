package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

/** The answer to a batch, written by somebody else. */
class ScoresReaderTest {

  private static final Batch BATCH =
      Batch.builder()
          .step(120)
          .dialogue("d-17")
          .loss(2.31)
          .unsupervised()
          .loss(3.02)
          .dialogue("d-none")
          .dialogue("d-90")
          .loss(Double.NaN)
          .build();

  private static final String SUMMARY =
      """
      {"observations": 3, "meanWeight": 0.8075, "effectiveSampleSize": 3.55,
       "runMeanWeight": 0.94, "downWeighted": 2, "unusable": 1, "warmingUp": false, "late": true}
      """;

  private static final String GOOD = answer("[[1.0, null, 0.31], [], [0.0]]");

  private static String answer(String weights) {
    return "{\"sequence\": 431, \"step\": 120, \"weights\": "
        + weights
        + ", \"summary\": "
        + SUMMARY
        + "}";
  }

  private static byte[] cbor(String json) {
    JsonNode tree = new JsonMapper().readTree(json);
    return new CBORMapper().writeValueAsBytes(tree);
  }

  private static Scores read(byte[] body) {
    return AnswerReader.readCbor(
        new ByteArrayInputStream(body), in -> ScoresReader.read(in, BATCH, false));
  }

  @Test
  void weightsComeAsColumns() {
    Scores scores = read(cbor(GOOD));

    assertThat(scores.sequence()).isEqualTo(431);
    assertThat(scores.step()).isEqualTo(120);
    assertThat(scores.weights().toArray()).containsExactly(1.0, Double.NaN, 0.31, 0.0);
    assertThat(scores.weights().from(2)).isEqualTo(3);
    assertThat(scores.summary()).isEqualTo(new Summary(3, 0.8075, 3.55, 0.94, 2, 1, false, true));
    assertThat(scores.statistics()).isNull();
  }

  @Test
  void statisticsThatCouldNotBeHadAreNone() {
    String without = GOOD.replace("{\"sequence\"", "{\"statistics\": null, \"sequence\"");

    assertThat(read(cbor(without))).isEqualTo(read(cbor(GOOD)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.0", "-0.5"})
  void aRunMeanWeightThatNothingCanBeDividedByIsRefused(String mean) {
    byte[] body = cbor(GOOD.replace("0.94", mean));

    assertThatThrownBy(() -> read(body)).isInstanceOf(UnexpectedAnswerException.class);
  }

  @Test
  void fieldsOfANewerServiceAreSkipped() {
    String newer = GOOD.replace("{\"sequence\"", "{\"more\": {\"a\": [1, {}]}, \"sequence\"");

    assertThat(read(cbor(newer))).isEqualTo(read(cbor(GOOD)));
  }

  @Test
  void meansOfNothingAreNaN() {
    String nothing = GOOD.replace("0.8075", "null");

    assertThat(read(cbor(nothing)).summary().meanWeight()).isNaN();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[[1.0, null, 0.31], []]",
        "[[1.0, null, 0.31], [], [0.0], []]",
        "[[1.0, null], [], [0.0]]",
        "[[1.0, null, 0.31, 1.0], [], [0.0]]",
        "[[1.0, null, 0.31], [1.0], [0.0]]",
        "[[1.0, 1.0, 0.31], [], [0.0]]",
        "[[null, null, 0.31], [], [0.0]]",
        "[[1.0, null, -0.31], [], [0.0]]",
        "[[1.0, null, \"0.31\"], [], [0.0]]",
        "[[1.0, null, 1e999], [], [0.0]]",
        "[1.0, null, 0.31, 0.0]",
        "{}",
        "null"
      })
  void weightsOfAnotherShapeAreRefused(String weights) {
    assertThatThrownBy(() -> read(cbor(answer(weights))))
        .isInstanceOf(UnexpectedAnswerException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sequence", "weights", "summary", "meanWeight", "late", "runMeanWeight"})
  void aFieldThatIsMissingIsNamed(String field) {
    assertThatThrownBy(() -> read(cbor(GOOD.replace("\"" + field + "\"", "\"other\""))))
        .isInstanceOf(UnexpectedAnswerException.class)
        .hasMessageContaining(field);
  }

  @Test
  void anAnswerCutAnywhereIsRefused() {
    byte[] whole = cbor(GOOD);

    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> read(cut))
          .as("cut at %d of %d", length, whole.length)
          .isInstanceOf(UnexpectedAnswerException.class);
    }
    assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 1)))
        .isInstanceOf(UnexpectedAnswerException.class)
        .hasMessageContaining("after its end");
  }

  @Test
  void anAnswerWithAnyBitFlippedIsReadOrRefusedAndNothingElse() {
    byte[] whole = cbor(GOOD);

    for (int at = 0; at < whole.length; at++) {
      for (int flip = 1; flip < 256; flip += flip) {
        byte[] changed = whole.clone();
        changed[at] ^= (byte) flip;
        try {
          Scores scores = read(changed);
          assertThat(scores.weights().size()).isEqualTo(BATCH.size());
        } catch (UnexpectedAnswerException e) {
          assertThat(e).hasMessageNotContaining("null pointer");
        } catch (RuntimeException e) {
          throw new AssertionError("byte " + at + " xor " + flip, e);
        }
      }
    }
  }

  @Test
  void jsonInPlaceOfCborIsRefused() {
    assertThatThrownBy(() -> read(GOOD.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
        .isInstanceOf(UnexpectedAnswerException.class);
  }
}
