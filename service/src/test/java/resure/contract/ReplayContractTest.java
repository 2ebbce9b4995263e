package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Replays over HTTP: what is asked, how it is answered, and what becomes of them. */
class ReplayContractTest {

  private static final Duration DEADLINE = Duration.ofMinutes(2);

  /** Takes seconds over the trace: 10,000 configurations, each with a fold of its own. */
  private static final String LONG =
      "{\"grid\":{\"halfLife\":{\"from\":100,\"to\":9000,\"points\":10000}}}";

  private static final Trace TRACE = new Trace();

  private static LiveService live;
  private static String recorded;

  @BeforeAll
  static void start() {
    live = LiveService.start("resure.durability=os");
    recorded = TRACE.post(live, "{}");
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String small() {
    String run = live.newRun("{\"warmUp\":2,\"weighting\":{\"floor\":0.25}}");
    for (int step = 0; step < 3; step++) {
      live.score(
          run,
          "{\"step\":%d,\"dialogues\":[{\"id\":\"d-1\",\"source\":\"s\",\"losses\":[%s,null,2]},{\"id\":\"d-2\",\"losses\":[2,3]}]}"
              .formatted(step, step + 1));
    }
    return run;
  }

  private static String begin(String run, String request) {
    Answer started = live.post(run + "/replays", request);
    assertThat(started.status()).as(started.toString()).isEqualTo(202);
    return started.header("Location");
  }

  private static JsonNode finished(String at) {
    await().atMost(DEADLINE).until(() -> !state(at).equals("running"));
    return live.get(at).json();
  }

  private static String state(String at) {
    return live.get(at + "?limit=1").json().get("state").asString();
  }

  private static JsonNode results(String run, String request) {
    JsonNode replay = finished(begin(run, request));
    assertThat(replay.get("state").asString()).as(replay.toString()).isEqualTo("done");
    return replay.get("results");
  }

  @Test
  void aReplayIsAcceptedAndFoundWhereItsLocationSays() {
    String run = small();
    Answer started = live.post(run + "/replays", "{\"configurations\":[{},{\"warmUp\":3}]}");

    JsonNode accepted = started.json();
    assertThat(started.status()).isEqualTo(202);
    assertThat(started.header("Location"))
        .isEqualTo(run + "/replays/" + accepted.get("replay").asString());
    assertThat(accepted.get("state").asString()).isEqualTo("running");
    assertThat(accepted.get("progress").asDouble()).isZero();
    assertThat(accepted.get("results").isEmpty()).isTrue();
    JsonNode done = finished(started.header("Location"));
    assertThat(done.get("state").asString()).isEqualTo("done");
    assertThat(done.get("progress").asDouble()).isEqualTo(1);
    assertThat(done.get("sequence").asInt()).isEqualTo(4);
    assertThat(done.get("configurations").asInt()).isEqualTo(2);
    assertThat(done.get("results").size()).isEqualTo(2);
    assertThat(done.get("results").get(0).get("observations").asInt()).isEqualTo(12);
  }

  @Test
  void aFieldThatIsAbsentIsAsInTheRecordedRun() {
    String run = small();
    JsonNode results =
        results(
            run,
            "{\"configurations\":[{},{\"weighting\":{\"function\":\"cauchy\"},\"halfLife\":40},{\"propagation\":{\"strength\":1}}]}");

    JsonNode first = results.get(0).get("configuration");
    assertThat(first.get("warmUp").asInt()).isEqualTo(2);
    assertThat(first.get("weighting").get("floor").asDouble()).isEqualTo(0.25);
    assertThat(first.has("labels")).isFalse();
    JsonNode second = results.get(1).get("configuration");
    assertThat(second.get("weighting").get("function").asString()).isEqualTo("cauchy");
    assertThat(second.get("weighting").get("floor").asDouble()).isEqualTo(0.25);
    assertThat(second.get("halfLife").asDouble()).isEqualTo(40);
    assertThat(second.get("warmUp").asInt()).isEqualTo(2);
    assertThat(results.get(2).at("/configuration/propagation/decay").asDouble()).isEqualTo(0.5);
  }

  @Test
  void aGridIsEveryValueWithEveryOtherTheLastVariesFastest() {
    JsonNode results =
        results(
            small(),
            "{\"grid\":{\"weighting.threshold\":[0.5,1.0],\"fold\":[\"raw\",\"winsorized\"],\"halfLife\":[null,40.5,7]}}");

    List<String> points = new ArrayList<>();
    for (JsonNode result : results) {
      assertThat(result.get("index").asInt()).isEqualTo(points.size());
      points.add(
          "%s %s %s"
              .formatted(
                  result.at("/configuration/weighting/threshold").asDouble(),
                  result.at("/configuration/fold").asString(),
                  result.at("/configuration/halfLife")));
    }
    List<String> expected = new ArrayList<>();
    for (String threshold : List.of("0.5", "1.0")) {
      for (String fold : List.of("raw", "winsorized")) {
        for (String halfLife : List.of("null", "40.5", "7")) {
          expected.add(threshold + " " + fold + " " + halfLife);
        }
      }
    }
    assertThat(points).isEqualTo(expected);
  }

  @Test
  void aRangeIsEvenlySpacedWithBothEnds() {
    assertThat(range("weighting.threshold", "{\"from\":-1,\"to\":2,\"points\":4}"))
        .containsExactly(-1.0, 0.0, 1.0, 2.0);
    assertThat(range("warmUp", "{\"from\":64,\"to\":8,\"points\":8,\"scale\":\"linear\"}"))
        .containsExactly(64.0, 56.0, 48.0, 40.0, 32.0, 24.0, 16.0, 8.0);
    List<Double> sharpness =
        range("weighting.sharpness", "{\"from\":0.1,\"to\":10,\"points\":3,\"scale\":\"log\"}");
    assertThat(sharpness.get(0)).isEqualTo(0.1);
    assertThat(sharpness.get(1)).isCloseTo(1, within(1e-15));
    assertThat(sharpness.get(2)).isEqualTo(10);
    assertThat(range("maxTurns", "{\"from\":1,\"to\":1000,\"points\":4,\"scale\":\"log\"}"))
        .as("10 and 100, whatever the last bit says")
        .containsExactly(1.0, 10.0, 100.0, 1000.0);
  }

  private static List<Double> range(String field, String range) {
    List<Double> values = new ArrayList<>();
    String pointer = "/configuration/" + field.replace('.', '/');
    for (JsonNode result : results(small(), "{\"grid\":{\"%s\":%s}}".formatted(field, range))) {
      values.add(result.at(pointer).asDouble());
    }
    return values;
  }

  @Test
  void onlyTheBestAreGivenUpToTheLimit() {
    String at =
        begin(
            small(),
            "{\"grid\":{\"weighting.floor\":[0.5,0.1,0.9]},\"rankBy\":[{\"measure\":\"meanWeight\"}]}");
    JsonNode all = finished(at).get("results");

    assertThat(all.findValues("index")).extracting(JsonNode::asInt).containsExactly(2, 0, 1);
    JsonNode two = live.get(at + "?limit=2").json().get("results");
    assertThat(two.size()).isEqualTo(2);
    ContractValidator.assertSame(two.get(1), all.get(1));
    for (String bad : List.of("0", "-1", "10001", "x", "")) {
      assertThat(live.get(at + "?limit=" + bad).outcome()).isEqualTo("422 invalid-parameter limit");
    }
  }

  @Test
  void withoutABadOrAGoodOneThereIsNothingToTellApart() {
    String run = small();
    JsonNode result =
        results(
                run,
                "{\"configurations\":[{}],\"labels\":{\"bad\":[{\"dialogue\":\"d-1\"},{\"dialogue\":\"d-2\"}]}}")
            .get(0);
    assertThat(result.get("auroc").isNull()).isTrue();
    assertThat(result.get("averagePrecision").isNull()).isTrue();
    assertThat(result.get("goodMeanWeight").isNull()).isTrue();
    assertThat(result.get("badMeanWeight").asDouble())
        .isCloseTo(result.get("meanWeight").asDouble(), within(1e-15));
    assertThat(results(run, "{\"configurations\":[{}]}").get(0).has("auroc")).isFalse();
  }

  @Test
  void replaysAreListedNewestFirstWithoutResultsAndRemoved() {
    String run = small();
    assertThat(live.get(run + "/replays").json().get("replays").isEmpty()).isTrue();
    List<String> ats = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ats.add(begin(run, "{\"configurations\":[{}]}"));
    }
    ats.forEach(ReplayContractTest::finished);

    JsonNode list = live.get(run + "/replays").json().get("replays");
    assertThat(list.findValues("replay"))
        .extracting(id -> run + "/replays/" + id.asString())
        .containsExactlyElementsOf(ats.reversed());
    assertThat(list.get(0).has("results")).isFalse();
    assertThat(live.delete(ats.get(1)).status()).isEqualTo(204);
    assertThat(live.delete(ats.get(1)).outcome()).isEqualTo("404 unknown-replay");
    assertThat(live.get(ats.get(1)).outcome()).isEqualTo("404 unknown-replay");
    assertThat(live.get(run + "/replays").json().get("replays").size()).isEqualTo(2);
    String other = small();
    String id = ats.getFirst().substring(ats.getFirst().lastIndexOf('/'));
    assertThat(live.get(other + "/replays" + id).outcome()).isEqualTo("404 unknown-replay");
    assertThat(live.get(run + "/replays/nonsense").outcome())
        .isEqualTo("422 invalid-parameter replay");
  }

  @Test
  void scoringGoesOnWhileAReplayRunsWhichIsThenCancelledAndStaysListed() {
    String at = begin(recorded, LONG);
    await().atMost(DEADLINE).until(() -> live.get(at).json().get("progress").asDouble() > 0);
    String run = live.newRun("{}");
    TRACE.bodies.subList(0, 50).forEach(body -> live.score(run, body));
    assertThat(state(at)).isEqualTo("running");

    assertThat(live.delete(at).status()).isEqualTo(204);

    JsonNode cancelled = live.get(at).json();
    assertThat(cancelled.get("state").asString()).isEqualTo("cancelled");
    assertThat(cancelled.get("finishedAt").isNull()).isFalse();
    assertThat(cancelled.get("results").isEmpty()).isTrue();
    await().atMost(DEADLINE).until(() -> live.scrape().contains("resure_replays_unfinished 0.0"));
    results(run, "{\"configurations\":[{}]}");
    assertThat(live.delete(at).status()).isEqualTo(204);
    assertThat(live.get(at).status()).isEqualTo(404);
  }

  @Test
  void aRewindEndsTheReplayOfWhatItRemovesAndDeletingTheRunEndsAll() {
    String run = TRACE.post(live, "{}");
    String rewound = begin(run, LONG);
    await().atMost(DEADLINE).until(() -> live.get(rewound).json().get("progress").asDouble() > 0);
    live.post(run + "/rewind", "{\"nextStep\":100}");

    JsonNode failed = finished(rewound);
    assertThat(failed.get("state").asString()).isEqualTo("failed");
    assertThat(failed.get("detail").asString()).contains("rewound");
    String deleted = begin(run, LONG);
    await().atMost(DEADLINE).until(() -> live.get(deleted).json().get("progress").asDouble() > 0);
    live.delete(run);
    assertThat(live.get(deleted).outcome()).isEqualTo("404 unknown-run");
    await().atMost(DEADLINE).until(() -> live.scrape().contains("resure_replays_unfinished 0.0"));
    live.put(run, "");
    assertThat(live.get(deleted).outcome()).isEqualTo("404 unknown-replay");
  }

  @Test
  void aRestartTakesAReplayUpAgainAndKeepsTheResultsOfThoseBefore() {
    String ended =
        begin(recorded, "{\"grid\":{\"warmUp\":{\"from\":2,\"to\":500,\"points\":499}}}");
    JsonNode before = finished(ended);
    String running =
        begin(recorded, "{\"grid\":{\"halfLife\":{\"from\":100,\"to\":9000,\"points\":200}}}");
    await().atMost(DEADLINE).until(() -> !live.get(running).json().path("state").isMissingNode());
    live.reopen();

    ContractValidator.assertSame(live.get(ended).json(), before);
    JsonNode done = finished(running);
    assertThat(done.get("state").asString()).as(done.toString()).isEqualTo("done");
    assertThat(done.get("results").size()).isEqualTo(200);
  }

  @Test
  void aRequestThatIsNotValidIsRefusedWithAPointer() {
    String run = small();
    String[][] refused = {
      {"{", "400 malformed-body"},
      {"", "415 unsupported-media-type"},
      {"[]", "422 invalid-field "},
      {"{}", "422 invalid-field "},
      {"{\"configurations\":[{}],\"grid\":{\"lag\":[0]}}", "422 invalid-field "},
      {"{\"configurations\":[{}],\"limit\":1}", "422 invalid-field /limit"},
      {"{\"configurations\":[]}", "422 invalid-field /configurations"},
      {"{\"configurations\":{}}", "422 invalid-field /configurations"},
      {"{\"configurations\":[{},3]}", "422 invalid-field /configurations/1"},
      {"{\"configurations\":[{\"warmUp\":1}]}", "422 invalid-field /configurations/0/warmUp"},
      {
        "{\"configurations\":[{},{\"weighting\":{\"floor\":2}}]}",
        "422 invalid-field /configurations/1/weighting/floor"
      },
      {"{\"configurations\":[{\"halflife\":2}]}", "422 invalid-field /configurations/0/halflife"},
      {"{\"configurations\":[{\"labels\":{}}]}", "422 invalid-field /configurations/0/labels"},
      {
        "{\"configurations\":[{\"startFrom\":{}}]}", "422 invalid-field /configurations/0/startFrom"
      },
      {"{\"configurations\":[{\"lag\":0,\"lag\":1}]}", "422 invalid-field /configurations/0/lag"},
      {"{\"grid\":{}}", "422 invalid-field /grid"},
      {"{\"grid\":[]}", "422 invalid-field /grid"},
      {"{\"grid\":{\"weighting.foo\":[1]}}", "422 invalid-field /grid/weighting.foo/0"},
      {"{\"grid\":{\"weighting/floor\":[1]}}", "422 invalid-field /grid/weighting~1floor/0"},
      {"{\"grid\":{\"weighting\":[1]}}", "422 invalid-field /grid/weighting/0"},
      {"{\"grid\":{\"labels\":[{}]}}", "422 invalid-field /grid/labels/0"},
      {"{\"grid\":{\"\":[1]}}", "422 invalid-field /grid//0"},
      {"{\"grid\":{\"lag\":[]}}", "422 invalid-field /grid/lag"},
      {"{\"grid\":{\"lag\":3}}", "422 invalid-field /grid/lag"},
      {"{\"grid\":{\"lag\":[0,17]}}", "422 invalid-field /grid/lag/1"},
      {"{\"grid\":{\"lag\":[0.5]}}", "422 invalid-field /grid/lag/0"},
      {"{\"grid\":{\"fold\":[\"raw\",\"cooked\"]}}", "422 invalid-field /grid/fold/1"},
      {"{\"grid\":{\"lag\":{\"from\":0,\"to\":1}}}", "422 invalid-field /grid/lag/points"},
      {
        "{\"grid\":{\"lag\":{\"from\":0,\"to\":1,\"points\":1}}}",
        "422 invalid-field /grid/lag/points"
      },
      {"{\"grid\":{\"lag\":{\"from\":0,\"to\":1,\"points\":3}}}", "422 invalid-field /grid/lag"},
      {
        "{\"grid\":{\"lag\":{\"from\":\"0\",\"to\":1,\"points\":2}}}",
        "422 invalid-field /grid/lag/from"
      },
      {
        "{\"grid\":{\"lag\":{\"from\":0,\"to\":1,\"points\":2,\"step\":1}}}",
        "422 invalid-field /grid/lag/step"
      },
      {
        "{\"grid\":{\"halfLife\":{\"from\":0,\"to\":1,\"points\":2,\"scale\":\"log\"}}}",
        "422 invalid-field /grid/halfLife/from"
      },
      {
        "{\"grid\":{\"halfLife\":{\"from\":1,\"to\":2,\"points\":2,\"scale\":\"ln\"}}}",
        "422 invalid-field /grid/halfLife/scale"
      },
      {
        "{\"grid\":{\"halfLife\":{\"from\":-1,\"to\":2,\"points\":2}}}",
        "422 invalid-field /grid/halfLife"
      },
      {"{\"configurations\":[{}],\"labels\":{}}", "422 invalid-field /labels/bad"},
      {"{\"configurations\":[{}],\"labels\":null}", "422 invalid-field /labels"},
      {"{\"configurations\":[{}],\"labels\":{\"bad\":[]}}", "422 invalid-field /labels/bad"},
      {"{\"configurations\":[{}],\"labels\":{\"good\":[]}}", "422 invalid-field /labels/good"},
      {
        "{\"configurations\":[{}],\"labels\":{\"bad\":[{}]}}",
        "422 invalid-field /labels/bad/0/dialogue"
      },
      {
        "{\"configurations\":[{}],\"labels\":{\"bad\":[{\"dialogue\":\"d-1\"},{\"dialogue\":\"d-1\",\"turn\":-1}]}}",
        "422 invalid-field /labels/bad/1/turn"
      },
      {
        "{\"configurations\":[{}],\"rankBy\":[{\"measure\":\"auroc\"}]}",
        "422 invalid-field /rankBy/0/measure"
      },
      {
        "{\"configurations\":[{}],\"rankBy\":[{\"measure\":\"speed\"}]}",
        "422 invalid-field /rankBy/0/measure"
      },
      {"{\"configurations\":[{}],\"rankBy\":[]}", "422 invalid-field /rankBy"},
      {
        "{\"configurations\":[{}],\"rankBy\":[{\"measure\":\"meanWeight\",\"atLeast\":\"x\"}]}",
        "422 invalid-field /rankBy/0/atLeast"
      },
      {
        "{\"configurations\":[{}],\"rankBy\":[{\"measure\":\"meanWeight\",\"atLeast\":2,\"atMost\":1}]}",
        "422 invalid-field /rankBy/0/atLeast"
      },
    };
    for (String[] request : refused) {
      assertThat(live.post(run + "/replays", request[0]).outcome())
          .as(request[0])
          .isEqualTo(request[1]);
    }
    assertThat(live.get(run + "/replays").json().get("replays").isEmpty()).isTrue();
  }

  @Test
  void aGridThatIsTooLargeIsRefusedWithItsSize() {
    Answer answer =
        live.post(
            small() + "/replays",
            "{\"grid\":{\"halfLife\":{\"from\":1,\"to\":2,\"points\":10000},\"warmUp\":[2,3],\"lag\":[0,1]}}");
    assertThat(answer.outcome()).isEqualTo("422 invalid-field /grid");
    assertThat(answer.json().get("detail").asString()).contains("40000");
    String many = IntStream.range(0, 10_001).mapToObj(i -> "{}").collect(Collectors.joining(","));
    Answer list = live.post(small() + "/replays", "{\"configurations\":[" + many + "]}");
    assertThat(list.outcome()).isEqualTo("422 invalid-field /configurations");
    assertThat(list.json().get("detail").asString()).contains("10001");
  }

  @Test
  void resultsOfTooManyTurnsAreRefused() {
    String run = live.newRun("{\"maxTurns\":1024}");
    String losses = "1,".repeat(1023) + "1";
    live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + losses + "]}]}");

    Answer answer =
        live.post(
            run + "/replays", "{\"grid\":{\"halfLife\":{\"from\":1,\"to\":2,\"points\":1000}}}");

    assertThat(answer.outcome()).isEqualTo("422 invalid-field /grid");
    assertThat(answer.json().get("detail").asString()).contains("1026000", "1000000");
    begin(run, "{\"grid\":{\"halfLife\":{\"from\":1,\"to\":2,\"points\":100}}}");
  }

  @Test
  void unknownRunsRunsWithoutObservationsAndUnknownLabelsAreSaidSo() {
    assertThat(live.post("/v1/runs/nobody/replays", "{\"configurations\":[{}]}").outcome())
        .isEqualTo("404 unknown-run");
    assertThat(live.post("/v1/runs/nobody/replays", "{").outcome()).isEqualTo("400 malformed-body");
    assertThat(live.get("/v1/runs/nobody/replays").outcome()).isEqualTo("404 unknown-run");
    assertThat(live.post(live.newRun("{}") + "/replays", "{\"configurations\":[{}]}").outcome())
        .isEqualTo("422 no-observations");
    Answer answer =
        live.post(
            small() + "/replays",
            "{\"configurations\":[{}],\"labels\":{\"bad\":[{\"dialogue\":\"d-1\"},{\"dialogue\":\"d-1\",\"turn\":1},{\"dialogue\":\"ü\"}]}}");
    assertThat(answer.outcome()).isEqualTo("422 unknown-labels /labels/bad/1");
    ContractValidator.assertSame(
        answer.json().get("unknown"),
        ContractValidator.parse(
            "[{\"dialogue\":\"d-1\",\"turn\":1},{\"dialogue\":\"ü\"}]"
                .getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    assertThat(answer.json().get("unknownCount").asInt()).isEqualTo(2);
  }
}
