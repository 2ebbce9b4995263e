package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import resure.contract.ContractValidator.Example;
import tools.jackson.databind.JsonNode;

/** The contract is whole and true: each of its answers can be had, and its examples add up. */
class ConformanceTest {

  /** What needs a service that is overloaded, broken, or without a disk. */
  private static final Set<String> NOT_ON_A_SOUND_SERVICE = Set.of("429", "500", "503");

  private static final String BATCH =
      "{\"step\":1,\"attempt\":\"a\",\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}";
  private static final String REPLAY = "{\"configurations\":[{}]}";

  private final ContractValidator contract = new ContractValidator();

  @Test
  void everyDocumentedStatusOfEveryOperationIsMetAndEveryMediaType() {
    try (LiveService live = LiveService.start()) {
      provoke(live);
      live.speak(LiveService.Speech.CBOR);
      everyOperation(live);
      Set<String> expected = new TreeSet<>(live.contract().documented());
      expected.removeIf(
          pair -> NOT_ON_A_SOUND_SERVICE.contains(pair.substring(pair.indexOf(' ') + 1)));
      assertThat(live.contract().seen()).containsExactlyElementsOf(expected);
      assertThat(live.contract().seenTypes())
          .containsExactlyElementsOf(live.contract().documentedTypes());
    }
  }

  private static String everyOperation(LiveService live) {
    String run = live.newRun("{}");
    live.get("/v1/runs");
    live.get(run);
    live.score(run, BATCH);
    live.get(run + "/observations");
    live.get(run + "/statistics");
    replays(live, run);
    live.post(run + "/rewind", "{\"nextStep\":1,\"attempt\":\"b\"}");
    live.post(run + "/finish", "");
    live.get("/v1/compute");
    return run;
  }

  private static void provoke(LiveService live) {
    String run = everyOperation(live);
    String batch = BATCH;
    live.put(run, "");
    live.put(run, "{\"lag\":1}");
    live.get(run + "/statistics", "If-None-Match", "*");
    live.post(run + "/rewind", "{\"nextStep\":1,\"attempt\":\"a\"}");
    live.post(run + "/observations", batch);
    for (String resource : List.of("", "/observations", "/statistics")) {
      live.get(run + resource + "?atLeastSequence=1000");
    }
    live.put("/v1/runs/started", "{\"startFrom\":{\"run\":\"nobody\"}}");
    live.get("/openapi.yaml");

    String tooLarge = " ".repeat((8 << 20) + 1);
    for (String path : List.of(run + "/observations", run + "/rewind", run + "/replays")) {
      for (String body : List.of("{", "[]", tooLarge)) {
        live.post(path, body);
      }
      live.post(path, "{}", "Content-Type", "text/plain");
    }
    for (String body : List.of("{", "[]", tooLarge)) {
      live.put(run, body);
    }
    live.put(run, "{}", "Content-Type", "text/plain");

    for (String name : List.of("nobody", "-", run.substring("/v1/runs/".length()))) {
      String path = "/v1/runs/" + name;
      String accept = name.startsWith("run") ? "image/png" : "*/*";
      live.get(path, "Accept", accept);
      live.get(path + "/observations", "Accept", accept);
      live.get(path + "/statistics", "Accept", accept);
      live.post(path + "/observations", batch, "Accept", accept);
      live.post(path + "/rewind", "{\"nextStep\":0}", "Accept", accept);
      live.post(path + "/finish", "", "Accept", accept);
      live.post(path + "/replays", REPLAY, "Accept", accept);
      live.get(path + "/replays", "Accept", accept);
      live.get(path + "/replays/" + "0".repeat(26), "Accept", accept);
      live.delete(path + "/replays/" + "0".repeat(26));
    }
    live.put(run, "", "Accept", "image/png");
    live.get("/v1/runs", "Accept", "image/png");
    live.get("/v1/compute", "Accept", "image/png");
    live.get("/v1/compute?device=0");
    live.get("/openapi.yaml", "Accept", "image/png");
    live.get("/v1/runs?limit=0");
    live.delete("/v1/runs/nobody");
    live.delete("/v1/runs/-");
    live.delete(run);
  }

  private static void replays(LiveService live, String run) {
    Answer started = live.post(run + "/replays", REPLAY);
    live.get(run + "/replays");
    live.get(started.header("Location"));
    live.delete(started.header("Location"));
  }

  @Test
  void everyExampleIsValid() {
    SoftAssertions soft = new SoftAssertions();
    List<Example> examples = contract.examples();
    assertThat(examples).hasSizeGreaterThan(40);
    for (Example example : examples) {
      soft.assertThat(contract.errors(example.schema(), example.value()))
          .as(example.place())
          .isEmpty();
    }
    soft.assertAll();
  }

  @Test
  void everyFieldOfARequestIsInAnExampleAndEveryObjectIsClosed() {
    String all =
        contract.examples().stream()
            .map(example -> example.value().toString())
            .reduce("", String::concat);
    contract
        .contract()
        .at("/components/schemas")
        .properties()
        .forEach(
            schema -> {
              JsonNode fields = schema.getValue().path("properties");
              if (fields.isObject()) {
                assertThat(schema.getValue().path("additionalProperties").toString())
                    .as(schema.getKey())
                    .isEqualTo("false");
                for (String field : fields.propertyNames()) {
                  assertThat(all.contains("\"" + field + "\"") || field.equals("other"))
                      .as("an example of " + field)
                      .isTrue();
                }
              }
            });
  }

  private JsonNode example(String path, String name) {
    return contract.examples().stream()
        .filter(example -> example.place().contains(path) && example.place().endsWith("/" + name))
        .findFirst()
        .orElseThrow()
        .value();
  }

  @Test
  void theExamplesAddUp() {
    JsonNode batch = example("observations/post/requestBody", "batch");
    JsonNode scores = example("observations/post/responses/200", "batch");
    JsonNode statistics = example("statistics/get/responses/200", "afterTheBatch");
    JsonNode reference = statistics.get("reference");
    double sum = 0;
    double squares = 0;
    int usable = 0;
    int observations = 0;
    int downWeighted = 0;
    for (int d = 0; d < batch.get("dialogues").size(); d++) {
      JsonNode losses = batch.get("dialogues").get(d).get("losses");
      JsonNode weights = scores.get("weights").get(d);
      assertThat(weights.size()).isEqualTo(losses.size());
      for (int t = 0; t < losses.size(); t++) {
        assertThat(weights.get(t).isNull()).isEqualTo(losses.get(t).isNull());
        observations += losses.get(t).isNull() ? 0 : 1;
        if (losses.get(t).isNull() || Double.isNaN(losses.get(t).asDouble())) {
          continue;
        }
        double weight = weights.get(t).asDouble();
        assertThat(weight)
            .isCloseTo(
                weight(losses.get(t).asDouble(), reference.get("turns").get(t)), within(1e-12));
        usable++;
        downWeighted += weight < 1 ? 1 : 0;
        sum += weight;
        squares += weight * weight;
        merges(
            losses.get(t).asDouble(),
            reference.get("turns").get(t),
            statistics.get("turns").get(t));
      }
    }
    JsonNode summary = scores.get("summary");
    assertThat(summary.get("observations").asInt()).isEqualTo(observations);
    assertThat(summary.get("unusable").asInt()).isEqualTo(observations - usable);
    assertThat(summary.get("downWeighted").asInt()).isEqualTo(downWeighted);
    assertThat(summary.get("meanWeight").asDouble()).isCloseTo(sum / usable, within(1e-15));
    assertThat(summary.get("effectiveSampleSize").asDouble())
        .isCloseTo(sum * sum / squares, within(1e-14));
    assertThat(summary.get("runMeanWeight")).isEqualTo(reference.get("runMeanWeight"));
    assertThat(statistics.get("sequence")).isEqualTo(scores.get("sequence"));

    int seen = 0;
    int unusable = 0;
    int low = 0;
    double weighted = 0;
    for (JsonNode turn : statistics.get("turns")) {
      double n = turn.get("count").asDouble();
      assertThat(turn.get("standardDeviation").asDouble())
          .isCloseTo(Math.sqrt(turn.get("m2").asDouble() / (n - 1)), within(1e-15));
      seen += turn.get("seen").asInt();
      unusable += turn.get("unusable").asInt();
      low += turn.get("downWeighted").asInt();
      assertThat(turn.get("downWeighted").asInt())
          .as("enough for the mean, with weights of at least the floor")
          .isBetween((int) Math.ceil(n * (1 - turn.get("meanWeight").asDouble()) / 0.95), (int) n);
      weighted += n * turn.get("meanWeight").asDouble();
    }
    assertThat(statistics.get("observations").asInt()).isEqualTo(seen + unusable);
    assertThat(statistics.get("unusable").asInt()).isEqualTo(unusable);
    assertThat(statistics.get("downWeighted").asInt()).isEqualTo(low);
    assertThat(statistics.get("meanWeight").asDouble()).isCloseTo(weighted / seen, within(1e-14));
    int bySource = 0;
    for (JsonNode source : statistics.get("sources")) {
      bySource += source.get("observations").asInt();
    }
    assertThat(bySource).isEqualTo(seen + unusable);
    JsonNode line = example("observations/get", "usable");
    assertThat(line.get("weight"))
        .isEqualTo(scores.get("weights").get(0).get(line.get("turn").asInt()));
  }

  /** The default weight function, against a triple of the example. */
  private static double weight(double loss, JsonNode triple) {
    double sd = Math.sqrt(triple.get("m2").asDouble() / (triple.get("count").asDouble() - 1));
    double z = (loss - triple.get("mean").asDouble()) / sd;
    return z <= 1 ? 1 : Math.max(0.05, Math.exp(-2 * (z - 1)));
  }

  /**
   * Where a turn has one more observation it is this one, else two: then only the count is asked.
   */
  private static void merges(double loss, JsonNode before, JsonNode after) {
    double n = before.get("count").asDouble();
    double added = after.get("count").asDouble() - n;
    assertThat(added).isBetween(1.0, 2.0);
    if (added == 1) {
      double d = loss - before.get("mean").asDouble();
      assertThat(after.get("mean").asDouble())
          .isCloseTo(before.get("mean").asDouble() + d / (n + 1), within(1e-14));
      assertThat(after.get("m2").asDouble())
          .isCloseTo(before.get("m2").asDouble() + d * d * n / (n + 1), within(1e-12));
    }
  }
}
