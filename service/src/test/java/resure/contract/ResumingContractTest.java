package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Attempts, rewinds, finishing, and the order in which a batch is checked. */
class ResumingContractTest {

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String batch(long step, double loss) {
    return "{\"step\":"
        + step
        + ",\"dialogues\":[{\"id\":\"d\",\"losses\":["
        + loss
        + ","
        + loss / 2
        + "]}]}";
  }

  private static String batchOf(String attempt, long step) {
    return batch(step, 1).replaceFirst("\\{", "{\"attempt\":\"" + attempt + "\",");
  }

  private static Answer rewind(String run, long nextStep) {
    return live.post(run + "/rewind", "{\"nextStep\":" + nextStep + "}");
  }

  private static Answer rewind(String run, long nextStep, String attempt) {
    return live.post(
        run + "/rewind", "{\"nextStep\":" + nextStep + ",\"attempt\":\"" + attempt + "\"}");
  }

  private static JsonNode read(String run) {
    return live.get(run).json();
  }

  private static String attempt(String run) {
    return read(run).get("attempt").asString("none");
  }

  /** Everything that the statistics say but the name and the sequence. */
  private static String statistics(String run) {
    return live.get(run + "/statistics")
        .text()
        .replace("\"" + run.substring(9) + "\"", "the run")
        .replaceFirst("\"sequence\":\\d+", "");
  }

  @Test
  void theFirstAttemptSeenBecomesCurrentAndFencesOffOthers() {
    String run = live.newRun("{}");
    live.score(run, batch(0, 1));
    assertThat(attempt(run)).isEqualTo("none");
    live.score(run, batchOf("job-1", 0));
    assertThat(attempt(run)).isEqualTo("job-1");
    assertThat(live.post(run + "/observations", batchOf("job-2", 0)).outcome())
        .isEqualTo("409 stale-attempt /attempt");
    live.score(run, batchOf("job-1", 1));
    // A batch that names none is not checked.
    live.score(run, batch(1, 1));
    assertThat(read(run).get("sequence").asInt()).isEqualTo(5);
  }

  @Test
  void anUnseenAttemptOfARewindTakesOverForGood() {
    String run = live.newRun("{}");
    live.score(run, batchOf("job-1", 0));
    assertThat(rewind(run, 1, "job-2").json().get("attempt").asString()).isEqualTo("job-2");
    assertThat(live.post(run + "/observations", batchOf("job-1", 1)).outcome())
        .isEqualTo("409 stale-attempt /attempt");
    assertThat(rewind(run, 0, "job-1").outcome()).isEqualTo("409 stale-attempt /attempt");
    live.score(run, batchOf("job-2", 1));
    rewind(run, 0, "job-3");
    // Attempts are never rewound, though no batch that named one survives.
    assertThat(rewind(run, 0, "job-1").status()).isEqualTo(409);
    assertThat(rewind(run, 0, "job-2").status()).isEqualTo(409);
    assertThat(live.post(run + "/observations", batchOf("job-2", 1)).status()).isEqualTo(409);
    live.reopen();
    assertThat(attempt(run)).isEqualTo("job-3");
    assertThat(rewind(run, 0, "job-1").status()).isEqualTo(409);
  }

  @Test
  void anAttemptFirstSeenInARewindIsCurrentOnAnEmptyRun() {
    String run = live.newRun("{}");
    Answer rewound = rewind(run, 0, "job-1");
    assertThat(rewound.status()).isEqualTo(200);
    assertThat(attempt(run)).isEqualTo("job-1");
    assertThat(live.post(run + "/observations", batchOf("job-0", 0)).status()).isEqualTo(409);
  }

  @Test
  void aBatchThatARefusalMetMakesNoAttemptCurrent() {
    String run = live.newRun("{}");
    live.score(run, batch(0, 1));
    assertThat(
            live.post(run + "/observations", "{\"attempt\":\"job-1\",\"dialogues\":[]}").outcome())
        .startsWith("422 steps-mixed");
    assertThat(attempt(run)).isEqualTo("none");
  }

  @Test
  void everyRankMaySendTheRewind() {
    String run = live.newRun("{}");
    for (int step = 0; step < 4; step++) {
      live.score(run, batchOf("job-1", step));
    }
    Answer first = rewind(run, 2, "job-2");
    assertThat(first.json().get("step").asLong()).isEqualTo(1);
    assertThat(first.json().get("sequence").asInt()).isEqualTo(6);
    assertThat(rewind(run, 2, "job-2").text()).isEqualTo(first.text());
    live.score(run, batchOf("job-2", 2));
    live.score(run, batchOf("job-2", 3));
    Answer slow = rewind(run, 2, "job-2");
    assertThat(slow.status()).isEqualTo(200);
    assertThat(slow.json().get("step").asLong()).isEqualTo(3);
    assertThat(slow.json().get("sequence").asInt()).isEqualTo(8);
    // To another step it is carried out, and then to the first one again.
    assertThat(rewind(run, 3, "job-2").json().get("step").asLong()).isEqualTo(2);
    live.score(run, batchOf("job-2", 3));
    assertThat(rewind(run, 2, "job-2").json().get("step").asLong()).isEqualTo(1);
  }

  @Test
  void theCurrentAttemptsFirstRewindIsCarriedOut() {
    String run = live.newRun("{}");
    live.score(run, batchOf("job-1", 0));
    live.score(run, batchOf("job-1", 1));
    assertThat(rewind(run, 1, "job-1").json().get("step").asLong()).isEqualTo(0);
  }

  @Test
  void withoutAnAttemptEveryRewindIsCarriedOut() {
    String run = live.newRun("{}");
    live.score(run, batchOf("job-1", 0));
    live.score(run, batchOf("job-1", 1));
    assertThat(rewind(run, 1).json().get("step").asLong()).isEqualTo(0);
    live.score(run, batchOf("job-1", 1));
    assertThat(rewind(run, 1).json().get("step").asLong()).isEqualTo(0);
    assertThat(attempt(run)).isEqualTo("job-1");
  }

  @Test
  void theStateBecomesThatOfTheSurvivingBatches() {
    String configuration = "{\"warmUp\":2,\"halfLife\":3,\"normalization\":\"runMean\"}";
    String run = live.newRun(configuration);
    String straight = live.newRun(configuration);
    List<String> surviving =
        List.of(batch(0, 1), batch(0, 2.5), batch(1, 3), batch(2, 40), batch(2, 1.5), batch(3, 2));
    for (String body : surviving) {
      live.score(run, body);
      live.score(straight, body);
    }
    JsonNode before = read(run);
    live.score(run, batch(4, 70));
    live.score(run, batch(5, 80));
    JsonNode rewound = rewind(run, 4).json();
    assertThat(rewound.get("step").asLong()).isEqualTo(3);
    assertThat(rewound.get("lastBatchAt")).isEqualTo(before.get("lastBatchAt"));
    assertThat(statistics(run)).isEqualTo(statistics(straight));
    assertThat(live.score(run, batch(4, 6)).json().get("weights"))
        .isEqualTo(live.score(straight, batch(4, 6)).json().get("weights"));
    live.reopen();
    assertThat(statistics(run)).isEqualTo(statistics(straight));
  }

  @Test
  void latenessIsWorkedOutAnewAndRecordedWeightsStay() {
    String run = live.newRun("{\"warmUp\":2}");
    live.score(run, batch(0, 1));
    live.score(run, batch(0, 3));
    live.score(run, batch(5, 2));
    Answer late = live.score(run, batch(1, 30), "Idempotency-Key", "late");
    assertThat(late.json().get("summary").get("late").asBoolean()).isTrue();
    JsonNode rewound = rewind(run, 5).json();
    assertThat(rewound.get("lateBatches").asInt()).isEqualTo(0);
    assertThat(rewound.get("step").asLong()).isEqualTo(1);
    assertThat(live.score(run, batch(1, 30), "Idempotency-Key", "late").text())
        .isEqualTo(late.text());
    assertThat(live.get(run + "/observations?fromStep=1").lines())
        .extracting(line -> line.get("weight").asDouble())
        .containsExactly(
            late.json().get("weights").get(0).get(0).asDouble(),
            late.json().get("weights").get(0).get(1).asDouble());
  }

  @Test
  void whereNoBatchSurvivesTheRunIsAsAfterItsCreation() {
    String run = live.newRun("{\"warmUp\":2}");
    String untouched = live.newRun("{\"warmUp\":2}");
    live.score(run, batch(5, 1));
    live.score(run, batch(6, 1));
    JsonNode rewound = rewind(run, 0).json();
    assertThat(rewound.get("step").isNull()).isTrue();
    assertThat(rewound.get("lastBatchAt").isNull()).isTrue();
    assertThat(rewound.get("state").asString()).isEqualTo("active");
    assertThat(statistics(run)).isEqualTo(statistics(untouched));
    assertThat(live.get(run + "/observations").text()).isEmpty();
    // Its first batch decides anew.
    live.score(run, "{\"dialogues\":[]}");
  }

  @Test
  void aRewindPastTheNewestStepRemovesNothing() {
    String run = live.newRun("{}");
    live.score(run, batch(3, 1));
    String before = statistics(run);
    assertThat(rewind(run, 4).json().get("step").asLong()).isEqualTo(3);
    assertThat(statistics(run)).isEqualTo(before);
  }

  @Test
  void aRunWithoutStepsCannotBeRewound() {
    String run = live.newRun("{}");
    live.score(run, "{\"dialogues\":[]}");
    assertThat(rewind(run, 0).outcome()).startsWith("422 run-without-steps");
    assertThat(rewind(run, 0, "job-2").outcome()).startsWith("422 run-without-steps");
    assertThat(attempt(run)).isEqualTo("none");
  }

  @Test
  void aBadRewindIsPointedAt() {
    String run = live.newRun("{}");
    String[][] bodies = {
      {"{}", "/nextStep"},
      {"{\"nextStep\":-1}", "/nextStep"},
      {"{\"nextStep\":\"1\"}", "/nextStep"},
      {"{\"nextStep\":null}", "/nextStep"},
      {"{\"nextStep\":1.5}", "/nextStep"},
      {"{\"nextStep\":9007199254740992}", "/nextStep"},
      {"{\"nextStep\":1,\"nextStep\":1}", "/nextStep"},
      {"{\"nextStep\":1,\"attempt\":\"\"}", "/attempt"},
      {"{\"nextStep\":1,\"attempt\":2}", "/attempt"},
      {"{\"nextStep\":1,\"step\":2}", "/step"},
    };
    for (String[] body : bodies) {
      assertThat(live.post(run + "/rewind", body[0]).outcome())
          .isEqualTo("422 invalid-field " + body[1]);
    }
    assertThat(read(run).get("sequence").asInt()).isEqualTo(1);
  }

  @Test
  void aFinishedRunTakesTheNewestStepAndBeforeAndIsReadable() {
    String run = live.newRun("{}");
    Answer recorded = live.score(run, batchOf("job-1", 4), "Idempotency-Key", "k");
    live.score(run, batch(5, 1));
    Answer finished = live.post(run + "/finish", "");
    assertThat(finished.json().get("state").asString()).isEqualTo("finished");
    assertThat(finished.json().get("finishedAt").isNull()).isFalse();
    assertThat(live.post(run + "/finish", "").text()).isEqualTo(finished.text());
    live.score(run, batch(5, 2));
    live.score(run, batch(4, 2));
    assertThat(live.post(run + "/observations", batch(6, 2)).outcome())
        .startsWith("409 run-finished");
    assertThat(live.score(run, batchOf("job-1", 4), "Idempotency-Key", "k").text())
        .isEqualTo(recorded.text());
    assertThat(live.get(run + "/statistics").json().get("observations").asInt()).isEqualTo(8);
    live.reopen();
    assertThat(read(run).get("finishedAt")).isEqualTo(finished.json().get("finishedAt"));
  }

  @Test
  void aFinishedRunWithoutABatchOrAStepTakesNone() {
    String empty = live.newRun("{}");
    live.post(empty + "/finish", "");
    assertThat(live.post(empty + "/observations", batch(0, 2)).outcome())
        .startsWith("409 run-finished");
    String without = live.newRun("{}");
    live.score(without, "{\"dialogues\":[]}");
    live.post(without + "/finish", "");
    assertThat(live.post(without + "/observations", "{\"dialogues\":[]}").outcome())
        .startsWith("409 run-finished");
  }

  @Test
  void aRewindThatIsCarriedOutReopens() {
    String run = live.newRun("{}");
    live.score(run, batchOf("job-1", 0));
    rewind(run, 1, "job-2");
    live.score(run, batchOf("job-2", 1));
    live.post(run + "/finish", "");
    assertThat(rewind(run, 1, "job-2").json().get("state").asString()).isEqualTo("finished");
    JsonNode reopened = rewind(run, 1, "job-3").json();
    assertThat(reopened.get("state").asString()).isEqualTo("active");
    assertThat(reopened.get("finishedAt").isNull()).isTrue();
    live.score(run, batchOf("job-3", 7));
  }

  @Test
  void aBatchIsCheckedInOrder() {
    String run = live.newRun("{}");
    String recorded = batchOf("job-1", 0);
    live.score(run, recorded, "Idempotency-Key", "k");
    rewind(run, 1, "job-2");
    live.post(run + "/finish", "");
    String path = run + "/observations";
    // Syntax before the run.
    assertThat(live.post("/v1/runs/nobody/observations", "{\"step\":-1}").status()).isEqualTo(422);
    // The key before the attempt.
    assertThat(live.post(path, recorded, "Idempotency-Key", "k").header("Idempotency-Replayed"))
        .isEqualTo("true");
    assertThat(live.post(path, batchOf("job-1", 9), "Idempotency-Key", "k").outcome())
        .startsWith("422 key-reused");
    // The attempt before finished.
    assertThat(live.post(path, batchOf("job-1", 9)).outcome()).startsWith("409 stale-attempt");
    assertThat(live.post(path, "{\"attempt\":\"job-1\",\"dialogues\":[]}").outcome())
        .startsWith("409 stale-attempt");
    // Finished before mixing.
    assertThat(live.post(path, "{\"dialogues\":[]}").outcome()).startsWith("409 run-finished");
  }
}
