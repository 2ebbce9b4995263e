package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import tools.jackson.databind.JsonNode;

/** Single batches against given triples. */
class WeigherVectorsTest {

  @TestFactory
  Stream<DynamicTest> everyVectorIsWeighedAsTheOracleSays() throws IOException {
    return vectors()
        .valueStream()
        .map(vector -> dynamicTest(vector.get("name").asString(), () -> check(vector)));
  }

  @Test
  void everyFunctionHasVectors() throws IOException {
    Set<String> seen = new HashSet<>();
    for (JsonNode vector : vectors()) {
      seen.add(vector.at("/configuration/weighting/function").asString());
    }

    assertThat(seen)
        .containsExactlyInAnyOrderElementsOf(
            WeightFunction.ALL.stream().map(WeightFunction::label).toList());
  }

  private static void check(JsonNode vector) {
    Configuration configuration = GoldenVectors.configuration(vector.get("configuration"));
    Weigher weigher = new Weigher(configuration, triples(vector.get("turns")));
    boolean warmingUp = false;
    for (int d = 0; d < vector.get("dialogues").size(); d++) {
      JsonNode dialogue = vector.get("dialogues").get(d);
      JsonNode expected = vector.get("weights").get(d);
      int size = expected.size();
      // Not the first of its column: a dialogue must touch nothing but its own part.
      double[] losses = new double[size + 2];
      double[] weights = new double[size + 2];
      weights[0] = weights[size + 1] = -7;
      for (int i = 0; i < size; i++) {
        JsonNode loss = dialogue.get("losses").get(i);
        losses[1 + i] = loss.isNull() ? Double.NaN : loss.asDouble();
      }

      long firstTurn = dialogue.get("firstTurn").asLong();
      warmingUp |= weigher.weigh(losses, 1, 1 + size, firstTurn, weights);

      for (int i = 0; i < size; i++) {
        double weight = expected.get(i).isNull() ? 0 : expected.get(i).asDouble();
        assertThat(weights[1 + i])
            .as("dialogue %d, loss %d (%s)", d, i, losses[1 + i])
            .isCloseTo(weight, within(vector.get("tolerances").get(d).get(i).asDouble()));
        if (weight == 0 || weight == 1) {
          assertThat(weights[1 + i]).isEqualTo(weight);
        }
      }
      assertThat(weights[0]).isEqualTo(-7);
      assertThat(weights[size + 1]).isEqualTo(-7);
    }
    assertThat(warmingUp).isEqualTo(vector.get("warmingUp").asBoolean());
  }

  private static MomentsTable triples(JsonNode turns) {
    MomentsTable table = new MomentsTable();
    for (JsonNode turn : turns) {
      table.set(
          turn.get("turn").asInt(),
          new Moments(
              turn.get("count").asDouble(),
              turn.get("mean").asDouble(),
              turn.get("m2").asDouble(),
              turn.get("seen").asLong()));
    }
    return table;
  }

  private static JsonNode vectors() throws IOException {
    return GoldenVectors.read("weighing.json", "vectors");
  }
}
