package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A batch with a key is recorded once, however often it is sent. */
@ParameterizedClass
@EnumSource(LiveService.Speech.class)
class IdempotencyContractTest {

  private static final String KEY = "Idempotency-Key";
  private static final String REPLAYED = "Idempotency-Replayed";

  private static final String BODY =
      """
      {"step": 3, "rank": 0, "microBatch": 0, "attempt": "job-1", "dialogues": [
        {"id": "d-1", "source": "s", "firstTurn": 0, "losses": [2.0, NaN, null, Infinity], "tokens": [1, 2, 3, 4],
         "weights": [1.0, 0.5, null, 0]},
        {"id": "d-2", "losses": [0.1]}]}
      """;

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  IdempotencyContractTest(LiveService.Speech speech) {
    live.speak(speech);
  }

  private static void assertReplayed(Answer again, Answer first) {
    assertThat(again.status()).as(again.toString()).isEqualTo(200);
    assertThat(again.header(REPLAYED)).isEqualTo("true");
    assertThat(again.text()).isEqualTo(first.text());
  }

  @Test
  void aRepeatedKeyIsAnsweredWithTheSameBytesAndFoldsNothing() {
    String run = live.newRun("{\"warmUp\":2}");
    Answer first = live.score(run, BODY, KEY, "sft-42/120/0/0");
    assertThat(first.headers().firstValue(REPLAYED)).isEmpty();
    live.score(run, BODY.replace("\"step\": 3", "\"step\": 4"));
    String statistics = live.get(run + "/statistics").text();
    assertReplayed(live.score(run, BODY, KEY, "sft-42/120/0/0"), first);
    assertThat(live.get(run + "/statistics").text()).isEqualTo(statistics);
    live.reopen();
    assertReplayed(live.score(run, BODY, KEY, "sft-42/120/0/0"), first);
    assertThat(live.get(run + "/statistics").text()).isEqualTo(statistics);
  }

  @Test
  void parsedValuesAreComparedWithDefaultsFilledInAndTheAttemptLeftOut() {
    String run = live.newRun("{}");
    Answer first = live.score(run, BODY, KEY, "k");
    for (String same :
        List.of(
            BODY.replace(" ", ""),
            BODY.replace("\"rank\": 0, \"microBatch\": 0, ", "").replace("\"firstTurn\": 0, ", ""),
            BODY.replace("2.0", "0.2e1").replace("Infinity", "1e999"),
            BODY.replace("job-1", "job-2"),
            BODY.replace("\"attempt\": \"job-1\",", ""),
            BODY.replace("\"id\": \"d-1\"", "\"id\": \"\\u0064-1\""),
            BODY.replace("{\"step\": 3,", "{").replaceFirst("]}\\s*$", "], \"step\": 3}"))) {
      assertReplayed(live.post(run + "/observations", same, KEY, "k"), first);
    }
  }

  @Test
  void anotherBodyUnderTheSameKeyIsRefused() {
    String run = live.newRun("{}");
    Answer first = live.score(run, BODY, KEY, "k");
    for (String other :
        List.of(
            BODY.replace("\"step\": 3", "\"step\": 4"),
            BODY.replace("\"step\": 3, ", ""),
            BODY.replace("\"rank\": 0", "\"rank\": 1"),
            BODY.replace("\"microBatch\": 0", "\"microBatch\": 1"),
            BODY.replace("d-2", "d-3"),
            BODY.replace("\"source\": \"s\", ", ""),
            BODY.replace("\"source\": \"s\"", "\"source\": \"t\""),
            BODY.replace("\"firstTurn\": 0", "\"firstTurn\": 1"),
            BODY.replace("2.0", "2.0000000000000004"),
            BODY.replace("NaN", "Infinity"),
            BODY.replace("Infinity", "-Infinity"),
            BODY.replace("[1, 2, 3, 4]", "[1, 2, 3, 5]"),
            BODY.replace("[1.0, 0.5, null, 0]", "[1.0, 0.25, null, 0]"),
            BODY.replace("[0.1]", "[0.1, null]"),
            BODY.replace(
                "{\"id\": \"d-2\", \"losses\": [0.1]}",
                "{\"id\": \"d-2\", \"losses\": []}, {\"id\": \"d-2\", \"losses\": [0.1]}"))) {
      assertThat(live.post(run + "/observations", other, KEY, "k").outcome())
          .as(other)
          .startsWith("422 key-reused");
    }
    assertReplayed(live.score(run, BODY, KEY, "k"), first);
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(2);
  }

  @Test
  void eightConcurrentPostsWithOneKeyFoldOnceAndAllGetTheAnswer() {
    for (int round = 0; round < 20; round++) {
      String run = live.newRun("{}");
      List<CompletableFuture<Answer>> posts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        posts.add(
            live.sendAsync(
                live.request(
                    "POST", run + "/observations", KEY, "k", "Content-Type", "application/json"),
                BODY.getBytes(StandardCharsets.UTF_8),
                "POST"));
      }
      List<Answer> answers = posts.stream().map(CompletableFuture::join).toList();
      assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(200));
      assertThat(answers).extracting(Answer::text).containsOnly(answers.get(0).text());
      assertThat(answers).filteredOn(answer -> answer.header(REPLAYED).isEmpty()).hasSize(1);
      assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(2);
    }
  }

  @Test
  void aKeyBelongsToItsRun() {
    String one = live.newRun("{}");
    String two = live.newRun("{}");
    live.score(one, BODY, KEY, "k");
    Answer other = live.score(two, BODY.replace("2.0", "3.0"), KEY, "k");
    assertThat(other.header(REPLAYED)).isEmpty();
  }

  @Test
  void aRefusedBatchLeavesItsKeyFree() {
    String run = live.newRun("{}");
    live.score(run, "{\"step\":1,\"attempt\":\"job-1\",\"dialogues\":[]}");
    assertThat(live.post(run + "/observations", BODY.replace("job-1", "job-0"), KEY, "k").status())
        .isEqualTo(409);
    assertThat(live.post(run + "/observations", BODY.replace("0.1", "true"), KEY, "k").status())
        .isEqualTo(422);
    assertThat(live.post(run + "/observations", "{\"dialogues\":[]}", KEY, "k").outcome())
        .startsWith("422 steps-mixed");
    assertThat(live.score(run, BODY, KEY, "k").header(REPLAYED)).isEmpty();
  }

  @Test
  void aKeyHas1To255VisibleAsciiCharacters() {
    String run = live.newRun("{}");
    StringBuilder visible = new StringBuilder();
    for (char c = 0x21; c < 0x7f; c++) {
      visible.append(c);
    }
    for (String key : List.of("k", visible.toString(), "x".repeat(255))) {
      Answer first = live.score(run, BODY, KEY, key);
      assertReplayed(live.score(run, BODY, KEY, key), first);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a\tb"})
  void anyOtherKeyIsRefused(String key) {
    String run = live.newRun("{}");
    assertThat(live.post(run + "/observations", BODY, KEY, key).outcome())
        .isEqualTo("422 invalid-parameter Idempotency-Key");
    assertThat(live.post(run + "/observations", BODY, KEY, "x".repeat(256)).outcome())
        .isEqualTo("422 invalid-parameter Idempotency-Key");
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(1);
  }

  @Test
  void aRewindForgetsTheKeysOfTheBatchesItRemovesAndNoOthers() {
    String run = live.newRun("{}");
    Answer kept = live.score(run, BODY, KEY, "kept");
    live.score(run, BODY.replace("\"step\": 3", "\"step\": 4"), KEY, "removed");
    live.post(run + "/rewind", "{\"nextStep\":4}");
    assertReplayed(live.score(run, BODY, KEY, "kept"), kept);
    Answer again =
        live.score(
            run, BODY.replace("\"step\": 3", "\"step\": 4").replace("2.0", "2.5"), KEY, "removed");
    assertThat(again.header(REPLAYED)).isEmpty();
    live.reopen();
    assertReplayed(live.score(run, BODY, KEY, "kept"), kept);
    assertThat(
            live.post(
                    run + "/observations",
                    BODY.replace("\"step\": 3", "\"step\": 4"),
                    KEY,
                    "removed")
                .outcome())
        .startsWith("422 key-reused");
  }

  @Test
  void withoutAKeyEveryPostIsABatch() {
    String run = live.newRun("{}");
    live.score(run, BODY);
    assertThat(live.score(run, BODY).json().get("sequence").asInt()).isEqualTo(3);
  }
}
