package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import tools.jackson.databind.JsonNode;

/**
 * Whole runs, as far as they are plain arithmetic: each step weighed against all before it, then
 * folded in canonical order. What decides which steps those are is not of this module, so scenarios
 * with lag, late batches and rewinds are left to the service.
 */
class RunVectorsTest {

  @TestFactory
  Stream<DynamicTest> everyPlainRunGoesAsTheOracleSays() throws IOException {
    return plain().stream()
        .map(scenario -> dynamicTest(scenario.get("name").asString(), () -> check(scenario)));
  }

  @Test
  void mostKindsOfRunsArePlain() throws IOException {
    assertThat(plain()).hasSizeGreaterThan(20);
  }

  private static List<JsonNode> plain() throws IOException {
    List<JsonNode> plain = new ArrayList<>();
    for (JsonNode scenario : GoldenVectors.read("runs.json", "scenarios")) {
      JsonNode create = scenario.get("create");
      boolean steps = true;
      for (JsonNode request : scenario.get("requests")) {
        steps &= request.at("/body/step").isNumber() && request.get("status").asInt() == 200;
        steps &= request.get("path").asString().equals("observations");
        for (JsonNode dialogue : request.at("/body/dialogues")) {
          steps &= !dialogue.has("weights");
        }
      }
      if (steps
          && scenario.at("/statistics/lateBatches").asInt() == 0
          && create.path("lag").asInt(0) == 0
          && !create.has("normalization")
          && !create.has("shadow")) {
        plain.add(scenario);
      }
    }
    return plain;
  }

  private static void check(JsonNode scenario) {
    Configuration configuration = GoldenVectors.configuration(scenario.get("create"));
    BatchReducer reducer = new BatchReducer();
    MomentsTable table = new MomentsTable();
    List<Rank> pending = new ArrayList<>();
    long step = -1;
    Weigher weigher = new Weigher(configuration, table.copy());
    for (JsonNode request : scenario.get("requests")) {
      JsonNode body = request.get("body");
      if (body.get("step").asLong() != step) {
        step = body.get("step").asLong();
        fold(pending, table, configuration);
        weigher = new Weigher(configuration, table.copy());
      }
      Columns columns = Columns.of(body.get("dialogues"));
      double[] weights = new double[columns.losses.length];
      boolean warmingUp = false;
      for (int d = 0; d + 1 < columns.offsets.length; d++) {
        warmingUp |=
            weigher.weigh(
                columns.losses,
                columns.offsets[d],
                columns.offsets[d + 1],
                columns.firstTurns[d],
                weights);
      }
      assertWeights(request, weights);
      assertThat(warmingUp).isEqualTo(request.at("/summary/warmingUp").asBoolean());
      BatchMoments moments =
          reducer.reduce(
              columns.losses,
              columns.offsets,
              columns.firstTurns,
              configuration.maxTurns(),
              configuration.maxLoss(),
              weigher.caps());
      pending.add(new Rank(body.path("rank").asInt(0), body.path("microBatch").asInt(0), moments));
    }
    fold(pending, table, configuration);
    assertTurns(scenario, table);
  }

  private static void fold(List<Rank> pending, MomentsTable table, Configuration configuration) {
    pending.sort(Rank.CANONICAL);
    table.fold(pending.stream().map(Rank::moments).toList(), configuration.halfLife());
    pending.clear();
  }

  private static void assertWeights(JsonNode request, double[] weights) {
    double tolerance = request.get("tolerance").asDouble();
    int i = 0;
    for (JsonNode row : request.get("weights")) {
      for (JsonNode expected : row) {
        assertThat(weights[i])
            .as("weight %d of step %s", i, request.get("step"))
            .isCloseTo(expected.isNull() ? 0 : expected.asDouble(), within(tolerance));
        i++;
      }
    }
    assertThat(i).isEqualTo(weights.length);
  }

  private static void assertTurns(JsonNode scenario, MomentsTable table) {
    for (JsonNode turn : scenario.at("/statistics/turns")) {
      Moments moments = table.moments(turn.get("turn").asInt());
      assertThat(moments.seen()).isEqualTo(turn.get("seen").asLong());
      assertNear(scenario, moments.n(), turn.get("count"));
      assertNear(scenario, moments.m2(), turn.get("m2"));
      if (!turn.get("mean").isNull()) {
        assertNear(scenario, moments.mean(), turn.get("mean"));
      }
      if (turn.get("standardDeviation").isNull()) {
        assertThat(moments.sd()).isNaN();
      } else {
        assertNear(scenario, moments.sd(), turn.get("standardDeviation"));
      }
    }
  }

  private static void assertNear(JsonNode scenario, double actual, JsonNode number) {
    double expected = number.asDouble();
    double tolerance = scenario.get("tolerance").asDouble() * Math.max(1, Math.abs(expected));
    assertThat(actual).isCloseTo(expected, within(tolerance));
  }

  /** A pending batch. */
  private record Rank(int rank, int microBatch, BatchMoments moments) {
    static final Comparator<Rank> CANONICAL =
        Comparator.comparingInt(Rank::rank).thenComparingInt(Rank::microBatch);
  }

  /** The dialogues of a body, one after the other. */
  private static final class Columns {
    final double[] losses;
    final int[] offsets;
    final long[] firstTurns;

    private Columns(double[] losses, int[] offsets, long[] firstTurns) {
      this.losses = losses;
      this.offsets = offsets;
      this.firstTurns = firstTurns;
    }

    static Columns of(JsonNode dialogues) {
      List<Double> losses = new ArrayList<>();
      int[] offsets = new int[dialogues.size() + 1];
      long[] firstTurns = new long[dialogues.size()];
      for (int d = 0; d < dialogues.size(); d++) {
        firstTurns[d] = dialogues.get(d).path("firstTurn").asLong(0);
        for (JsonNode loss : dialogues.get(d).get("losses")) {
          losses.add(loss.isNull() ? Double.NaN : loss.asDouble());
        }
        offsets[d + 1] = losses.size();
      }
      return new Columns(
          losses.stream().mapToDouble(Double::doubleValue).toArray(), offsets, firstTurns);
    }
  }
}
