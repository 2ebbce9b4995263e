package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Evaluations over HTTP. */
class EvaluationContractTest {

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String run(int steps, String... labels) {
    String run =
        live.newRun(
            labels.length == 0
                ? "{}"
                : "{\"labels\":{\"%s\":\"%s\"}}".formatted(labels[0], labels[1]));
    for (int step = 0; step < steps; step++) {
      live.score(
          run,
          "{\"step\":%d,\"dialogues\":[{\"id\":\"d\",\"losses\":[1,NaN,null]},{\"id\":\"e\",\"losses\":[2]}]}"
              .formatted(step));
    }
    return run;
  }

  private static Answer evaluate(String run, long step, String benchmark, String score) {
    return live.post(
        run + "/evaluations",
        "{\"step\":%d,\"benchmark\":%s,\"score\":%s}"
            .formatted(step, JsonMapper.shared().writeValueAsString(benchmark), score));
  }

  private static List<JsonNode> evaluations(String run) {
    return List.copyOf(live.get(run + "/evaluations").json().get("evaluations").values());
  }

  @Test
  void anEvaluationIsRecordedOnceWithTheNumberOfItsSamples() {
    String run = run(10);
    Answer first = evaluate(run, 4, "mt", "6.5");
    assertThat(first.status()).isEqualTo(201);
    assertThat(first.json().get("sequence").asLong()).isEqualTo(12);
    assertThat(first.json().get("samples").asLong()).isEqualTo(12);
    Answer again = evaluate(run, 4, "mt", "6.50");
    assertThat(again.status()).isEqualTo(200);
    assertThat(again.text()).isEqualTo(first.text());
    assertThat(evaluate(run, 4, "mt", "6.75").status()).isEqualTo(201);
    assertThat(evaluate(run, 5, "mt", "6.5").status()).isEqualTo(201);
    assertThat(evaluate(run, 4, "mt2", "6.5").status()).isEqualTo(201);
    assertThat(evaluate(run, 0, "mt", "-1").json().get("samples").asLong()).isEqualTo(0);
    // What is pending counts too, and no more than there is.
    for (int step : List.of(9, 10, 11)) {
      assertThat(evaluate(run, step, "mt", "1").json().get("samples").asLong())
          .isEqualTo(3 * Math.min(step, 10));
    }
    assertThat(evaluations(run)).hasSize(8);
    assertThat(evaluations(run).getFirst()).isEqualTo(first.json());
    assertThat(live.get(run).json().get("sequence").asLong()).isEqualTo(19);
  }

  @Test
  void evaluationsAreTakenOfAFinishedRunAndThereAfterARestart() {
    String run = run(3);
    live.post(run + "/finish", "");
    assertThat(evaluate(run, 3, "mt", "7").status()).isEqualTo(201);
    for (String text : ExportContractTest.HOSTILE) {
      assertThat(evaluate(run, 3, text, "1e-300").json().get("benchmark").asString())
          .isEqualTo(text);
    }
    String before = live.get(run + "/evaluations").text();
    live.reopen();
    assertThat(live.get(run + "/evaluations").text()).isEqualTo(before);
    assertThat(live.get(run).json().get("state").asString()).isEqualTo("finished");
  }

  @Test
  void aRewindRemovesTheEvaluationsOfModelsThatItUndoes() {
    String run = run(10);
    for (int step = 0; step <= 10; step++) {
      evaluate(run, step, "mt", String.valueOf(step));
    }
    live.post(run + "/rewind", "{\"nextStep\":6}");
    assertThat(evaluations(run))
        .extracting(e -> e.get("step").asInt())
        .containsExactly(0, 1, 2, 3, 4, 5, 6);
    String before = live.get(run + "/evaluations").text();
    live.reopen();
    assertThat(live.get(run + "/evaluations").text()).isEqualTo(before);
    // One that removes no batch.
    assertThat(evaluate(run, 9, "later", "1").status()).isEqualTo(201);
    live.post(run + "/rewind", "{\"nextStep\":8}");
    assertThat(evaluations(run)).hasSize(7);
    live.reopen();
    assertThat(live.get(run + "/evaluations").text()).isEqualTo(before);
    assertThat(evaluate(run, 9, "later", "1").status()).isEqualTo(201);
  }

  @Test
  void aRunWithoutStepsIsEvaluatedByItsBatches() {
    String run = live.newRun("{}");
    for (int i = 0; i < 5; i++) {
      live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1,2]}]}");
    }
    assertThat(evaluate(run, 3, "mt", "1").json().get("samples").asLong()).isEqualTo(6);
  }

  @Test
  void scoreIsComparedWithSamplesAcrossTheRunsOfALabel() {
    int[] steps = {8, 2, 6, 4};
    double[] scores = {7, 5.5, 6.5, 6.75};
    for (int i = 0; i < 4; i++) {
      String run = run(steps[i], "family", "a:b");
      evaluate(run, steps[i] - 1, "mt", "100");
      evaluate(run, steps[i], "mt", "0");
      evaluate(run, steps[i], "mt", String.valueOf(scores[i]));
      if (i < 2) {
        evaluate(run, steps[i], "few", String.valueOf(scores[i]));
      }
      if (i < 3) {
        evaluate(run, steps[i], "flat", "1");
      }
    }
    evaluate(run(3, "family", "other"), 1, "mt", "1");
    JsonNode benchmarks = live.get("/v1/evaluations?label=family:a:b").json().get("benchmarks");
    assertThat(benchmarks)
        .extracting(b -> b.get("benchmark").asString())
        .containsExactly("few", "flat", "mt");
    JsonNode mt = benchmarks.get(2);
    assertThat(mt.get("points"))
        .extracting(p -> p.get("samples").asInt())
        .containsExactly(6, 12, 18, 24);
    assertThat(mt.get("points"))
        .extracting(p -> p.get("score").asDouble())
        .containsExactly(5.5, 6.75, 6.5, 7.0);
    assertThat(mt.get("spearman").asDouble()).isEqualTo(0.8);
    assertThat(mt.get("runs").asInt()).isEqualTo(4);
    assertThat(benchmarks.get(0).get("spearman").isNull()).isTrue();
    assertThat(benchmarks.get(1).get("spearman").isNull()).isTrue();
    assertThat(live.get("/v1/evaluations?label=family:a:b&benchmark=mt").json().get("benchmarks"))
        .containsExactly(mt);
    assertThat(live.get("/v1/evaluations?label=family:nobody").json().get("benchmarks")).isEmpty();
    assertThat(live.get("/v1/evaluations?label=family").outcome())
        .isEqualTo("422 invalid-parameter label");
    assertThat(live.get("/v1/evaluations?benchmark=").outcome())
        .isEqualTo("422 invalid-parameter benchmark");
    // Also of runs that are not in memory.
    live.reopen();
    assertThat(live.get("/v1/evaluations?label=family:a:b").json().get("benchmarks"))
        .isEqualTo(benchmarks);
  }

  @Test
  void aRunKeepsSoManyEvaluations() {
    String run = run(1);
    for (int i = 0; i < 4096; i++) {
      assertThat(evaluate(run, 1, "mt", String.valueOf(i)).status()).isEqualTo(201);
    }
    assertThat(evaluate(run, 1, "mt", "4096").outcome()).isEqualTo("422 evaluations-full");
    assertThat(evaluate(run, 1, "mt", "17").status()).isEqualTo(200);
    assertThat(evaluations(run)).hasSize(4096);
  }

  @Test
  void whatIsNoEvaluationIsRefused() {
    String run = run(1);
    String[][] bad = {
      {"/step", "{\"benchmark\":\"mt\",\"score\":1}"},
      {"/step", "{\"step\":-1,\"benchmark\":\"mt\",\"score\":1}"},
      {"/step", "{\"step\":1.0,\"benchmark\":\"mt\",\"score\":1}"},
      {"/step", "{\"step\":9007199254740992,\"benchmark\":\"mt\",\"score\":1}"},
      {"/benchmark", "{\"step\":1,\"benchmark\":\"\",\"score\":1}"},
      {"/benchmark", "{\"step\":1,\"benchmark\":7,\"score\":1}"},
      {"/benchmark", "{\"step\":1,\"benchmark\":\"\\u0000\",\"score\":1}"},
      {"/benchmark", "{\"step\":1,\"benchmark\":\"" + "x".repeat(257) + "\",\"score\":1}"},
      {"/score", "{\"step\":1,\"benchmark\":\"mt\"}"},
      {"/score", "{\"step\":1,\"benchmark\":\"mt\",\"score\":null}"},
      {"/score", "{\"step\":1,\"benchmark\":\"mt\",\"score\":\"1\"}"},
      {"/score", "{\"step\":1,\"benchmark\":\"mt\",\"score\":1e999}"},
      {"/rank", "{\"step\":1,\"benchmark\":\"mt\",\"score\":1,\"rank\":0}"},
    };
    for (String[] each : bad) {
      assertThat(live.post(run + "/evaluations", each[1]).outcome())
          .as(each[1])
          .isEqualTo("422 invalid-field " + each[0]);
    }
    assertThat(live.post(run + "/evaluations", "").status()).isIn(400, 415);
    assertThat(live.post(run + "/evaluations", "{\"score\":NaN}").outcome())
        .isEqualTo("400 malformed-body");
    assertThat(evaluations(run)).isEmpty();
  }
}
