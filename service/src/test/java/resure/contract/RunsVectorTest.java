package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * The scenarios of {@code openapi/vectors/runs.json}, whose oracle shares no code with the service.
 */
class RunsVectorTest {

  /** A scenario that shows as its name. */
  static final class Scenario {
    private final JsonNode tree;

    Scenario(JsonNode tree) {
      this.tree = tree;
    }

    @Override
    public String toString() {
      return tree.get("name").asString();
    }
  }

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  static Stream<Scenario> scenarios() throws IOException {
    try (InputStream in =
        RunsVectorTest.class.getResourceAsStream("/resure/openapi/vectors/runs.json")) {
      List<Scenario> scenarios = new ArrayList<>();
      ContractValidator.parse(in.readAllBytes())
          .get("scenarios")
          .forEach(tree -> scenarios.add(new Scenario(tree)));
      return scenarios.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void theServiceAnswersWhatTheOracleDoes(Scenario scenario) {
    String run = live.newRun(scenario.tree.get("create").toString());
    List<String> differences = new ArrayList<>();
    int number = 0;
    for (JsonNode request : scenario.tree.get("requests")) {
      String place = "request " + number++;
      String body = request.path("body").isObject() ? request.get("body").toString() : "";
      Answer answer = live.post(run + "/" + request.get("path").asString(), infinities(body));
      double tolerance = request.path("tolerance").asDouble(0);
      if (answer.status() != request.get("status").asInt()) {
        differences.add(place + ": " + answer);
      } else if (answer.status() == 200) {
        JsonNode json = answer.json();
        for (String field : List.of("sequence", "step", "weights", "summary")) {
          if (request.has(field)) {
            compare(
                place + "/" + field, request.get(field), json.path(field), tolerance, differences);
          }
        }
        request
            .path("run")
            .properties()
            .forEach(
                field ->
                    compare(
                        place + "/" + field.getKey(),
                        field.getValue(),
                        json.path(field.getKey()),
                        tolerance,
                        differences));
      }
    }
    JsonNode actual = live.get(run + "/statistics").json();
    double tolerance = scenario.tree.path("tolerance").asDouble(0);
    scenario
        .tree
        .get("statistics")
        .properties()
        .forEach(
            field -> {
              if (field.getKey().equals("sources")) {
                compareSources(field.getValue(), actual.get("sources"), tolerance, differences);
              } else if (!field.getKey().equals("run")) {
                compare(
                    "statistics/" + field.getKey(),
                    field.getValue(),
                    actual.path(field.getKey()),
                    tolerance,
                    differences);
              }
            });
    assertThat(differences).isEmpty();
  }

  /** Bare tokens, where the tree prints them as texts. */
  private static String infinities(String body) {
    return body.replaceAll("\"(NaN|-?Infinity)\"", "$1");
  }

  private static void compareSources(
      JsonNode expected, JsonNode actual, double tolerance, List<String> differences) {
    compare("statistics/sources", sorted(expected), sorted(actual), tolerance, differences);
  }

  private static JsonNode sorted(JsonNode sources) {
    List<JsonNode> list = new ArrayList<>();
    sources.forEach(list::add);
    list.sort(
        Comparator.comparing(source -> source.has("other") + source.get("source").toString()));
    tools.jackson.databind.node.ArrayNode array =
        tools.jackson.databind.node.JsonNodeFactory.instance.arrayNode();
    list.forEach(array::add);
    return array;
  }

  /** Numbers within the tolerance, all else as it is. */
  private static void compare(
      String place,
      JsonNode expected,
      JsonNode actual,
      double tolerance,
      List<String> differences) {
    if (expected.isArray() && actual.isArray() && expected.size() == actual.size()) {
      for (int i = 0; i < expected.size(); i++) {
        compare(place + "/" + i, expected.get(i), actual.get(i), tolerance, differences);
      }
    } else if (expected.isObject() && actual.isObject()) {
      // Of what the service says beyond it, drift among that, the oracle knows nothing.
      for (String field : expected.propertyNames()) {
        compare(
            place + "/" + field, expected.get(field), actual.path(field), tolerance, differences);
      }
    } else if (expected.isNumber() && actual.isNumber()) {
      double want = expected.asDouble();
      double allowed = expected.isIntegralNumber() ? 0 : tolerance * Math.max(1, Math.abs(want));
      if (!(Math.abs(want - actual.asDouble()) <= allowed)) {
        differences.add(place + ": expected " + expected + ", was " + actual);
      }
    } else if (!expected.equals(actual)) {
      differences.add(place + ": expected " + expected + ", was " + actual);
    }
  }
}
