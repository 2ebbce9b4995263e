package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Statistics and export over HTTP. */
class StatisticsContractTest {

  private static final Comparator<JsonNode> BY_VALUE =
      (a, b) -> ContractValidator.same(a, b) ? 0 : 1;

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String batch(String head, String... losses) {
    List<String> dialogues = new ArrayList<>();
    for (String each : losses) {
      dialogues.add("{\"id\":\"d\",\"losses\":[" + each + "]}");
    }
    return "{" + head + "\"dialogues\":[" + String.join(",", dialogues) + "]}";
  }

  private static JsonNode parse(String json) {
    return ContractValidator.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static JsonNode statistics(String run) {
    return live.get(run + "/statistics").json();
  }

  @Test
  void aRunWithoutBatchesHasEmptyStatistics() {
    String run = live.newRun("{}");
    ContractValidator.assertSame(
        statistics(run),
        parse(
            """
            {"run": "%s", "step": null, "sequence": 1, "observations": 0, "lateBatches": 0, "meanWeight": null,
             "effectiveSampleRatio": null, "unusable": 0, "downWeighted": 0, "turns": [], "sources": [],
             "reference": {"step": null, "runMeanWeight": 1.0, "turns": []}}
            """
                .formatted(run.substring(9))));
  }

  @Test
  void turnsAreTheReferenceWithEverythingPendingFolded() {
    String run = live.newRun("{\"warmUp\":2}");
    live.score(run, batch("\"step\":0,", "1,5", "3"));
    JsonNode first = statistics(run);
    assertThat(first.get("reference").get("turns").size()).isEqualTo(0);
    assertThat(first.get("reference").get("step").asLong()).isEqualTo(0);
    live.score(run, batch("\"step\":1,", "0", "2", "100"));
    JsonNode statistics = statistics(run);
    ContractValidator.assertSame(
        statistics.get("reference"),
        parse(
            """
            {"step": 1, "runMeanWeight": 1.0, "turns": [
              {"turn": 0, "count": 2.0, "seen": 2, "mean": 2.0, "m2": 2.0},
              {"turn": 1, "count": 1.0, "seen": 1, "mean": 5.0, "m2": 0.0}]}
            """));
    // 100 is cut to 2 + 3 sqrt(2).
    double cut = 2 + 3 * Math.sqrt(2);
    double mean = (6 + cut) / 5;
    double m2 = 0;
    for (double loss : new double[] {1, 3, 0, 2, cut}) {
      m2 += (loss - mean) * (loss - mean);
    }
    JsonNode turn = statistics.at("/turns/0");
    assertThat(turn.get("count").asDouble()).isEqualTo(5);
    assertThat(turn.get("seen").asInt()).isEqualTo(5);
    assertThat(turn.get("mean").asDouble()).isCloseTo(mean, within(1e-14));
    assertThat(turn.get("m2").asDouble()).isCloseTo(m2, within(1e-13));
    assertThat(turn.get("standardDeviation").asDouble())
        .isCloseTo(Math.sqrt(m2 / 4), within(1e-14));
    assertThat(turn.get("meanWeight").asDouble()).isCloseTo(4.05 / 5, within(1e-15));
    assertThat(turn.get("effectiveSampleRatio").asDouble())
        .isCloseTo(4.05 * 4.05 / 4.0025 / 5, within(1e-14));
    assertThat(statistics.get("meanWeight").asDouble()).isCloseTo(5.05 / 6, within(1e-15));
    assertThat(statistics.get("effectiveSampleRatio").asDouble())
        .isCloseTo(5.05 * 5.05 / 5.0025 / 6, within(1e-14));
    assertThat(statistics.get("observations").asInt()).isEqualTo(6);
    JsonNode single = statistics.at("/turns/1");
    assertThat(single.get("standardDeviation").isNull()).isTrue();
    assertThat(single.get("m2").asDouble()).isEqualTo(0);
  }

  @Test
  void theRawFoldRuleCutsNothing() {
    String run = live.newRun("{\"warmUp\":2,\"fold\":\"raw\"}");
    live.score(run, batch("\"step\":0,", "1", "3"));
    live.score(run, batch("\"step\":1,", "98"));
    assertThat(statistics(run).at("/turns/0/mean").asDouble()).isEqualTo(34);
  }

  @Test
  void aTurnWithOnlyUnusableLossesIsListedAndOneNeverSentIsNot() {
    String run = live.newRun("{}");
    live.score(run, batch("\"step\":0,", "NaN,null,2"));
    JsonNode turns = statistics(run).get("turns");
    assertThat(turns.size()).isEqualTo(2);
    JsonNode unusable = turns.get(0);
    assertThat(unusable.get("turn").asInt()).isEqualTo(0);
    assertThat(unusable.get("count").asDouble()).isEqualTo(0);
    assertThat(unusable.get("seen").asInt()).isEqualTo(0);
    assertThat(unusable.get("unusable").asInt()).isEqualTo(1);
    for (String none : List.of("mean", "standardDeviation", "meanWeight", "effectiveSampleRatio")) {
      assertThat(unusable.get(none).isNull()).as(none).isTrue();
    }
    assertThat(turns.get(1).get("turn").asInt()).isEqualTo(2);
    assertThat(statistics(run).get("observations").asInt()).isEqualTo(2);
    // Once folded, the reference has only what was folded.
    live.score(run, batch("\"step\":1,", "null"));
    assertThat(statistics(run).at("/reference/turns").size()).isEqualTo(1);
    assertThat(statistics(run).get("turns")).isEqualTo(turns);
  }

  @Test
  void underForgettingTheCountIsRealAndSeenIsNot() {
    String run = live.newRun("{\"halfLife\":4}");
    live.score(run, batch("\"step\":0,", "1", "3"));
    live.score(run, batch("\"step\":1,", "2", "2"));
    JsonNode turn = statistics(run).at("/turns/0");
    assertThat(turn.get("count").asDouble()).isCloseTo(2 * Math.sqrt(0.5) + 2, within(1e-14));
    assertThat(turn.get("seen").asInt()).isEqualTo(4);
    assertThat(turn.get("m2").asDouble()).isCloseTo(2 * Math.sqrt(0.5), within(1e-14));
  }

  @Test
  void dialoguesWithoutASourceComeUnderNull() {
    String run = live.newRun("{}");
    live.score(
        run,
        """
        {"step":0,"dialogues":[{"id":"a","source":"s","losses":[1,NaN]},{"id":"b","losses":[1,null,1]},
                               {"id":"c","source":"u","losses":[Infinity]},{"id":"e","source":"n","losses":[null]}]}
        """);
    JsonNode sources = statistics(run).get("sources");
    assertThat(sources)
        .usingElementComparator(BY_VALUE)
        .containsExactlyInAnyOrder(
            parse(
                "{\"source\":\"s\",\"observations\":2,\"meanWeight\":1.0,\"effectiveSampleRatio\":1.0}"),
            parse(
                "{\"source\":null,\"observations\":2,\"meanWeight\":1.0,\"effectiveSampleRatio\":1.0}"),
            parse(
                "{\"source\":\"u\",\"observations\":1,\"meanWeight\":null,\"effectiveSampleRatio\":null}"));
  }

  @Test
  void theFirst1024SourcesAreKeptApartAndLaterOnesPool() {
    String run = live.newRun("{}");
    List<String> dialogues = new ArrayList<>();
    for (int i = 0; i < 1030; i++) {
      dialogues.add("{\"id\":\"d\",\"source\":\"s" + i + "\",\"losses\":[1,2]}");
    }
    live.score(run, "{\"step\":0,\"dialogues\":[" + String.join(",", dialogues) + "]}");
    live.score(
        run, "{\"step\":1,\"dialogues\":[" + dialogues.get(0) + "," + dialogues.get(1029) + "]}");
    int apart = 0;
    int pools = 0;
    for (JsonNode source : statistics(run).get("sources")) {
      if (source.has("other")) {
        pools++;
        assertThat(source.get("source").isNull()).isTrue();
        assertThat(source.get("observations").asInt()).isEqualTo(14);
      } else {
        apart++;
        int number = Integer.parseInt(source.get("source").asString().substring(1));
        assertThat(number).isLessThan(1024);
        assertThat(source.get("observations").asInt()).isEqualTo(number == 0 ? 4 : 2);
      }
    }
    assertThat(apart).isEqualTo(1024);
    assertThat(pools).isEqualTo(1);
  }

  @Test
  void theOrderInWhichRanksArriveChangesNoBit() {
    List<String> ranks = new ArrayList<>();
    for (int rank = 0; rank < 4; rank++) {
      ranks.add("\"rank\":" + rank + ",");
    }
    String forward = live.newRun("{\"warmUp\":2}");
    String backward = live.newRun("{\"warmUp\":2}");
    for (int step = 0; step < 5; step++) {
      for (int i = 0; i < 4; i++) {
        for (String run : List.of(forward, backward)) {
          int rank = run.equals(forward) ? i : 3 - i;
          live.score(
              run,
              batch(
                  "\"step\":" + step + "," + ranks.get(rank),
                  0.1 * (rank + 1) + "," + 1.7 * step,
                  "0.3," + 1.1 * rank));
        }
      }
      assertThat(live.get(backward + "/statistics").text().replace(backward.substring(9), "run"))
          .isEqualTo(live.get(forward + "/statistics").text().replace(forward.substring(9), "run"));
    }
  }

  @Test
  void aBatchIsAnsweredWithTheStatisticsRightAfterItWhereTheyAreAskedFor() {
    String run = live.newRun("{\"warmUp\":2}");
    String post = run + "/observations?include=statistics";
    for (int step = 0; step < 4; step++) {
      for (String losses : List.of("1,null,NaN", "3.5,2")) {
        JsonNode answer = live.post(post, batch("\"step\":" + step + ",", losses)).json();
        JsonNode after = statistics(run);
        assertThat(answer.at("/statistics/sequence")).isEqualTo(after.get("sequence"));
        assertThat(answer.at("/statistics/turns")).isEqualTo(after.get("turns"));
      }
    }
    Answer without = live.score(run, batch("\"step\":4,", "1"));
    assertThat(without.json().has("statistics")).isFalse();
  }

  @Test
  void statisticsThatComeWithABatchHaveNoneOfALaterOne() {
    String run = live.newRun("{}");
    List<CompletableFuture<Answer>> posts = new ArrayList<>();
    for (int rank = 0; rank < 32; rank++) {
      posts.add(
          live.sendAsync(
              live.request(
                  "POST",
                  run + "/observations?include=statistics",
                  "Content-Type",
                  "application/json"),
              batch("\"step\":0,\"rank\":" + rank + ",", "1").getBytes(StandardCharsets.UTF_8),
              "POST"));
    }
    for (CompletableFuture<Answer> post : posts) {
      JsonNode answer = post.join().json();
      long sequence = answer.get("sequence").asLong();
      assertThat(answer.at("/statistics/sequence").asLong()).isEqualTo(sequence);
      assertThat(answer.at("/statistics/turns/0/seen").asLong()).isEqualTo(sequence - 1);
    }
  }

  @Test
  void aRepeatedKeyIsAnsweredWithTheStatisticsOfNow() {
    String run = live.newRun("{}");
    String post = run + "/observations?include=statistics";
    String body = batch("\"step\":0,", "1");
    Answer first = live.post(run + "/observations", body, "Idempotency-Key", "k");
    live.score(run, batch("\"step\":1,", "2", "3"));
    Answer again = live.post(post, body, "Idempotency-Key", "k");
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.text()).startsWith(first.text().substring(0, first.text().length() - 1));
    assertThat(again.json().at("/statistics/sequence").asLong()).isEqualTo(3);
    assertThat(again.json().at("/statistics/turns")).isEqualTo(statistics(run).get("turns"));
  }

  @Test
  void aRunWithoutStepsHasNoStepInItsStatistics() {
    String run = live.newRun("{}");
    live.score(run, batch("", "1"));
    live.score(run, batch("", "2"));
    JsonNode statistics = statistics(run);
    assertThat(statistics.get("step").isNull()).isTrue();
    assertThat(statistics.at("/reference/step").isNull()).isTrue();
    assertThat(statistics.at("/reference/turns/0/seen").asInt()).isEqualTo(1);
    assertThat(statistics.at("/turns/0/seen").asInt()).isEqualTo(2);
  }

  @Test
  void theTagChangesWithTheStatisticsAndIsAnswered304() {
    String run = live.newRun("{}");
    Answer first = live.get(run + "/statistics");
    String tag = first.header("ETag");
    for (String held : List.of(tag, "\"other\", " + tag, "W/" + tag, "*")) {
      Answer unchanged = live.get(run + "/statistics", "If-None-Match", held);
      assertThat(unchanged.status()).as(held).isEqualTo(304);
      assertThat(unchanged.header("ETag")).isEqualTo(tag);
    }
    for (String held : List.of("\"other\"", "nonsense", "\"\"")) {
      assertThat(live.get(run + "/statistics", "If-None-Match", held).text())
          .isEqualTo(first.text());
    }
    live.score(run, batch("\"step\":0,", "1"));
    Answer second = live.get(run + "/statistics", "If-None-Match", tag);
    assertThat(second.status()).isEqualTo(200);
    assertThat(second.header("ETag")).isNotEqualTo(tag);
    live.reopen();
    Answer reopened = live.get(run + "/statistics");
    assertThat(reopened.text()).isEqualTo(second.text());
    assertThat(reopened.header("ETag")).isEqualTo(second.header("ETag"));
  }

  @Test
  void theExportHasALineForEachObservationInOrderOfSequence() {
    String run = live.newRun("{\"warmUp\":2}");
    live.score(
        run,
        """
        {"step":1,"rank":2,"microBatch":3,"dialogues":[
          {"id":"a","source":"s","firstTurn":7,"losses":[1.5,null,NaN]},{"id":"b","losses":[-0.25,1e999]}]}
        """);
    live.score(run, batch("\"step\":2,", "9.5"));
    live.score(run, batch("\"step\":1,", "3"));
    Answer export = live.get(run + "/observations");
    assertThat(export.header("Content-Type")).startsWith("application/x-ndjson");
    assertThat(export.lines())
        .usingElementComparator(BY_VALUE)
        .containsExactly(
            parse(
                "{\"sequence\":2,\"step\":1,\"rank\":2,\"microBatch\":3,\"dialogue\":\"a\",\"source\":\"s\",\"turn\":7,\"loss\":1.5,\"weight\":1.0}"),
            parse(
                "{\"sequence\":2,\"step\":1,\"rank\":2,\"microBatch\":3,\"dialogue\":\"a\",\"source\":\"s\",\"turn\":9,\"loss\":null,\"weight\":0.0,\"unusable\":true}"),
            parse(
                "{\"sequence\":2,\"step\":1,\"rank\":2,\"microBatch\":3,\"dialogue\":\"b\",\"source\":null,\"turn\":0,\"loss\":-0.25,\"weight\":1.0}"),
            parse(
                "{\"sequence\":2,\"step\":1,\"rank\":2,\"microBatch\":3,\"dialogue\":\"b\",\"source\":null,\"turn\":1,\"loss\":null,\"weight\":0.0,\"unusable\":true}"),
            parse(
                "{\"sequence\":3,\"step\":2,\"rank\":0,\"microBatch\":0,\"dialogue\":\"d\",\"source\":null,\"turn\":0,\"loss\":9.5,\"weight\":1.0}"),
            parse(
                "{\"sequence\":4,\"step\":1,\"rank\":0,\"microBatch\":0,\"dialogue\":\"d\",\"source\":null,\"turn\":0,\"loss\":3.0,\"weight\":1.0}"));
    assertThat(sequences(run, "?fromStep=2")).containsExactly(3);
    assertThat(sequences(run, "?toStep=1")).containsExactly(2, 2, 2, 2, 4);
    assertThat(sequences(run, "?fromStep=1&toStep=2")).hasSize(6);
    assertThat(sequences(run, "?fromStep=3")).isEmpty();
  }

  private static List<Integer> sequences(String run, String query) {
    return live.get(run + "/observations" + query).lines().stream()
        .map(line -> line.get("sequence").asInt())
        .toList();
  }

  @Test
  void theExportOfManyBatchesIsWhole() {
    String run = live.newRun("{}");
    String losses = "0.5,".repeat(4000) + "0.5";
    for (int step = 0; step < 20; step++) {
      live.score(run, batch("\"step\":" + step + ",", losses));
    }
    assertThat(live.get(run + "/observations").lines()).hasSize(20 * 4001);
  }

  @Test
  void stepsOfARunWithoutStepsCannotBeSelected() {
    String run = live.newRun("{}");
    assertThat(live.get(run + "/observations?fromStep=0").text()).isEmpty();
    live.score(run, batch("", "1"));
    assertThat(live.get(run + "/observations?fromStep=0").outcome())
        .startsWith("422 run-without-steps");
    assertThat(live.get(run + "/observations?toStep=0").outcome())
        .startsWith("422 run-without-steps");
    assertThat(live.get(run + "/observations").lines().get(0).get("step").isNull()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "observations?fromStep=-1, fromStep",
    "observations?fromStep=one, fromStep",
    "observations?toStep=1.5, toStep",
    "observations?toStep=, toStep",
    "observations?toStep=9007199254740992, toStep",
    "observations?fromStep=1&fromStep=2, fromStep",
    "observations?fromstep=1, fromstep",
    "statistics?turn=1, turn",
    "statistics?include=statistics, include",
  })
  void aBadQueryParameterIsNamed(String query, String parameter) {
    String run = live.newRun("{}");
    assertThat(live.get(run + "/" + query).outcome())
        .isEqualTo("422 invalid-parameter " + parameter);
  }
}
