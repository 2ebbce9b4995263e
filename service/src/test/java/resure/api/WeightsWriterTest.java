package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

class WeightsWriterTest {

  private final WeightsWriter writer = new WeightsWriter();

  @Test
  void theAnswerHasTheShapeOfTheLosses() {
    ObservationBatch batch =
        batch(
            "{\"step\":120,\"dialogues\":[{\"id\":\"d-17\",\"losses\":[2.31,1.94,null,3.02]},"
                + "{\"id\":\"d-90\",\"losses\":[1.10,NaN]},{\"id\":\"e\",\"losses\":[]}]}");
    Weights weights = weights(1, false, 1, 0.5, 0, 0.25, 0.25, 0);
    assertThat(answer(431, batch, weights))
        .isEqualTo(
            "{\"sequence\":431,\"step\":120,\"weights\":[[1.0,0.5,null,0.25],[0.25,0.0],[]],"
                + "\"summary\":{\"observations\":5,\"meanWeight\":0.5,"
                + "\"effectiveSampleSize\":2.909090909090909,\"runMeanWeight\":0.94,"
                + "\"downWeighted\":3,\"unusable\":1,\"warmingUp\":true,\"late\":false}}");
  }

  @Test
  void whatDoesNotExistIsNull() {
    ObservationBatch batch = batch("{\"dialogues\":[]}");
    assertThat(answer(1, batch, weights(1, false)))
        .isEqualTo(
            "{\"sequence\":1,\"step\":null,\"weights\":[],\"summary\":{\"observations\":0,"
                + "\"meanWeight\":null,\"effectiveSampleSize\":0.0,\"runMeanWeight\":0.94,"
                + "\"downWeighted\":0,\"unusable\":0,\"warmingUp\":true,\"late\":false}}");
  }

  @Test
  void weightsAreNormalizedShadowedOrThoseApplied() {
    ObservationBatch batch = batch("{\"dialogues\":[{\"id\":\"a\",\"losses\":[1,2,NaN]}]}");
    assertThat(answer(1, batch, weights(0.8, false, 1, 0.4, 0)))
        .contains("\"weights\":[[1.25,0.5,0.0]]")
        .contains("\"meanWeight\":0.7,");
    assertThat(answer(1, batch, weights(0.8, true, 1, 0.4, 0)))
        .contains("\"weights\":[[1.0,1.0,0.0]]");
    ObservationBatch applied =
        batch("{\"dialogues\":[{\"id\":\"a\",\"losses\":[1,2,NaN],\"weights\":[0.1,0,7]}]}");
    assertThat(answer(1, applied, weights(0.8, false, 1, 0.4, 0)))
        .contains("\"weights\":[[0.1,0.0,7.0]]");
  }

  @Test
  void anAnswerOwesNothingToTheOneBefore() {
    ObservationBatch small = batch("{\"dialogues\":[{\"id\":\"a\",\"losses\":[1]}]}");
    double[] raw = new double[20_000];
    Arrays.fill(raw, 0.12345678901234568);
    ObservationBatch large =
        batch(
            "{\"step\":9007199254740991,\"dialogues\":[{\"id\":\"a\",\"losses\":[1"
                + ",2".repeat(raw.length - 1)
                + "]}]}");
    String first = answer(7, small, weights(1, false, 0.3));
    JsonNode answer =
        JsonMapper.shared().readTree(answer(Long.MAX_VALUE, large, weights(1, false, raw)));
    assertThat(answer.at("/sequence").asLong()).isEqualTo(Long.MAX_VALUE);
    assertThat(answer.at("/step").asLong()).isEqualTo((1L << 53) - 1);
    assertThat(answer.at("/weights/0")).hasSize(raw.length);
    assertThat(answer.at("/weights/0/19999").asDouble()).isEqualTo(raw[0]);
    assertThat(answer(7, small, weights(1, false, 0.3))).isEqualTo(first);
  }

  @Test
  void inCborItSaysTheSameInLessThanItsRoom() {
    for (String body :
        new String[] {
          "{\"step\":120,\"dialogues\":[{\"id\":\"d\",\"losses\":[2.31,1.94,null,3.02]},"
              + "{\"id\":\"e\",\"losses\":[1.10,NaN]},{\"id\":\"e\",\"losses\":[]}]}",
          "{\"dialogues\":[]}",
          "{\"step\":9007199254740991,\"dialogues\":[{\"id\":\"a\",\"losses\":[1"
              + ",2".repeat(69_999)
              + "]}"
              + ",{\"id\":\"a\",\"losses\":[]}".repeat(70_000)
              + "]}"
        }) {
      ObservationBatch batch = batch(body);
      double[] raw = new double[batch.size()];
      Arrays.setAll(raw, i -> Double.isNaN(batch.losses()[i]) ? 0 : 0.12345678901234568);
      Weights weights = weights(1, false, raw);
      for (long sequence : new long[] {1, 24, 256, 65_536, 1L << 32, Long.MAX_VALUE}) {
        BodyWriter answer =
            writer.write(Representation.CBOR, sequence, batch, weights, new byte[] {(byte) 0xF6});
        JsonNode cbor =
            CBORMapper.shared().readTree(Arrays.copyOf(answer.bytes(), answer.length()));
        JsonNode json = JsonMapper.shared().readTree(answer(sequence, batch, weights));
        assertThat(cbor.get("statistics").isNull()).isTrue();
        assertThat(cbor.size()).isEqualTo(5);
        for (String field : json.propertyNames()) {
          assertThat(cbor.get(field).toString()).isEqualTo(json.get(field).toString());
        }
      }
    }
  }

  @Test
  void statisticsAreTheLastField() {
    ObservationBatch batch = batch("{\"dialogues\":[]}");
    byte[] statistics = "[".repeat(10_000).concat("]".repeat(10_000)).getBytes(UTF_8);
    BodyWriter answer = writer.write(Representation.JSON, 1, batch, weights(1, false), statistics);
    assertThat(new String(answer.bytes(), 0, answer.length(), UTF_8))
        .endsWith("\"late\":false},\"statistics\":" + new String(statistics, UTF_8) + "}");
  }

  @Test
  void statisticsThatCouldNotBeHadAtOnceAreNull() {
    ObservationBatch batch = batch("{\"dialogues\":[]}");
    byte[] none = Json.write(Representation.JSON, RunJson.turnStatistics(null));
    BodyWriter answer = writer.write(Representation.JSON, 1, batch, weights(1, false), none);
    assertThat(new String(answer.bytes(), 0, answer.length(), UTF_8))
        .endsWith("\"late\":false},\"statistics\":null}");
  }

  private static ObservationBatch batch(String json) {
    byte[] body = json.getBytes(UTF_8);
    return new BatchReader(100_000).read(Representation.JSON, body, body.length);
  }

  private static Weights weights(double divisor, boolean shadow, double... raw) {
    return new Weights(raw, divisor, 0.94, true, false, shadow);
  }

  private String answer(long sequence, ObservationBatch batch, Weights weights) {
    BodyWriter answer = writer.write(Representation.JSON, sequence, batch, weights, null);
    return new String(answer.bytes(), 0, answer.length(), UTF_8);
  }
}
