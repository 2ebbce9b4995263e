package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** Losses in, weights out, over HTTP: what each field of a batch and of a configuration does. */
@ParameterizedClass
@EnumSource(LiveService.Speech.class)
class ScoringContractTest {

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  ScoringContractTest(LiveService.Speech speech) {
    live.speak(speech);
  }

  /** One dialogue of one turn. */
  private static String batch(long step, double... losses) {
    List<String> dialogues = new ArrayList<>();
    for (double loss : losses) {
      dialogues.add("{\"id\":\"d\",\"losses\":[" + loss + "]}");
    }
    return "{\"step\":" + step + ",\"dialogues\":[" + String.join(",", dialogues) + "]}";
  }

  /** Weights that are easy to say by hand: exp(-2 (z - 1)). */
  private static final String EXPONENTIAL = weighting("exponential");

  private static String weighting(String function) {
    return ",\"weighting\":{\"function\":\"" + function + "\",\"threshold\":1,\"sharpness\":2}";
  }

  /** A run whose reference of step 1 and later has mean 2 and sd sqrt(2) at turn 0. */
  private static String weighing(String configuration) {
    String weighting = configuration.contains("\"weighting\"") ? "" : EXPONENTIAL;
    String run = live.newRun("{\"warmUp\":2" + configuration + weighting + "}");
    live.score(run, batch(0, 1, 3));
    return run;
  }

  /** The loss whose z-score is z in such a run. */
  private static double loss(double z) {
    return 2 + z * Math.sqrt(2);
  }

  private static double weight(Answer answer, int dialogue, int turn) {
    return answer.json().get("weights").get(dialogue).get(turn).asDouble();
  }

  @Test
  void theAnswerHasTheShapeOfTheLosses() {
    String run = live.newRun("{}");
    Answer answer =
        live.score(
            run,
            """
            {"step": 120, "rank": 0, "microBatch": 0, "attempt": "job-7731",
             "dialogues": [{"id": "d-17", "source": "sharegpt", "losses": [2.31, 1.94, null, 3.02]},
                           {"id": "d-90", "losses": [1.10, NaN]}]}
            """);
    ContractValidator.assertSame(
        answer.json(),
        ContractValidator.parse(
            """
            {"sequence": 2, "step": 120, "weights": [[1.0, 1.0, null, 1.0], [1.0, 0.0]],
             "summary": {"observations": 5, "meanWeight": 1.0, "effectiveSampleSize": 4.0,
                         "runMeanWeight": 1.0, "downWeighted": 0, "unusable": 1,
                         "warmingUp": true, "late": false}}
            """
                .getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    assertThat(answer.headers().firstValue("Idempotency-Replayed")).isEmpty();
  }

  @Test
  void aHighLossIsDownWeightedAndTheSummarySaysSo() {
    String run = weighing("");
    Answer answer = live.score(run, batch(1, loss(0), loss(1.5), loss(20), loss(-3)));
    double soft = Math.exp(-1);
    assertThat(weight(answer, 0, 0)).isEqualTo(1);
    assertThat(weight(answer, 1, 0)).isCloseTo(soft, within(1e-12));
    assertThat(weight(answer, 2, 0)).isEqualTo(0.05);
    assertThat(weight(answer, 3, 0)).isEqualTo(1);
    JsonNode summary = answer.json().get("summary");
    double sum = 2 + soft + 0.05;
    assertThat(summary.get("meanWeight").asDouble()).isCloseTo(sum / 4, within(1e-12));
    assertThat(summary.get("effectiveSampleSize").asDouble())
        .isCloseTo(sum * sum / (2 + soft * soft + 0.0025), within(1e-12));
    assertThat(summary.get("downWeighted").asInt()).isEqualTo(2);
    assertThat(summary.get("warmingUp").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "exponential, 0.1353352832366127",
    "gaussian, 0.1353352832366127",
    "cauchy, 0.2",
    "sigmoid, 0.23840584404423515",
    "hard, 0.05",
    "uniform, 1",
    // c = 2 + sqrt(2), x = 2 + 2 sqrt(2)
    "clip, 0.7071067811865476",
  })
  void everyFunctionIsItsFormula(String function, double expected) {
    String run = weighing(weighting(function));
    assertThat(weight(live.score(run, batch(1, loss(2))), 0, 0)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void anUnusableLossGetsWeightZeroAndIsNotFolded() {
    String run = live.newRun("{}");
    Answer answer =
        live.score(
            run,
            """
            {"dialogues":[{"id":"d","losses":
              [NaN, Infinity, -Infinity, 1e999, -1e999, 100.00000000000001, -100.5, 100, -100]}]}
            """);
    assertThat(answer.json().get("weights").get(0).toString())
        .isEqualTo("[0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0]");
    JsonNode summary = answer.json().get("summary");
    assertThat(summary.get("observations").asInt()).isEqualTo(9);
    assertThat(summary.get("unusable").asInt()).isEqualTo(7);
    assertThat(summary.get("meanWeight").asDouble()).isEqualTo(1);
    for (JsonNode turn : live.get(run + "/statistics").json().get("turns")) {
      boolean usable = turn.get("turn").asInt() >= 7;
      assertThat(turn.get("count").asDouble()).isEqualTo(usable ? 1 : 0);
      assertThat(turn.get("unusable").asInt()).isEqualTo(usable ? 0 : 1);
    }
  }

  @Test
  void aBatchOfOnlyUnusableLossesHasNoMean() {
    String run = live.newRun("{}");
    JsonNode summary =
        live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[NaN,null]}]}")
            .json()
            .get("summary");
    assertThat(summary.get("meanWeight").isNull()).isTrue();
    assertThat(summary.get("effectiveSampleSize").asDouble()).isEqualTo(0);
    assertThat(summary.get("warmingUp").asBoolean()).isFalse();
    assertThat(summary.get("observations").asInt()).isEqualTo(1);
  }

  @Test
  void emptyDialoguesAndRepeatedIdsAreLegal() {
    String run = live.newRun("{}");
    assertThat(live.score(run, "{\"dialogues\":[]}").json().get("weights").toString())
        .isEqualTo("[]");
    assertThat(
            live.score(
                    run,
                    "{\"dialogues\":[{\"id\":\"d\",\"losses\":[]},{\"id\":\"d\",\"losses\":[1]},{\"id\":\"d\",\"losses\":[null]}]}")
                .json()
                .get("weights")
                .toString())
        .isEqualTo("[[],[1.0],[null]]");
  }

  @Test
  void firstTurnSaysWhereADialogueGoesOnAndLateTurnsPool() {
    String run = live.newRun("{\"maxTurns\":4}");
    live.score(
        run,
        "{\"dialogues\":[{\"id\":\"d\",\"firstTurn\":2,\"losses\":[1,2,3]},{\"id\":\"e\",\"firstTurn\":9007199254740000,\"losses\":[4]}]}");
    List<String> turns = new ArrayList<>();
    live.get(run + "/statistics")
        .json()
        .get("turns")
        .forEach(
            turn ->
                turns.add(
                    turn.get("turn") + ":" + turn.get("seen") + ":" + turn.get("mean").asDouble()));
    assertThat(turns).containsExactly("2:1:1.0", "3:3:3.0");
  }

  @Test
  void tokensWeightTheRunsMean() {
    String run = weighing("");
    live.score(
        run,
        "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[2],\"tokens\":[3]},{\"id\":\"e\",\"losses\":[%s],\"tokens\":[0]},{\"id\":\"f\",\"losses\":[%s],\"tokens\":[null]}]}"
            .formatted(loss(20), loss(20)));
    double runMean =
        live.score(run, batch(2, 2)).json().get("summary").get("runMeanWeight").asDouble();
    assertThat(runMean).isCloseTo((2 + 3 + 0.05 + 0.05) / 7, within(1e-15));
  }

  @Test
  void weightsThatTheTrainerAppliedAreAnsweredAndExported() {
    String run = weighing("");
    Answer answer =
        live.score(
            run,
            "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[%s,null,NaN,1],\"weights\":[0.25,null,0.5,1.75]},{\"id\":\"e\",\"losses\":[%s]}]}"
                .formatted(loss(20), loss(20)));
    assertThat(answer.json().get("weights").toString()).isEqualTo("[[0.25,null,0.5,1.75],[0.05]]");
    JsonNode summary = answer.json().get("summary");
    assertThat(summary.get("downWeighted").asInt()).isEqualTo(2);
    assertThat(summary.get("meanWeight").asDouble())
        .isCloseTo((0.05 + 1 + 0.05) / 3, within(1e-15));
    assertThat(live.get(run + "/observations?fromStep=1").lines())
        .extracting(line -> line.get("weight").asDouble())
        .containsExactly(0.25, 0.5, 1.75, 0.05);
    JsonNode turn = live.get(run + "/statistics").json().get("turns").get(0);
    assertThat(turn.get("count").asDouble()).isEqualTo(4);
    assertThat(turn.get("meanWeight").asDouble())
        .isCloseTo((1 + 1 + 0.05 + 0.05) / 4, within(1e-15));
  }

  @Test
  void inShadowTheAnswerIsOneAndTheRestIsAsIfItWereNot() {
    String run = weighing(",\"shadow\":true");
    Answer answer =
        live.score(
            run,
            "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[%s,null,NaN]}]}"
                .formatted(loss(20)));
    assertThat(answer.json().get("weights").toString()).isEqualTo("[[1.0,null,0.0]]");
    assertThat(answer.json().get("summary").get("meanWeight").asDouble()).isEqualTo(0.05);
    assertThat(answer.json().get("summary").get("downWeighted").asInt()).isEqualTo(1);
    assertThat(live.get(run + "/observations?fromStep=1").lines())
        .extracting(line -> line.get("weight").asDouble())
        .containsExactly(0.05, 0.0);
  }

  @Test
  void normalizationDividesTheAnswerAndNothingElse() {
    String ofBatch = weighing(",\"normalization\":\"batchMean\"");
    Answer answer = live.score(ofBatch, batch(1, 2, loss(20)));
    assertThat(weight(answer, 0, 0)).isCloseTo(1 / 0.525, within(1e-12));
    assertThat(weight(answer, 1, 0)).isCloseTo(0.05 / 0.525, within(1e-12));
    assertThat(answer.json().get("summary").get("meanWeight").asDouble())
        .isCloseTo(0.525, within(1e-15));
    assertThat(
            live.get(ofBatch + "/observations?fromStep=1").lines().get(0).get("weight").asDouble())
        .isEqualTo(weight(answer, 0, 0));

    String ofRun =
        weighing(
            ",\"normalization\":\"runMean\",\"weighting\":{\"function\":\"hard\",\"floor\":0.5}");
    live.score(ofRun, batch(1, loss(20), loss(20)));
    Answer later = live.score(ofRun, batch(2, 1));
    double runMean = later.json().get("summary").get("runMeanWeight").asDouble();
    assertThat(runMean).isEqualTo(0.75);
    assertThat(weight(later, 0, 0)).isCloseTo(1 / 0.75, within(1e-15));
  }

  @Test
  void propagationLowersTheTurnsAfterABadOne() {
    String run =
        live.newRun(
            """
            {"warmUp":2, "propagation":{"strength":1,"decay":0.5}, "weighting":{"function":"hard","floor":0.01}}
            """);
    live.score(
        run,
        """
        {"step":0,"dialogues":[{"id":"d","losses":[1,1,1]},{"id":"e","losses":[3,3,3]}]}
        """);
    Answer answer =
        live.score(
            run,
            "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[%s,null,2]}]}"
                .formatted(loss(20)));
    assertThat(weight(answer, 0, 2)).isCloseTo(Math.pow(0.01, 0.25), within(1e-12));
  }

  @Test
  void noBatchChangesWhatAnotherOfItsStepIsWeighedAgainst() {
    String run = weighing("");
    String body = batch(1, loss(1.2), loss(1.7));
    String first = live.score(run, body).json().get("weights").toString();
    live.score(run, "{\"step\":1,\"rank\":1,\"dialogues\":[{\"id\":\"x\",\"losses\":[50,50,50]}]}");
    assertThat(
            live.score(run, body.replace("\"step\":1", "\"step\":1,\"rank\":2"))
                .json()
                .get("weights")
                .toString())
        .isEqualTo(first);
  }

  @Test
  void aBatchOfAClosedStepIsLate() {
    String run = weighing("");
    live.score(run, batch(1, 2));
    live.score(run, batch(3, 2));
    // Step 2 was passed over, and is closed as well.
    assertThat(live.score(run, batch(2, 2)).json().get("summary").get("late").asBoolean()).isTrue();
    Answer late = live.score(run, batch(1, loss(20)));
    assertThat(late.json().get("summary").get("late").asBoolean()).isTrue();
    assertThat(late.json().get("step").asLong()).isEqualTo(1);
    assertThat(live.get(run).json().get("lateBatches").asInt()).isEqualTo(2);
    assertThat(live.get(run).json().get("step").asLong()).isEqualTo(3);
    assertThat(live.get(run + "/statistics").json().get("lateBatches").asInt()).isEqualTo(2);
  }

  @Test
  void withALagTheReferenceLiesFurtherBackAndStepsStayOpenLonger() {
    String run = live.newRun("{\"warmUp\":2,\"lag\":1}");
    live.score(run, batch(0, 1, 3));
    assertThat(
            live.score(run, batch(1, loss(20))).json().get("summary").get("warmingUp").asBoolean())
        .isTrue();
    assertThat(live.score(run, batch(0, 2)).json().get("summary").get("late").asBoolean())
        .isFalse();
    Answer next = live.score(run, batch(2, 20));
    assertThat(next.json().get("summary").get("warmingUp").asBoolean()).isFalse();
    assertThat(live.score(run, batch(0, 2)).json().get("summary").get("late").asBoolean()).isTrue();
  }

  @Test
  void aBatchWithoutAStepIsAStepOfItsOwn() {
    String run = live.newRun("{\"warmUp\":2" + EXPONENTIAL + "}");
    Answer first =
        live.score(
            run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1]},{\"id\":\"d\",\"losses\":[3]}]}");
    assertThat(first.json().get("step").isNull()).isTrue();
    Answer second =
        live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[%s]}]}".formatted(loss(20)));
    assertThat(weight(second, 0, 0)).isEqualTo(0.05);
    assertThat(live.get(run).json().get("step").isNull()).isTrue();
  }

  @Test
  void aRunsFirstBatchDecidesWhetherItsBatchesHaveSteps() {
    String with = live.newRun("{}");
    live.score(with, batch(0, 1));
    assertThat(live.post(with + "/observations", "{\"dialogues\":[]}").outcome())
        .startsWith("422 steps-mixed");
    String without = live.newRun("{}");
    live.score(without, "{\"dialogues\":[]}");
    assertThat(live.post(without + "/observations", batch(0, 1)).outcome())
        .startsWith("422 steps-mixed");
    assertThat(live.get(without).json().get("sequence").asInt()).isEqualTo(2);
  }

  @Test
  void negativeLossesAreLossesToo() {
    String run = live.newRun("{\"warmUp\":2" + EXPONENTIAL + "}");
    live.score(run, batch(0, -3, -1));
    assertThat(weight(live.score(run, batch(1, -2 + 1.5 * Math.sqrt(2))), 0, 0))
        .isCloseTo(Math.exp(-1), within(1e-12));
  }
}
