package resure.compute;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import resure.observation.ObservationBatch;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One golden vector of the contract: a batch, what it is weighed against, and what comes of it.
 *
 * @param weights before normalization, 0 for null
 * @param tolerances of each weight
 */
record WeighingVector(
    String name,
    Configuration configuration,
    MomentsTable triples,
    ObservationBatch batch,
    List<Double> weights,
    List<Double> tolerances,
    boolean warmingUp) {

  static List<WeighingVector> all() throws IOException {
    try (InputStream json =
        Objects.requireNonNull(
            WeighingVector.class.getResourceAsStream("/resure/openapi/vectors/weighing.json"))) {
      return JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build()
          .readTree(json)
          .get("vectors")
          .valueStream()
          .map(WeighingVector::of)
          .toList();
    }
  }

  private static WeighingVector of(JsonNode vector) {
    MomentsTable triples = new MomentsTable();
    for (JsonNode turn : vector.get("turns")) {
      triples.set(
          turn.get("turn").asInt(),
          new Moments(
              turn.get("count").asDouble(),
              turn.get("mean").asDouble(),
              turn.get("m2").asDouble(),
              turn.get("seen").asLong()));
    }
    return new WeighingVector(
        vector.get("name").asString(),
        configuration(vector.get("configuration")),
        triples,
        batch(vector.get("dialogues")),
        column(vector.get("weights"), 0),
        column(vector.get("tolerances"), 0),
        vector.get("warmingUp").asBoolean());
  }

  private static ObservationBatch batch(JsonNode dialogues) {
    List<JsonNode> losses = dialogues.valueStream().map(d -> d.get("losses")).toList();
    int[] offsets = new int[losses.size() + 1];
    long[] firstTurns = new long[losses.size()];
    for (int d = 0; d < losses.size(); d++) {
      offsets[d + 1] = offsets[d] + losses.get(d).size();
      firstTurns[d] = dialogues.get(d).get("firstTurn").asLong();
    }
    long[] unsupervised = new long[offsets[losses.size()] / 64 + 1];
    int i = 0;
    for (JsonNode dialogue : losses) {
      for (JsonNode loss : dialogue) {
        if (loss.isNull()) {
          unsupervised[i / 64] |= 1L << i;
        }
        i++;
      }
    }
    return new ObservationBatch(
        0,
        0,
        0,
        null,
        offsets,
        column(losses, Double.NaN).stream().mapToDouble(Double::doubleValue).toArray(),
        unsupervised,
        firstTurns,
        new byte[0],
        new int[losses.size()],
        List.of(),
        null,
        null,
        null);
  }

  private static List<Double> column(Iterable<JsonNode> dialogues, double none) {
    List<Double> column = new ArrayList<>();
    for (JsonNode dialogue : dialogues) {
      dialogue.forEach(value -> column.add(value.isNull() ? none : value.asDouble()));
    }
    return column;
  }

  private static Configuration configuration(JsonNode json) {
    JsonNode weighting = json.get("weighting");
    JsonNode propagation = json.get("propagation");
    return Configuration.DEFAULT
        .withWeighting(
            new Weighting(
                function(weighting.get("function").asString()),
                weighting.get("threshold").asDouble(),
                weighting.get("sharpness").asDouble(),
                weighting.get("floor").asDouble()))
        .withWarmUp(json.get("warmUp").asInt())
        .withMaxTurns(json.get("maxTurns").asInt())
        .withMaxLoss(json.get("maxLoss").asDouble())
        .withPropagation(
            new Propagation(
                propagation.get("strength").asDouble(), propagation.get("decay").asDouble()));
  }

  private static WeightFunction function(String label) {
    return WeightFunction.ALL.stream()
        .filter(function -> function.label().equals(label))
        .findFirst()
        .orElseThrow();
  }
}
