package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The history and the events of runs over HTTP. */
class HistoryContractTest {

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static void score(String run, long step, String losses) {
    live.score(
        run, "{\"step\":" + step + ",\"dialogues\":[{\"id\":\"d\",\"losses\":[" + losses + "]}]}");
  }

  private static JsonNode history(String run, String query) {
    JsonNode history = live.get(run + "/history" + query).json();
    assertThat(history.get("progress").asDouble()).isEqualTo(1);
    return history;
  }

  private static List<Double> numbers(JsonNode array) {
    List<Double> numbers = new ArrayList<>();
    array.forEach(value -> numbers.add(value.isNull() ? null : value.asDouble()));
    return numbers;
  }

  @Test
  void aRunWithoutFoldedStepsHasNoHistory() {
    String run = live.newRun("{}");
    for (int i = 0; i < 2; i++) {
      JsonNode history = history(run, "");
      assertThat(history.get("fromSteps")).isEmpty();
      assertThat(history.get("turns")).isEmpty();
      assertThat(history.get("marks")).isEmpty();
      score(run, 0, "1");
    }
  }

  @Test
  void theHistoryHasEachFoldedStep() {
    String run = live.newRun("{\"warmUp\":2}");
    score(run, 0, "1,5");
    score(run, 2, "3,NaN,7");
    score(run, 3, "2,null");
    score(run, 7, "1");
    JsonNode history = history(run, "");
    assertThat(numbers(history.get("fromSteps"))).containsExactly(0.0, 2.0, 3.0);
    assertThat(history.get("toSteps")).isEqualTo(history.get("fromSteps"));
    assertThat(history.get("sequence").asLong()).isEqualTo(5);
    JsonNode turns = history.get("turns");
    assertThat(turns).extracting(turn -> turn.get("turn").asInt()).containsExactly(0, 1, 2);
    JsonNode first = turns.get(0);
    assertThat(numbers(first.get("loss"))).containsExactly(1.0, 3.0, 2.0);
    assertThat(first.get("lossMin")).isEqualTo(first.get("loss"));
    assertThat(first.get("lossMax")).isEqualTo(first.get("loss"));
    assertThat(numbers(first.get("mean"))).containsExactly(null, 1.0, 2.0);
    assertThat(numbers(first.get("standardDeviation")).subList(0, 2)).containsOnlyNulls();
    assertThat(numbers(first.get("standardDeviation")).get(2))
        .isCloseTo(Math.sqrt(2), within(1e-6));
    assertThat(numbers(first.get("weight"))).containsExactly(1.0, 1.0, 1.0);
    assertThat(numbers(turns.get(1).get("observations"))).containsExactly(1.0, 1.0, 0.0);
    assertThat(numbers(turns.get(1).get("loss"))).containsExactly(5.0, null, null);
    assertThat(numbers(turns.get(2).get("loss"))).containsExactly(null, 7.0, null);

    JsonNode some = history(run, "?fromStep=1&toStep=2&turn=2&turn=0");
    assertThat(numbers(some.get("fromSteps"))).containsExactly(2.0);
    assertThat(some.get("turns"))
        .extracting(turn -> turn.get("turn").asInt())
        .containsExactly(0, 2);
    for (String bad : List.of("points=9", "points=2001", "points=x", "turn=1024", "fromStep=-1")) {
      assertThat(live.get(run + "/history?" + bad).outcome())
          .isEqualTo("422 invalid-parameter " + bad.replaceFirst("=.*", ""));
    }
  }

  @Test
  void noPeakIsLostInFewPoints() {
    String run = live.newRun("{\"fold\":\"raw\"}");
    for (int step = 0; step < 400; step++) {
      score(run, step, step == 123 ? "50" : step == 321 ? "-50" : "1");
    }
    JsonNode history = history(run, "?points=10");
    JsonNode turn = history.at("/turns/0");
    assertThat(history.get("fromSteps").size()).isBetween(5, 10);
    assertThat(numbers(turn.get("lossMax"))).contains(50.0);
    assertThat(numbers(turn.get("lossMin"))).contains(-50.0);
    assertThat(numbers(turn.get("observations")).stream().mapToDouble(o -> o).sum()).isEqualTo(399);
    assertThat(numbers(history(run, "").at("/turns/0/loss"))).hasSize(399);
  }

  @Test
  void theHistoryIsTheSameAfterARestartAndARewindAndSoAreTheEvents() {
    String run = live.newRun("{\"warmUp\":2}");
    for (int step = 0; step < 30; step++) {
      score(run, step, step + ",1");
      if (step % 7 == 3) {
        score(run, step - 2, "5");
      }
    }
    String before = live.get(run + "/history?toStep=18").text();
    live.reopen();
    String after = live.get(run + "/history?toStep=18").text();
    assertThat(after).isEqualTo(before);
    live.post(run + "/rewind", "{\"nextStep\":20}");
    score(run, 20, "20,1");
    live.post(run + "/finish", "");
    JsonNode rewound = history(run, "");
    assertThat(rewound.get("toSteps").get(rewound.get("toSteps").size() - 1).asInt()).isEqualTo(19);
    assertThat(rewound.get("marks"))
        .extracting(mark -> mark.get("kind").asString())
        .containsExactly("rewound", "finished");
    assertThat(rewound.at("/marks/0/step").asInt()).isEqualTo(20);
    assertThat(rewound.at("/marks/0/turn").isNull()).isTrue();
    String straight = live.newRun("{\"warmUp\":2}");
    for (int step = 0; step < 21; step++) {
      score(straight, step, step + ",1");
      if (step % 7 == 3) {
        score(straight, step - 2, "5");
      }
    }
    assertThat(rewound.get("turns")).isEqualTo(history(straight, "").get("turns"));
    String text = live.get(run + "/history").text();
    live.reopen();
    assertThat(live.get(run + "/history").text()).isEqualTo(text);
  }

  @Test
  void aRunWithoutStepsCountsItsBatches() {
    String run = live.newRun("{}");
    for (int i = 0; i < 4; i++) {
      live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + i + "]}]}");
    }
    JsonNode history = history(run, "");
    assertThat(numbers(history.get("toSteps"))).containsExactly(0.0, 1.0, 2.0);
    assertThat(numbers(history.at("/turns/0/loss"))).containsExactly(0.0, 1.0, 2.0);
  }

  @Test
  void aStreamTellsWhatHappens() {
    String run = live.newRun("{\"warmUp\":2}");
    score(run, 0, "1");
    try (EventStream stream = EventStream.open(live, run, null)) {
      score(run, 1, "3,NaN");
      score(run, 2, "1");
      EventStream.Event first = stream.next();
      assertThat(first.name()).isEqualTo("step");
      assertThat(first.data().get("step").asInt()).isEqualTo(0);
      assertThat(first.data().get("sequence").asInt()).isEqualTo(3);
      EventStream.Event second = stream.next();
      assertThat(second.data().get("step").asInt()).isEqualTo(1);
      assertThat(second.data().get("observations").asInt()).isEqualTo(2);
      assertThat(second.data().get("unusable").asInt()).isEqualTo(1);
      assertThat(second.data().get("late").asBoolean()).isFalse();
      assertThat(second.data().at("/turns/0/loss").asDouble()).isEqualTo(3);
      assertThat(second.data().at("/turns/0/mean").asDouble()).isEqualTo(1);
      assertThat(second.data().at("/turns/1/loss").isNull()).isTrue();
      live.post(run + "/rewind", "{\"nextStep\":2}");
      EventStream.Event rewound = stream.next();
      assertThat(rewound.name()).isEqualTo("rewound");
      assertThat(rewound.data().get("nextStep").asInt()).isEqualTo(2);
      score(run, 2, "2");
      // Its closing was undone, and is done again.
      EventStream.Event again = stream.next();
      assertThat(again.data().get("step").asInt()).isEqualTo(1);
      assertThat(again.data().get("turns")).isEqualTo(second.data().get("turns"));
      live.post(run + "/finish", "");
      EventStream.Event finished = stream.next();
      assertThat(finished.name()).isEqualTo("finished");
      live.delete(run);
      EventStream.Event deleted = stream.next();
      assertThat(deleted.name()).isEqualTo("deleted");
      assertThat(deleted.id()).isEmpty();
      assertThat(stream.next().name()).isEmpty();
    }
  }

  @Test
  void aStreamIsResumedAfterTheEventThatWasReadLast() {
    String run = live.newRun("{}");
    for (int step = 0; step < 300; step++) {
      score(run, step, "1");
    }
    List<String> ids = new ArrayList<>();
    String incarnation;
    try (EventStream stream = EventStream.open(live, run, null)) {
      score(run, 300, "1");
      String id = stream.next().id();
      incarnation = id.substring(0, 26);
    }
    try (EventStream stream = EventStream.open(live, run, incarnation + "-0-0")) {
      for (int i = 0; i < 300; i++) {
        EventStream.Event event = stream.next();
        assertThat(event.data().get("step").asInt()).isEqualTo(i);
        ids.add(event.id());
      }
    }
    live.reopen();
    try (EventStream stream = EventStream.open(live, run, ids.get(99))) {
      for (int i = 100; i < 300; i++) {
        assertThat(stream.next().id()).isEqualTo(ids.get(i));
      }
      score(run, 301, "1");
      assertThat(stream.next().data().get("step").asInt()).isEqualTo(300);
    }
    live.delete(run);
    live.put(run, "{}");
    try (EventStream stream = EventStream.open(live, run, ids.getLast())) {
      EventStream.Event deleted = stream.next();
      assertThat(deleted.name()).isEqualTo("deleted");
      assertThat(deleted.id()).isNotEmpty().doesNotStartWith(incarnation);
      score(run, 0, "1");
      score(run, 1, "1");
      assertThat(stream.next().data().get("step").asInt()).isEqualTo(0);
    }
  }

  @Test
  void aServiceThatStopsEndsItsStreams() {
    String run = live.newRun("{}");
    try (EventStream stream = EventStream.open(live, run, null)) {
      long start = System.nanoTime();
      live.reopen();
      // The web server waits for requests for 20 s.
      assertThat(System.nanoTime() - start).isLessThan(15_000_000_000L);
      assertThat(stream.next().name()).isEmpty();
    }
  }
}
