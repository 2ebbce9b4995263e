package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Runs that keep the losses of their newest steps, over HTTP. */
class RetentionContractTest {

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final int STEPS = 3001;

  private static LiveService live;

  /** With a batch of each step, from which the first thousand steps were dropped. */
  private static String run;

  /** The same batches without steps. */
  private static String stepless;

  /** The same batches with steps, all of which are kept. */
  private static String twin;

  @BeforeAll
  static void start() {
    live = LiveService.start("resure.retention.observations=20", "resure.durability=os");
    run = live.newRun("{\"warmUp\":2}");
    stepless = live.newRun("{\"warmUp\":2,\"retention\":{\"observations\":{\"steps\":30}}}");
    twin = live.newRun("{\"warmUp\":2,\"retention\":{\"observations\":\"all\"}}");
    for (int step = 0; step < STEPS; step += 1) {
      List<CompletableFuture<Answer>> answers = new ArrayList<>();
      for (String each : List.of(run, stepless, twin)) {
        byte[] body = batch(each.equals(stepless) ? -1 : step).getBytes(StandardCharsets.UTF_8);
        answers.add(
            live.sendAsync(
                live.request(
                    "POST",
                    each + "/observations",
                    "Content-Type",
                    "application/json",
                    "Idempotency-Key",
                    "k" + step),
                body,
                "POST"));
      }
      for (CompletableFuture<Answer> answer : answers) {
        assertThat(answer.join().status()).isEqualTo(200);
      }
    }
    for (String each : List.of(run, stepless)) {
      await().atMost(DEADLINE).until(() -> !live.get(each).json().get("wholeFrom").isNull());
    }
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String batch(int step) {
    return "{%s\"dialogues\":[{\"id\":\"d-%d\",\"losses\":[%s,1.5]}]}"
        .formatted(step < 0 ? "" : "\"step\":" + step + ",", step % 10, 2 + step % 7 / 8.0);
  }

  private static Answer post(String path, int step, String key) {
    return live.post(path + "/observations", batch(step), "Idempotency-Key", key);
  }

  @Test
  void aRunSaysWhatItKeepsAndFromWhereItIsWhole() {
    assertThat(live.get(run).json().at("/configuration/retention/observations/steps").asInt())
        .as("of the service")
        .isEqualTo(20);
    assertThat(live.get(run).json().get("wholeFrom").toString())
        .isEqualTo("{\"step\":1000,\"sequence\":1002}");
    assertThat(live.get(stepless).json().get("wholeFrom").toString())
        .isEqualTo("{\"step\":null,\"sequence\":1002}");
    assertThat(live.get(twin).json().at("/configuration/retention/observations").asString())
        .isEqualTo("all");
    assertThat(live.get(twin).json().get("wholeFrom").isNull()).isTrue();
  }

  @Test
  void theStatisticsAreThoseOfTheRunThatKeepsEverything() {
    JsonNode trimmed = live.get(run + "/statistics").json();
    JsonNode whole = live.get(twin + "/statistics").json();
    for (String field : List.of("turns", "sources", "reference", "observations", "meanWeight")) {
      assertThat(trimmed.get(field).toString()).isEqualTo(whole.get(field).toString());
    }
  }

  @Test
  void aBatchOfADroppedStepIsTooOldWhateverItsKey() {
    for (String key : List.of("k7", "never")) {
      Answer refused = post(run, 7, key);
      assertThat(refused.outcome()).isEqualTo("409 step-too-old");
      assertThat(refused.json().get("earliestStep").asInt()).isEqualTo(1000);
    }
    assertThat(post(twin, 7, "k7").status()).isEqualTo(200);
  }

  @Test
  void aKeyOfAKeptBatchIsReplayed() {
    Answer again = post(run, 2000, "k2000");

    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.json().get("weights").toString())
        .isEqualTo(post(twin, 2000, "k2000").json().get("weights").toString());
    assertThat(post(run, 2001, "k2000").outcome()).isEqualTo("422 key-reused");
  }

  @Test
  void aKeyOfADroppedBatchWithoutAStepIsTooOld() {
    long before = live.get(stepless).json().get("sequence").asLong();

    Answer refused = post(stepless, -1, "k7");

    assertThat(refused.outcome()).isEqualTo("409 step-too-old");
    assertThat(refused.json().get("earliestStep")).isNull();
    assertThat(post(stepless, 7, "k7").outcome()).isEqualTo("409 step-too-old");
    assertThat(post(stepless, 7, "never").outcome()).isEqualTo("422 steps-mixed /step");
    assertThat(live.get(stepless).json().get("sequence").asLong()).isEqualTo(before);
  }

  @Test
  void theOrderOfChecksIsThatOfTheContract() {
    String path = live.newRun("{}");
    assertThat(live.post(run + "/observations", "{\"step\":7}").outcome())
        .isEqualTo("422 invalid-field /dialogues");
    assertThat(live.post(path + "x/observations", batch(7)).outcome()).isEqualTo("404 unknown-run");
    assertThat(live.post(run + "/observations", batch(-1)).outcome())
        .isEqualTo("422 steps-mixed /step");
  }

  @Test
  void aRewindToADroppedStepIsTooOld() {
    Answer refused = live.post(run + "/rewind", "{\"nextStep\":999}");

    assertThat(refused.outcome()).isEqualTo("409 step-too-old");
    assertThat(refused.json().get("earliestStep").asInt()).isEqualTo(1000);
    assertThat(live.get(run).json().get("step").asInt()).isEqualTo(STEPS - 1);
  }

  @Test
  void anExportSaysFromWhereItIsWhole() {
    Answer all = live.get(run + "/observations");
    assertThat(all.header("Resure-Whole-From-Step")).isEqualTo("1000");
    assertThat(all.header("Resure-Whole-From-Sequence")).isEqualTo("1002");
    assertThat(all.text().lines()).hasSize(2 * (STEPS - 1000));
    assertThat(all.text()).startsWith("{\"sequence\":1002,\"step\":1000,");
    // The trimming is an entry too, and comes when it comes.
    assertThat(withoutSequences(all))
        .isEqualTo(withoutSequences(live.get(twin + "/observations?fromStep=1000")));
    assertThat(live.get(run + "/observations?fromStep=900&toStep=1001").text().lines()).hasSize(4);
    Answer without = live.get(stepless + "/observations");
    assertThat(without.header("Resure-Whole-From-Step")).isEmpty();
    assertThat(without.header("Resure-Whole-From-Sequence")).isEqualTo("1002");
    assertThat(without.text().lines()).hasSize(2 * (STEPS - 1000));
    assertThat(live.get(twin + "/observations").header("Resure-Whole-From-Sequence")).isEmpty();
  }

  private static String withoutSequences(Answer export) {
    return export.text().replaceAll("\"sequence\":\\d+,", "");
  }

  @Test
  void aReplayWeighsWhatIsLeftAndSaysSo() {
    String location = live.post(run + "/replays", "{\"configurations\":[{}]}").header("Location");
    await()
        .atMost(DEADLINE)
        .until(() -> !live.get(location).json().get("state").asString().equals("running"));

    JsonNode replay = live.get(location).json();

    assertThat(replay.get("state").asString()).isEqualTo("done");
    assertThat(replay.get("wholeFrom").toString()).isEqualTo("{\"step\":1000,\"sequence\":1002}");
    assertThat(replay.at("/results/0/observations").asInt()).isEqualTo(2 * (STEPS - 1000));
    JsonNode listed = live.get(run + "/replays").json().get("replays").get(0);
    assertThat(listed.get("wholeFrom").toString()).isEqualTo(replay.get("wholeFrom").toString());
    JsonNode first = replay.at("/results/0/turns/0");
    String fresh = live.newRun("{\"warmUp\":2}");
    for (int step = 1000; step < STEPS; step++) {
      live.score(fresh, batch(step));
    }
    assertThat(first.get("meanWeight").asDouble())
        .as("a run that began there")
        .isCloseTo(
            live.get(fresh + "/statistics").json().at("/turns/0/meanWeight").asDouble(),
            within(1e-12));
  }

  @Test
  void aRunStartsFromWhatATrimmedOneStillKnows() {
    String name = run.substring("/v1/runs/".length());
    String body = "{\"startFrom\":{\"run\":\"%s\",\"step\":%d}}";
    Answer early = live.put("/v1/runs/" + live.newName(), body.formatted(name, 998));
    assertThat(early.outcome()).isEqualTo("422 invalid-field /startFrom/step");
    assertThat(early.json().get("detail").asString()).contains("is 999.");

    String after = live.newRun(body.formatted(name, 999));
    String twins = live.newRun(body.formatted(twin.substring("/v1/runs/".length()), 999));

    assertThat(live.get(after + "/statistics").json().get("turns").toString())
        .isEqualTo(live.get(twins + "/statistics").json().get("turns").toString());
  }

  @Test
  void itIsComparedWhereARunExists() {
    String path = live.newRun("{\"retention\":{\"observations\":{\"steps\":70}}}");
    for (String agreed :
        List.of("{}", "{\"retention\":{}}", "{\"retention\":{\"observations\":{\"steps\":70}}}")) {
      assertThat(live.put(path, agreed).status()).as(agreed).isEqualTo(200);
    }
    for (String other :
        List.of("{\"observations\":\"all\"}", "{\"observations\":{\"steps\":71}}")) {
      assertThat(live.put(path, "{\"retention\":%s}".formatted(other)).outcome())
          .as(other)
          .isEqualTo("409 run-conflict /retention/observations");
    }
  }

  @Test
  void theDefaultIsThatOfItsCreation() {
    String path = live.newRun("{}");

    assertThat(live.put(path, "{\"retention\":{\"observations\":{\"steps\":20}}}").status())
        .isEqualTo(200);
    assertThat(live.put(path, "{\"retention\":{\"observations\":\"all\"}}").outcome())
        .isEqualTo("409 run-conflict /retention/observations");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "7                              | /retention",
        "null                           | /retention",
        "[]                             | /retention",
        "{'steps':7}                    | /retention/steps",
        "{'observations':null}          | /retention/observations",
        "{'observations':'none'}        | /retention/observations",
        "{'observations':7}             | /retention/observations",
        "{'observations':[]}            | /retention/observations",
        "{'observations':{}}            | /retention/observations/steps",
        "{'observations':{'step':7}}    | /retention/observations/step",
        "{'observations':{'steps':0}}   | /retention/observations/steps",
        "{'observations':{'steps':-7}}  | /retention/observations/steps",
        "{'observations':{'steps':7.5}} | /retention/observations/steps",
        "{'observations':{'steps':'7'}} | /retention/observations/steps",
        "{'observations':{'steps':null}}| /retention/observations/steps",
        "{'observations':{'steps':9007199254740992}} | /retention/observations/steps",
      })
  void whatIsNotValidIsPointedAt(String retention, String pointer) {
    String path = "/v1/runs/" + live.newName();
    assertThat(
            live.put(path, "{\"retention\":%s}".formatted(retention.replace('\'', '"'))).outcome())
        .isEqualTo("422 invalid-field " + pointer);
    assertThat(live.get(path).status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"retention\":{\"observations\":\"all\"}}", "{\"retention\":{}}"})
  void aReplayTriesNoRetention(String configuration) {
    assertThat(
            live.post(run + "/replays", "{\"configurations\":[%s]}".formatted(configuration))
                .outcome())
        .isEqualTo("422 invalid-field /configurations/0/retention");
  }
}
