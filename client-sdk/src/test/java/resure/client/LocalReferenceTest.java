package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.Propagation;
import resure.weighting.Weigher;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The golden vectors of the contract, through a batch and the statistics of an answer. */
class LocalReferenceTest {

  @TestFactory
  Stream<DynamicTest> everyVectorIsWeighedAsTheServiceDoes() throws IOException {
    try (InputStream json =
        Objects.requireNonNull(
            getClass().getResourceAsStream("/resure/openapi/vectors/weighing.json"))) {
      return JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build()
          .readTree(json)
          .get("vectors")
          .valueStream()
          .map(vector -> dynamicTest(vector.get("name").asString(), () -> check(vector)))
          .toList()
          .stream();
    }
  }

  private static void check(JsonNode vector) {
    Configuration configuration = configuration(vector.get("configuration"));
    BatchBuilder builder = Batch.builder();
    for (JsonNode dialogue : vector.get("dialogues")) {
      builder.dialogue("d").firstTurn(dialogue.get("firstTurn").asLong());
      for (JsonNode loss : dialogue.get("losses")) {
        if (loss.isNull()) {
          builder.unsupervised();
        } else {
          builder.loss(loss.asDouble());
        }
      }
    }
    Batch batch = builder.build();

    Weights weights =
        LocalReference.without(configuration)
            .with(statistics(vector.get("turns")))
            .weigh(batch, null)
            .weights();

    Weigher core = new Weigher(configuration, triples(vector.get("turns")));
    double[] expected = new double[batch.size()];
    for (int d = 0; d < batch.dialogues(); d++) {
      core.weigh(batch.losses, batch.from(d), batch.from(d + 1), batch.firstTurns[d], expected);
      for (int i = batch.from(d); i < batch.from(d + 1); i++) {
        JsonNode oracle = vector.get("weights").get(d).get(i - batch.from(d));
        if (oracle.isNull()) {
          assertThat(weights.weight(i)).isNaN();
        } else {
          assertThat(Double.doubleToRawLongBits(weights.weight(i)))
              .as("dialogue %d, place %d", d, i)
              .isEqualTo(Double.doubleToRawLongBits(expected[i]));
          assertThat(weights.weight(i))
              .isCloseTo(
                  oracle.asDouble(),
                  within(vector.get("tolerances").get(d).get(i - batch.from(d)).asDouble()));
        }
      }
    }
  }

  private static Statistics statistics(JsonNode turns) {
    List<Statistics.Turn> list = new ArrayList<>();
    for (JsonNode turn : turns) {
      list.add(
          new Statistics.Turn(
              turn.get("turn").asInt(),
              turn.get("count").asDouble(),
              turn.get("seen").asLong(),
              turn.get("mean").asDouble(),
              Double.NaN,
              turn.get("m2").asDouble(),
              1,
              1,
              0));
    }
    return statistics(list, 1);
  }

  private static Statistics statistics(List<Statistics.Turn> turns, double runMeanWeight) {
    return new Statistics(
        "run",
        null,
        1,
        1,
        0,
        1,
        1,
        turns,
        List.of(),
        new Statistics.Reference(null, runMeanWeight, List.of()),
        "\"1\"");
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

  private static Configuration configuration(JsonNode json) {
    Configuration c = Configuration.DEFAULT;
    JsonNode weighting = json.path("weighting");
    JsonNode propagation = json.path("propagation");
    return c.withWeighting(
            new Weighting(
                WeightFunction.ALL.stream()
                    .filter(
                        f -> f.label().equals(weighting.path("function").asString("exponential")))
                    .findFirst()
                    .orElseThrow(),
                weighting.path("threshold").asDouble(c.weighting().threshold()),
                weighting.path("sharpness").asDouble(c.weighting().sharpness()),
                weighting.path("floor").asDouble(c.weighting().floor())))
        .withWarmUp(json.path("warmUp").asInt(c.warmUp()))
        .withMaxTurns(json.path("maxTurns").asInt(c.maxTurns()))
        .withMaxLoss(json.path("maxLoss").asDouble(c.maxLoss()))
        .withFold(FoldRule.WINSORIZED)
        .withPropagation(
            new Propagation(
                propagation.path("strength").asDouble(c.propagation().strength()),
                propagation.path("decay").asDouble(c.propagation().decay())));
  }

  private static final List<Statistics.Turn> TURNS =
      List.of(new Statistics.Turn(0, 41, 41, 2, 0.5, 10, 1, 1, 0));

  @Test
  void theMeanOfTheBatchIsWeighedByTokens() {
    Batch batch =
        Batch.builder()
            .dialogue("a")
            .loss(2, 3)
            .dialogue("b")
            .loss(3, 1)
            .dialogue("c")
            .loss(9e9)
            .build();

    Weighed weighed =
        LocalReference.without(
                SimulatedService.EXPONENTIAL.withNormalization(Normalization.BATCH_MEAN))
            .with(statistics(TURNS, 0.7))
            .weigh(batch, null);

    double low = StrictMath.exp(-2);
    double mean = (3 + low) / 4;
    assertThat(weighed.weights().toArray()).containsExactly(1 / mean, low / mean, 0);
    assertThat(weighed.meanWeight()).isEqualTo((1 + low) / 2);
    assertThat(weighed.effectiveSampleRatio())
        .isEqualTo((1 + low) * (1 + low) / (1 + low * low) / 2);
    assertThat(weighed.runMeanWeight()).isEqualTo(0.7);
  }

  @Test
  void aBatchOfNothingUsableHasNoMeans() {
    Weighed weighed =
        LocalReference.without(Configuration.DEFAULT)
            .with(statistics(TURNS, 1))
            .weigh(Batch.builder().dialogue("a").loss(Double.NaN).unsupervised().build(), null);

    assertThat(weighed.weights().toArray()).containsExactly(0, Double.NaN);
    assertThat(weighed.meanWeight()).isNaN();
    assertThat(weighed.effectiveSampleRatio()).isNaN();
  }

  @Test
  void whatTheServiceSaysOfItsConfigurationAppliesToStatisticsThatAreKnown() {
    LocalReference reference =
        LocalReference.without(Configuration.DEFAULT)
            .with(statistics(TURNS, 1))
            .under(run(Configuration.DEFAULT.withWarmUp(1000)).configuration());

    assertThat(
            reference
                .weigh(Batch.builder().dialogue("a").loss(3).build(), null)
                .weights()
                .toArray())
        .containsExactly(1);
  }

  private static Run run(Configuration configuration) {
    return new Run(
        "run",
        Run.State.ACTIVE,
        null,
        null,
        1,
        0,
        Instant.EPOCH,
        null,
        null,
        configuration,
        Map.of(),
        null,
        Retention.ALL,
        null);
  }
}
