package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Runs that begin with another run's statistics. */
class StartFromContractTest {

  private static final int STEPS = 6;

  private static LiveService live;

  /** A run of steps 0 to 5, all of them in order, of turns 0 to 3. */
  private static String source;

  /** What its statistics said after each of them. */
  private static final List<JsonNode> AFTER = new ArrayList<>();

  /** What is far above its turn gets the floor. */
  private static final String HARD = ",\"weighting\":{\"function\":\"hard\"}";

  @BeforeAll
  static void start() {
    live = LiveService.start();
    source = live.newRun("{\"warmUp\":2" + HARD + "}");
    for (int step = 0; step < STEPS; step++) {
      score(source, step);
      AFTER.add(statistics(source));
    }
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String batch(int step) {
    StringBuilder dialogues = new StringBuilder();
    for (int d = 0; d < 4; d++) {
      dialogues
          .append(d == 0 ? "" : ",")
          .append(
              "{\"id\":\"d\",\"losses\":[%s,%s,null,%s]}"
                  .formatted(2 + 0.25 * d, 1.5 + 0.125 * d * step, 1 + 0.5 * d));
    }
    return "{\"step\":" + step + ",\"dialogues\":[" + dialogues + "]}";
  }

  private static void score(String run, int step) {
    live.score(run, batch(step));
  }

  private static String name(String run) {
    return run.substring("/v1/runs/".length());
  }

  private static String body(String run, String more) {
    return "{\"warmUp\":2" + HARD + ",\"startFrom\":{\"run\":\"" + name(run) + "\"" + more + "}}";
  }

  private static JsonNode statistics(String run) {
    return live.get(run + "/statistics").json();
  }

  /** Count, seen, mean and m2 of each turn, as they are written. */
  private static Map<String, String> triples(JsonNode turns) {
    Map<String, String> triples = new TreeMap<>();
    for (JsonNode turn : turns) {
      triples.put(
          turn.get("turn").toString(),
          "%s %s %s %s"
              .formatted(turn.get("count"), turn.get("seen"), turn.get("mean"), turn.get("m2")));
    }
    return triples;
  }

  @Test
  void aRunBeginsWithTheNewestStatisticsOfAnother() {
    String run = live.newRun(body(source, ""));

    JsonNode begun = statistics(run);
    JsonNode turns = AFTER.getLast().get("turns");
    assertThat(triples(begun.get("turns"))).isEqualTo(triples(turns)).hasSize(3);
    assertThat(triples(begun.at("/reference/turns"))).isEqualTo(triples(turns));
    for (JsonNode turn : begun.get("turns")) {
      assertThat(turn.get("standardDeviation").asDouble()).isPositive();
      assertThat(turn.get("meanWeight").isNull()).isTrue();
      assertThat(turn.get("effectiveSampleRatio").isNull()).isTrue();
      assertThat(turn.get("unusable").asInt()).isZero();
    }
    // Only the turns' statistics are taken: everything else is this run's own.
    assertThat(begun.get("step").isNull()).isTrue();
    assertThat(begun.get("sequence").asInt()).isEqualTo(1);
    assertThat(begun.get("observations").asInt()).isZero();
    assertThat(begun.get("meanWeight").isNull()).isTrue();
    assertThat(begun.get("sources").size()).isZero();
    assertThat(begun.at("/reference/runMeanWeight").asDouble()).isEqualTo(1);
  }

  @Test
  void theFirstBatchIsWeighedAgainstThemAndFoldsIntoThem() {
    String run = live.newRun(body(source, ""));
    String losses = "{\"step\":0,\"dialogues\":[{\"id\":\"d\",\"losses\":[2.2,9,7]}]}";

    JsonNode scores = live.score(run, losses).json();
    JsonNode expected = live.score(source(), losses.replace("\"step\":0", "\"step\":6")).json();

    assertThat(scores.get("weights")).isEqualTo(expected.get("weights"));
    assertThat(scores.at("/weights/0/1").asDouble()).isEqualTo(0.05);
    // Turn 2 was never seen there.
    assertThat(scores.at("/weights/0/2").asDouble()).isEqualTo(1);
    assertThat(scores.at("/summary/warmingUp").asBoolean()).isTrue();
    assertThat(scores.at("/summary/runMeanWeight").asDouble()).isEqualTo(1);
    JsonNode after = statistics(run);
    assertThat(after.at("/turns/0/count").asDouble()).isEqualTo(25);
    assertThat(after.at("/turns/0/seen").asInt()).isEqualTo(25);
    assertThat(after.at("/turns/0/meanWeight").asDouble()).isEqualTo(1);
    assertThat(after.at("/turns/2/seen").asInt()).isEqualTo(1);
    assertThat(after.at("/turns/3/meanWeight").isNull()).as("turn 3 did not come here").isTrue();
    assertThat(after.get("observations").asInt()).isEqualTo(3);
  }

  /** A copy of the source, which tests may go on with. */
  private static String source() {
    String copy = live.newRun("{\"warmUp\":2" + HARD + "}");
    for (int step = 0; step < STEPS; step++) {
      score(copy, step);
    }
    return copy;
  }

  @Test
  void anEarlierStepIsTheStateOfARunRewoundToTheNext() {
    String other = source();
    for (int step = 0; step < STEPS; step++) {
      String run = live.newRun(body(other, ",\"step\":" + step));
      assertThat(triples(statistics(run).get("turns")))
          .as("step %d", step)
          .isEqualTo(triples(AFTER.get(step).get("turns")));
    }
    // A late batch of step 2 belongs to the state after step 2, though it came last.
    live.score(other, "{\"step\":2,\"rank\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[2]}]}");
    String asOf = live.newRun(body(other, ",\"step\":3"));
    live.post(other + "/rewind", "{\"nextStep\":4}");
    assertThat(triples(statistics(asOf).get("turns")))
        .isEqualTo(triples(statistics(other).get("turns")))
        .isNotEqualTo(triples(AFTER.get(3).get("turns")));
  }

  @Test
  void whatBecomesOfTheOtherRunAfterwardsDoesNotMatter() {
    String other = source();
    live.post(other + "/finish", "");
    String run = live.newRun(body(other, ""));
    String begun = live.get(run + "/statistics").text();
    String shown = live.get(run).text();

    live.post(other + "/rewind", "{\"nextStep\":1}");
    assertThat(live.get(run + "/statistics").text()).isEqualTo(begun);
    score(run, 0);
    live.delete(other);
    live.newRun("{}");
    assertThat(live.post(run + "/rewind", "{\"nextStep\":0}").status()).isEqualTo(200);

    assertThat(triples(statistics(run).get("turns")))
        .isEqualTo(triples(AFTER.getLast().get("turns")));
    assertThat(live.put(run, body(other, "")).status()).as("created again").isEqualTo(200);
    live.reopen();
    assertThat(triples(statistics(run).get("turns")))
        .isEqualTo(triples(AFTER.getLast().get("turns")));
    assertThat(live.get(run).json().at("/configuration/startFrom"))
        .isEqualTo(
            ContractValidator.parse(shown.getBytes(StandardCharsets.UTF_8))
                .at("/configuration/startFrom"));
  }

  @Test
  void aRestartFindsTheSameStatisticsWithAndWithoutASnapshot() {
    String run = live.newRun(body(source, ",\"step\":3"));
    String untouched = live.newRun(body(source, ",\"observations\":3.5"));
    for (int step = 0; step < 4; step++) {
      score(run, step);
    }
    Answer before = live.get(run + "/statistics");
    String begun = live.get(untouched + "/statistics").text();

    for (int i = 0; i < 2; i++) {
      live.reopen();
      assertThat(live.get(run + "/statistics").text()).isEqualTo(before.text());
      assertThat(live.get(run + "/statistics").header("ETag")).isEqualTo(before.header("ETag"));
      assertThat(live.get(untouched + "/statistics").text()).isEqualTo(begun);
    }
  }

  @Test
  void observationsBoundWhatTheStatisticsCountFor() {
    String run = live.newRun(body(source, ",\"observations\":6"));

    JsonNode turns = statistics(run).get("turns");
    for (int i = 0; i < turns.size(); i++) {
      JsonNode turn = turns.get(i);
      JsonNode original = AFTER.getLast().get("turns").get(i);
      assertThat(turn.get("count").asDouble()).isEqualTo(6);
      assertThat(turn.get("seen")).isEqualTo(original.get("seen"));
      assertThat(turn.get("mean")).isEqualTo(original.get("mean"));
      assertThat(turn.get("m2").asDouble())
          .isCloseTo(original.get("m2").asDouble() / 4, within(1e-14));
    }
    String above = live.newRun(body(source, ",\"observations\":24.5"));
    assertThat(triples(statistics(above).get("turns")))
        .isEqualTo(triples(AFTER.getLast().get("turns")));
  }

  @Test
  void aRunOfFewerSlotsPoolsTheLaterOnes() {
    String pooled = live.newRun(body(source, "").replaceFirst("\\{", "{\"maxTurns\":2,"));
    JsonNode turns = statistics(pooled).get("turns");
    assertThat(turns.size()).isEqualTo(2);
    assertThat(turns.get(1).get("count").asDouble()).isEqualTo(48);
    JsonNode one = AFTER.getLast().get("turns").get(1);
    JsonNode three = AFTER.getLast().get("turns").get(2);
    assertThat(turns.get(1).get("mean").asDouble())
        .isCloseTo((one.get("mean").asDouble() + three.get("mean").asDouble()) / 2, within(1e-14));
    // And of more: that run's last slot stays where it is.
    String wide = live.newRun(body(pooled, "").replaceFirst("\\{", "{\"maxTurns\":1024,"));
    assertThat(triples(statistics(wide).get("turns"))).isEqualTo(triples(turns));
  }

  @Test
  void theStartIsShownWithTheStepThatItCameTo() {
    String none = live.newRun("{}");
    assertThat(live.get(none).json().at("/configuration/startFrom").isNull()).isTrue();
    String newest = live.newRun(body(source, ""));
    assertThat(live.get(newest).json().at("/configuration/startFrom").toString())
        .isEqualTo("{\"run\":\"%s\",\"step\":5,\"observations\":null}".formatted(name(source)));
    String early = live.newRun(body(source, ",\"step\":2,\"observations\":2.5"));
    assertThat(live.get(early).json().at("/configuration/startFrom").toString())
        .isEqualTo("{\"run\":\"%s\",\"step\":2,\"observations\":2.5}".formatted(name(source)));
    String withoutSteps = live.newRun("{}");
    live.score(withoutSteps, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[2,3]}]}");
    String run = live.newRun(body(withoutSteps, ""));
    assertThat(live.get(run).json().at("/configuration/startFrom/step").isNull()).isTrue();
    assertThat(statistics(run).get("turns").size()).isEqualTo(2);
  }

  @Test
  void creatingAgainComparesWhatWasAskedAndLooksNothingUp() {
    String other = source();
    String run = live.newRun(body(other, ""));
    score(other, 6);
    String shown = live.get(run).text();
    String unchanged = live.get(run + "/statistics").text();
    for (String agreeing :
        List.of(
            "",
            "{}",
            "{\"warmUp\":2}",
            body(other, ""),
            body(other, ",\"step\":null,\"observations\":null"),
            // What it came to, as the answer shows it.
            body(other, ",\"step\":5"),
            live.get(run).json().get("configuration").toString())) {
      Answer again = live.put(run, agreeing);
      assertThat(again.status()).as(agreeing).isEqualTo(200);
      assertThat(again.text()).isEqualTo(shown);
    }
    for (String differing :
        List.of(
            "{\"startFrom\":null}",
            body(other, ",\"step\":6"),
            body(other, ",\"step\":4"),
            body(other, ",\"observations\":500"),
            body(source, ""),
            "{\"startFrom\":{\"run\":\"nobody\"}}")) {
      assertThat(live.put(run, differing).outcome())
          .as(differing)
          .isEqualTo("409 run-conflict /startFrom");
    }
    String plain = live.newRun("{}");
    assertThat(live.put(plain, "{\"startFrom\":null}").status()).isEqualTo(200);
    String sourceless =
        body(other, "").replace("\"warmUp\":2,", "").replace(HARD.substring(1) + ",", "");
    assertThat(live.put(plain, sourceless).outcome()).isEqualTo("409 run-conflict /startFrom");
    String early = live.newRun(body(other, ",\"step\":5"));
    assertThat(live.put(early, body(other, "")).outcome())
        .as("the newest is not step 5 for ever")
        .isEqualTo("409 run-conflict /startFrom");
    assertThat(live.get(run + "/statistics").text()).isEqualTo(unchanged);
  }

  @Test
  void ofManyThatCreateARunAtOnceOneDoesAndAllAgree() {
    String path = "/v1/runs/" + live.newName();
    byte[] body = body(source, ",\"step\":4").getBytes(StandardCharsets.UTF_8);
    List<CompletableFuture<Answer>> answers = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      answers.add(
          live.sendAsync(
              live.request("PUT", path, "Content-Type", "application/json"), body, "PUT"));
    }
    List<Integer> statuses = answers.stream().map(a -> a.join().status()).sorted().toList();
    assertThat(statuses.subList(0, 15)).containsOnly(200);
    assertThat(statuses.getLast()).isEqualTo(201);
    assertThat(answers.stream().map(a -> a.join().text()).distinct()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "true                             | /startFrom",
        "[]                               | /startFrom",
        "7                                | /startFrom",
        "{}                               | /startFrom/run",
        "{'step':1}                       | /startFrom/run",
        "{'run':null}                     | /startFrom/run",
        "{'run':1}                        | /startFrom/run",
        "{'run':''}                       | /startFrom/run",
        "{'run':'a b'}                    | /startFrom/run",
        "{'run':'-a'}                     | /startFrom/run",
        "{'run':'nobody'}                 | /startFrom/run",
        "{'run':'nobody','step':1}        | /startFrom/run",
        "{'run':'SOURCE','run':'SOURCE'}  | /startFrom/run",
        "{'run':'SOURCE','Step':1}        | /startFrom/Step",
        "{'run':'SOURCE','a/b':1}         | /startFrom/a~1b",
        "{'run':'SOURCE','step':-1}       | /startFrom/step",
        "{'run':'SOURCE','step':1.0}      | /startFrom/step",
        "{'run':'SOURCE','step':'1'}      | /startFrom/step",
        "{'run':'SOURCE','step':[]}       | /startFrom/step",
        "{'run':'SOURCE','step':9007199254740992}     | /startFrom/step",
        "{'run':'SOURCE','step':9007199254740991}     | /startFrom/step",
        "{'run':'SOURCE','step':6}        | /startFrom/step",
        "{'run':'SOURCE','observations':1.999}        | /startFrom/observations",
        "{'run':'SOURCE','observations':-2}           | /startFrom/observations",
        "{'run':'SOURCE','observations':'2'}          | /startFrom/observations",
        "{'run':'SOURCE','observations':true}         | /startFrom/observations",
        "{'run':'SOURCE','observations':1e999}        | /startFrom/observations",
      })
  void whatCannotBeStartedFromIsPointedAtAndNothingIsCreated(String startFrom, String pointer) {
    String path = "/v1/runs/" + live.newName();
    String body =
        "{\"startFrom\":%s}"
            .formatted(startFrom.strip().replace('\'', '"').replace("SOURCE", name(source)));
    assertThat(live.put(path, body).outcome()).isEqualTo("422 invalid-field " + pointer);
    assertThat(live.get(path).status()).isEqualTo(404);
  }

  @Test
  void aRunThatHasNothingToBeginWithIsRefused() {
    String path = "/v1/runs/" + live.newName();
    assertThat(live.put(path, body(path, "")).outcome())
        .as("itself")
        .isEqualTo("422 invalid-field /startFrom/run");
    String empty = live.newRun("{}");
    assertThat(live.put(path, body(empty, "")).outcome())
        .isEqualTo("422 invalid-field /startFrom/run");
    assertThat(live.put(path, body(empty, ",\"step\":0")).outcome())
        .isEqualTo("422 invalid-field /startFrom/step");
    live.score(empty, "{\"step\":4,\"dialogues\":[{\"id\":\"d\",\"losses\":[NaN,null]}]}");
    assertThat(live.put(path, body(empty, "")).outcome())
        .isEqualTo("422 invalid-field /startFrom/run");
    live.score(empty, "{\"step\":5,\"dialogues\":[{\"id\":\"d\",\"losses\":[2]}]}");
    assertThat(live.put(path, body(empty, ",\"step\":4")).outcome())
        .isEqualTo("422 invalid-field /startFrom/step");
    assertThat(live.put(path, body(source, ",\"step\":6")).json().get("detail").asString())
        .as("says the newest step")
        .contains(" 5");
    String withoutSteps = live.newRun("{}");
    live.score(withoutSteps, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[2]}]}");
    assertThat(live.put(path, body(withoutSteps, ",\"step\":0")).outcome())
        .isEqualTo("422 invalid-field /startFrom/step");
    assertThat(live.get(path).outcome()).isEqualTo("404 unknown-run");
  }
}
