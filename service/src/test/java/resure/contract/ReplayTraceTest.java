package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A replay beside the same losses posted again, to runs that are really configured so. */
class ReplayTraceTest {

  private static final long SEED =
      Long.getLong("resure.test.seed", System.nanoTime() & 0xffff_ffffL);
  private static final int SAMPLE = 20;
  private static final double BOUND = 1e-12;

  /**
   * 1,000 points: every weight function, both fold rules, forgetting, propagation, pooling, lag.
   */
  private static final String GRID =
      """
      {"grid": {"weighting.function":
          ["exponential", "gaussian", "cauchy", "sigmoid", "clip"],
        "weighting.threshold": {"from": -0.5, "to": 2, "points": 5},
        "propagation.strength": {"from": 0, "to": 2, "points": 5},
        "halfLife": [null, 500],
        "fold": ["winsorized", "raw"],
        "lag": [0, 1],
        "maxTurns": [6]},
       "rankBy": [{"measure": "effectiveSampleRatio"}]}
      """;

  private static final Trace TRACE = new Trace();
  private static LiveService live;

  @BeforeAll
  static void start() {
    System.out.println("-Dresure.test.seed=" + SEED);
    live = LiveService.start("resure.durability=os");
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static JsonNode replay(String run, String request) {
    Answer started = live.post(run + "/replays", request);
    assertThat(started.status()).as(started.toString()).isEqualTo(202);
    String at = started.header("Location");
    await()
        .atMost(Duration.ofMinutes(3))
        .until(() -> !live.get(at + "?limit=1").json().get("state").asString().equals("running"));
    JsonNode replay = live.get(at).json();
    assertThat(replay.get("state").asString()).as(replay.toString()).isEqualTo("done");
    return replay.get("results");
  }

  @Test
  void eachOfAThousandConfigurationsIsAsARunThatIsReallyConfiguredSo() {
    String run = TRACE.post(live, "{\"warmUp\": 16}");
    JsonNode results = replay(run, GRID);
    assertThat(results.size()).isEqualTo(1000);
    double last = Double.POSITIVE_INFINITY;
    for (JsonNode result : results) {
      double ratio = result.get("effectiveSampleRatio").asDouble();
      assertThat(ratio).as("best first").isLessThanOrEqualTo(last);
      last = ratio;
    }
    Random random = new Random(SEED);
    TreeSet<Integer> sample = new TreeSet<>();
    while (sample.size() < SAMPLE) {
      sample.add(random.nextInt(results.size()));
    }
    for (int i : sample) {
      JsonNode result = results.get(i);
      requireAsConfigured(result, "seed " + SEED + " " + result.get("configuration"));
    }
  }

  private static void requireAsConfigured(JsonNode result, String what) {
    String run = TRACE.post(live, result.get("configuration").toString());
    JsonNode configured = live.get(run + "/statistics").json();
    requireSame(result, configured, what);
    assertThat(result.get("turns").size()).as(what).isEqualTo(configured.get("turns").size());
    for (int turn = 0; turn < result.get("turns").size(); turn++) {
      requireSame(
          result.get("turns").get(turn),
          configured.get("turns").get(turn),
          what + " turn " + configured.get("turns").get(turn));
    }
    assertThat(result.get("sources").size()).as(what).isEqualTo(configured.get("sources").size());
    for (int source = 0; source < result.get("sources").size(); source++) {
      JsonNode expected = configured.get("sources").get(source);
      requireSame(result.get("sources").get(source), expected, what + " source " + expected);
      assertThat(result.get("sources").get(source).get("source")).isEqualTo(expected.get("source"));
    }
    ObjectNode own = (ObjectNode) live.get(run).json().get("configuration");
    own.remove(List.of("labels", "startFrom", "retention"));
    ContractValidator.assertSame(result.get("configuration"), own);
    live.delete(run);
  }

  private static void requireSame(JsonNode replayed, JsonNode configured, String what) {
    for (String figure : new String[] {"meanWeight", "effectiveSampleRatio"}) {
      assertThat(replayed.get(figure).asDouble())
          .as("%s of %s", figure, what)
          .isCloseTo(configured.get(figure).asDouble(), within(BOUND));
    }
  }

  @Test
  void aRunThatBeganWithAnothersStatisticsIsReplayedFromThere() {
    String first = TRACE.post(live, "{}");
    String name = first.substring("/v1/runs/".length());
    String run =
        live.newRun("{\"startFrom\":{\"run\":\"%s\",\"observations\":500}}".formatted(name));
    live.delete(first);
    TRACE.bodies.subList(0, 100).forEach(body -> live.score(run, body));

    requireSame(
        replay(run, "{\"configurations\":[{}]}").get(0),
        live.get(run + "/statistics").json(),
        "a run that began with another's statistics");
  }

  @Test
  void aReplayOfTheRunsOwnConfigurationGivesTheRecordedWeightsAndFindsWhatWasCorrupted() {
    String run = TRACE.post(live, "{}");
    String request = "{\"configurations\": [{}], \"labels\": {\"bad\": " + TRACE.corrupted + "}}";

    JsonNode result = replay(run, request).get(0);

    double weightSum = 0;
    long downWeighted = 0;
    long observations = 0;
    double badSum = 0;
    long bad = 0;
    TreeSet<String> corrupted = new TreeSet<>();
    TRACE.corrupted.forEach(
        label -> corrupted.add(label.get("dialogue") + "/" + label.get("turn")));
    for (JsonNode line : live.get(run + "/observations").lines()) {
      double weight = line.get("weight").asDouble();
      observations++;
      weightSum += weight;
      downWeighted += weight < 1 ? 1 : 0;
      if (corrupted.contains(line.get("dialogue") + "/" + line.get("turn"))) {
        badSum += weight;
        bad++;
      }
    }
    assertThat(result.get("observations").asLong()).isEqualTo(observations);
    assertThat(result.get("meanWeight").asDouble())
        .isCloseTo(weightSum / observations, within(BOUND));
    assertThat(result.get("downWeightedRatio").asDouble())
        .isCloseTo((double) downWeighted / observations, within(BOUND));
    assertThat(result.get("badMeanWeight").asDouble()).isCloseTo(badSum / bad, within(BOUND));
    assertThat(result.get("auroc").asDouble()).isBetween(0.65, 0.75);
    assertThat(result.has("aurocError")).as("in memory it is exact").isFalse();
  }
}
