package resure.weighting;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The golden vectors of the contract, which clients in other languages run too. */
final class GoldenVectors {

  private GoldenVectors() {}

  /** The array {@code name} of a file. */
  static JsonNode read(String file, String name) throws IOException {
    try (InputStream json =
        Objects.requireNonNull(
            GoldenVectors.class.getResourceAsStream("/resure/openapi/vectors/" + file))) {
      return JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build()
          .readTree(json)
          .get(name);
    }
  }

  /** A configuration, whole or in part: what is absent has its default. */
  static Configuration configuration(JsonNode json) {
    Configuration c = Configuration.DEFAULT;
    JsonNode weighting = json.path("weighting");
    JsonNode propagation = json.path("propagation");
    Weighting defaults = c.weighting();
    if (weighting.has("function")) {
      defaults =
          defaults
              .withFunction(function(weighting.get("function").asString()))
              .withUsualThreshold();
    }
    return c.withWeighting(
            new Weighting(
                defaults.function(),
                weighting.path("threshold").asDouble(defaults.threshold()),
                weighting.path("sharpness").asDouble(defaults.sharpness()),
                weighting.path("floor").asDouble(defaults.floor())))
        .withWarmUp(json.path("warmUp").asInt(c.warmUp()))
        .withMaxTurns(json.path("maxTurns").asInt(c.maxTurns()))
        .withMaxLoss(json.path("maxLoss").asDouble(c.maxLoss()))
        .withHalfLife(json.path("halfLife").asDouble(c.halfLife()))
        .withFold(json.path("fold").asString("winsorized").equals("raw") ? FoldRule.RAW : c.fold())
        .withPropagation(
            new Propagation(
                propagation.path("strength").asDouble(c.propagation().strength()),
                propagation.path("decay").asDouble(c.propagation().decay())));
  }

  private static WeightFunction function(String label) {
    return WeightFunction.ALL.stream()
        .filter(f -> f.label().equals(label))
        .findFirst()
        .orElseThrow();
  }
}
