package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The life of a run over HTTP: created, listed, read, deleted. */
class RunsContractTest {

  private static final String DEFAULTS =
      """
      {"weighting": {"function": "clip", "threshold": 0.0, "sharpness": 2.0, "floor": 0.05},
       "warmUp": 32, "maxTurns": 64, "maxLoss": 100.0, "halfLife": null, "lag": 0, "fold": "winsorized",
       "propagation": {"strength": 0.0, "decay": 0.5}, "normalization": "none", "shadow": false, "labels": {},
       "startFrom": null, "retention": {"observations": "all"}}
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

  private static JsonNode parse(String json) {
    return ContractValidator.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{}", " { } "})
  void aRunIsCreatedWithDefaultsByAnEmptyBody(String body) {
    String name = live.newName();
    Instant before = Instant.now();
    Answer created = live.put("/v1/runs/" + name, body);
    assertThat(created.status()).isEqualTo(201);
    JsonNode run = created.json();
    assertThat(Instant.parse(run.get("createdAt").asString()))
        .isBetween(before.minusMillis(1), Instant.now());
    ContractValidator.assertSame(
        run,
        parse(
            """
            {"run": "%s", "state": "active", "attempt": null, "step": null, "sequence": 1, "lateBatches": 0,
             "createdAt": "%s", "lastBatchAt": null, "finishedAt": null, "wholeFrom": null,
             "configuration": %s}
            """
                .formatted(name, run.get("createdAt").asString(), DEFAULTS)));
    assertThat(live.get("/v1/runs/" + name).text()).isEqualTo(created.text());
  }

  @ParameterizedTest
  @CsvSource({"clip, 0.0", "exponential, 1.0", "cauchy, 1.0", "hard, 1.0", "uniform, 1.0"})
  void theThresholdOfANewRunIsThatOfItsFunctionUnlessItSaysAnother(
      String function, double threshold) {
    String ofFunction = live.newRun("{\"weighting\":{\"function\":\"" + function + "\"}}");
    assertThat(threshold(ofFunction)).isEqualTo(threshold);
    String own =
        live.newRun("{\"weighting\":{\"threshold\":0.25,\"function\":\"" + function + "\"}}");
    assertThat(threshold(own)).isEqualTo(0.25);
  }

  private static double threshold(String run) {
    return live.get(run).json().at("/configuration/weighting/threshold").asDouble();
  }

  @Test
  void creatingAgainComparesOnlyTheFieldsThatAreSent() {
    String run =
        live.newRun(
            """
            {"weighting": {"threshold": 0.5}, "halfLife": 4000, "labels": {"a": "1", "b": "2"}}
            """);
    Answer before = live.get(run);
    for (String agreeing :
        List.of(
            "",
            "{}",
            "{\"weighting\":{}}",
            "{\"weighting\":{\"threshold\":5e-1}}",
            "{\"weighting\":{\"function\":\"clip\",\"floor\":0.05}}",
            "{\"halfLife\":4000.0,\"warmUp\":32}",
            "{\"labels\":{\"a\":\"1\"}}",
            "{\"labels\":{}}",
            "{\"propagation\":{\"decay\":0.5},\"shadow\":false}")) {
      Answer again = live.put(run, agreeing);
      assertThat(again.status()).as(agreeing).isEqualTo(200);
      assertThat(again.text()).isEqualTo(before.text());
    }
    String[][] disagreeing = {
      {"{\"weighting\":{\"threshold\":1.0}}", "/weighting/threshold"},
      {"{\"weighting\":{\"threshold\":0.5,\"function\":\"hard\"}}", "/weighting/function"},
      {"{\"halfLife\":null}", "/halfLife"},
      {"{\"halfLife\":4001}", "/halfLife"},
      {"{\"labels\":{\"a\":\"2\"}}", "/labels/a"},
      {"{\"labels\":{\"a\":\"1\",\"c\":\"1\"}}", "/labels/c"},
      {"{\"warmUp\":33}", "/warmUp"},
      {"{\"maxTurns\":63}", "/maxTurns"},
      {"{\"maxLoss\":99}", "/maxLoss"},
      {"{\"lag\":1}", "/lag"},
      {"{\"fold\":\"raw\"}", "/fold"},
      {"{\"propagation\":{\"strength\":1}}", "/propagation/strength"},
      {"{\"normalization\":\"runMean\"}", "/normalization"},
      {"{\"shadow\":true}", "/shadow"},
    };
    for (String[] body : disagreeing) {
      assertThat(live.put(run, body[0]).outcome()).isEqualTo("409 run-conflict " + body[1]);
    }
    assertThat(live.get(run).text()).isEqualTo(before.text());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"weighting\":{\"function\":\"exponential\",\"threshold\":-1e300,\"sharpness\":1e-300,\"floor\":1.0}}",
        "{\"weighting\":{\"function\":\"gaussian\",\"threshold\":0.0,\"sharpness\":2.0,\"floor\":1.0E-9}}",
        "{\"weighting\":{\"function\":\"cauchy\"}}",
        "{\"weighting\":{\"function\":\"sigmoid\"}}",
        "{\"weighting\":{\"function\":\"clip\"}}",
        "{\"weighting\":{\"function\":\"hard\"}}",
        "{\"weighting\":{\"function\":\"uniform\"}}",
        "{\"warmUp\":2,\"maxTurns\":1,\"lag\":16,\"maxLoss\":0.001,\"halfLife\":0.5}",
        "{\"maxTurns\":1024,\"fold\":\"raw\",\"normalization\":\"runMean\",\"shadow\":true}",
        "{\"propagation\":{\"strength\":3.5,\"decay\":1.0},\"normalization\":\"batchMean\"}",
        "{\"propagation\":{\"strength\":0.0,\"decay\":0.0},\"halfLife\":null}",
        "{\"labels\":{\"0a._-\":\"\",\"experiment\":\"\u00e4\\\"\\\\\\n\uD83D\uDE00\"}}",
      })
  void everyFieldIsKeptAsSent(String body) {
    String run = live.newRun(body);
    JsonNode kept = live.get(run).json().get("configuration");
    parse(body)
        .properties()
        .forEach(
            field -> {
              JsonNode value = kept.get(field.getKey());
              if (field.getValue().isObject()) {
                field
                    .getValue()
                    .properties()
                    .forEach(
                        part ->
                            ContractValidator.assertSame(
                                value.get(part.getKey()), part.getValue()));
              } else {
                ContractValidator.assertSame(value, field.getValue());
              }
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'halflife':1}                         | /halflife",
        "{'weighting':{'treshold':1}}           | /weighting/treshold",
        "{'propagation':{'x':1}}                | /propagation/x",
        "{'warmUp':2,'warmUp':2}                | /warmUp",
        "{'weighting':{'floor':1,'floor':1}}    | /weighting/floor",
        "{'labels':{'a':'','a':''}}             | /labels/a",
        "{'weighting':{'function':'none'}}      | /weighting/function",
        "{'weighting':{'function':'Hard'}}      | /weighting/function",
        "{'weighting':{'function':1}}           | /weighting/function",
        "{'weighting':{'threshold':1e999}}      | /weighting/threshold",
        "{'weighting':{'threshold':'1'}}        | /weighting/threshold",
        "{'weighting':{'threshold':null}}       | /weighting/threshold",
        "{'weighting':{'sharpness':0}}          | /weighting/sharpness",
        "{'weighting':{'sharpness':1e999}}      | /weighting/sharpness",
        "{'weighting':{'floor':0}}              | /weighting/floor",
        "{'weighting':{'floor':1.0000001}}      | /weighting/floor",
        "{'weighting':[]}                       | /weighting",
        "{'weighting':null}                     | /weighting",
        "{'warmUp':1}                           | /warmUp",
        "{'warmUp':2.5}                         | /warmUp",
        "{'warmUp':1e10}                        | /warmUp",
        "{'maxTurns':0}                         | /maxTurns",
        "{'maxTurns':1025}                      | /maxTurns",
        "{'maxLoss':0}                          | /maxLoss",
        "{'maxLoss':-1}                         | /maxLoss",
        "{'maxLoss':1.01e100}                   | /maxLoss",
        "{'maxLoss':1e999}                      | /maxLoss",
        "{'halfLife':0}                         | /halfLife",
        "{'halfLife':'1'}                       | /halfLife",
        "{'halfLife':1e999}                     | /halfLife",
        "{'lag':-1}                             | /lag",
        "{'lag':17}                             | /lag",
        "{'fold':'mean'}                        | /fold",
        "{'propagation':{'strength':-0.1}}      | /propagation/strength",
        "{'propagation':{'strength':1e999}}     | /propagation/strength",
        "{'propagation':{'decay':1.1}}          | /propagation/decay",
        "{'normalization':null}                 | /normalization",
        "{'shadow':1}                           | /shadow",
        "{'labels':[]}                          | /labels",
        "{'labels':{'a':1}}                     | /labels/a",
        "{'labels':{'-a':''}}                   | /labels/-a",
        "{'labels':{'':''}}                     | /labels/",
        "{'labels':{'a/b':''}}                  | /labels/a~1b",
        "{'labels':{'a':'\\ud800'}}             | /labels/a",
      })
  void aFieldOutOfItsRangeIsPointedAt(String body, String pointer) {
    String path = "/v1/runs/" + live.newName();
    assertThat(live.put(path, body.strip().replace('\'', '"')).outcome())
        .isEqualTo("422 invalid-field " + pointer);
    assertThat(live.get(path).status()).isEqualTo(404);
  }

  @Test
  void labelsAreBounded() {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      labels.add("\"l" + i + "\":\"" + "\uD83D\uDE00".repeat(256) + "\"");
    }
    String fits = String.join(",", labels);
    live.newRun("{\"labels\":{" + fits + "}}");
    live.newRun("{\"labels\":{\"" + "n".repeat(63) + "\":\"\"}}");
    String path = "/v1/runs/" + live.newName();
    assertThat(live.put(path, "{\"labels\":{" + fits + ",\"more\":\"\"}}").outcome())
        .startsWith("422 invalid-field /labels");
    assertThat(live.put(path, "{\"labels\":{\"" + "n".repeat(64) + "\":\"\"}}").outcome())
        .startsWith("422 invalid-field /labels/n");
    assertThat(live.put(path, "{\"labels\":{\"n\":\"" + "v".repeat(257) + "\"}}").outcome())
        .isEqualTo("422 invalid-field /labels/n");
  }

  @Test
  void runsAreNamedByTheirPattern() {
    for (String name : List.of("a", "0", "Z.b_c~d-e", "n" + "x".repeat(127))) {
      assertThat(live.put("/v1/runs/" + name, "").status()).as(name).isEqualTo(201);
      assertThat(live.get("/v1/runs/" + name).json().get("run").asString()).isEqualTo(name);
    }
    for (String name :
        List.of(
            "n" + "x".repeat(128),
            "-a",
            ".a",
            "_",
            "~a",
            "a%20b",
            "a%2Fb",
            "%C3%BC",
            "a:b",
            "a%00",
            "a%0A",
            "a+b")) {
      String path = "/v1/runs/" + name;
      for (Answer answer :
          List.of(
              live.put(path, ""),
              live.get(path),
              live.delete(path),
              live.post(path + "/observations", "{\"dialogues\":[]}"),
              live.get(path + "/observations"),
              live.get(path + "/statistics"),
              live.post(path + "/rewind", "{\"nextStep\":0}"),
              live.post(path + "/finish", ""))) {
        assertThat(answer.outcome()).as(name).isEqualTo("422 invalid-parameter run");
      }
    }
  }

  @Test
  void aRunThatIsNotThereIs404() {
    String path = "/v1/runs/" + live.newName();
    for (Answer answer :
        List.of(
            live.get(path),
            live.delete(path),
            live.post(path + "/observations", "{\"dialogues\":[]}"),
            live.get(path + "/observations"),
            live.get(path + "/statistics"),
            live.post(path + "/rewind", "{\"nextStep\":0}"),
            live.post(path + "/finish", ""))) {
      assertThat(answer.outcome()).isEqualTo("404 unknown-run");
    }
  }

  /** Names on all pages, in the order of the pages, each page being checked for its size. */
  private static List<String> list(String query, int limit) {
    List<String> names = new ArrayList<>();
    String cursor = "";
    for (int pages = 0; pages < 1000; pages++) {
      JsonNode page = live.get("/v1/runs?limit=" + limit + query + cursor).json();
      assertThat(page.get("runs").size()).isLessThanOrEqualTo(limit);
      page.get("runs").forEach(run -> names.add(run.get("run").asString()));
      if (page.get("next").isNull()) {
        return names;
      }
      cursor = "&cursor=" + URLEncoder.encode(page.get("next").asString(), StandardCharsets.UTF_8);
    }
    throw new AssertionError("the list does not end: " + names);
  }

  @Test
  void runsAreListedByNamePageByPage() {
    List<String> expected =
        List.of("List-9", "List.1", "List.10", "List.2", "ListA", "List_", "Lista", "List~");
    for (String name :
        List.of("ListA", "Lista", "List~", "List-9", "List.2", "List.10", "List.1", "List_")) {
      live.put("/v1/runs/" + name, "{\"labels\":{\"list\":\"pages\"}}");
    }
    for (int limit : List.of(1, 3, 8, 1000)) {
      assertThat(list("&label=list:pages", limit)).isEqualTo(expected);
    }
    assertThat(list("", 7)).isSorted().doesNotHaveDuplicates().containsAll(expected);
    JsonNode listed = live.get("/v1/runs?label=list:pages").json().get("runs").get(0);
    assertThat(listed).isEqualTo(live.get("/v1/runs/List-9").json());
  }

  @Test
  void filtersAllHaveToMatch() {
    String a = live.newRun("{\"labels\":{\"f\":\"x:y\",\"g\":\"1\"}}").substring(9);
    String b = live.newRun("{\"labels\":{\"f\":\"x:y\",\"g\":\"2\"}}").substring(9);
    live.post("/v1/runs/" + b + "/finish", "");
    assertThat(list("&label=f:x:y", 100)).containsExactlyInAnyOrder(a, b);
    assertThat(list("&label=f:x:y&label=g:2", 100)).containsExactly(b);
    assertThat(list("&label=f:x:y&label=g:3", 100)).isEmpty();
    assertThat(list("&label=f:x", 100)).isEmpty();
    assertThat(list("&label=f:x:y&state=finished", 100)).containsExactly(b);
    assertThat(list("&label=f:x:y&state=active", 100)).containsExactly(a);
    assertThat(list("&label=f:x:y&since=2999-01-01T00:00:00Z", 100)).isEmpty();
    assertThat(list("&label=f:x:y&since=2020-01-01T00:00:00%2B02:00", 100)).hasSize(2);
  }

  @Test
  void sinceAsksForTheLastBatchOrElseTheCreation() {
    String a = live.newRun("{\"labels\":{\"since\":\"\"}}");
    String b = live.newRun("{\"labels\":{\"since\":\"\"}}");
    Instant created = Instant.parse(live.get(b).json().get("createdAt").asString());
    while (!Instant.now().isAfter(created.plusMillis(2))) {
      Thread.onSpinWait();
    }
    live.score(a, "{\"dialogues\":[]}");
    String lastBatchAt = live.get(a).json().get("lastBatchAt").asString();
    assertThat(list("&label=since:&since=" + created, 100))
        .contains(b.substring(9), a.substring(9));
    assertThat(list("&label=since:&since=" + created.plusNanos(1_000_000), 100))
        .containsExactly(a.substring(9));
    assertThat(list("&label=since:&since=" + lastBatchAt, 100)).containsExactly(a.substring(9));
    assertThat(list("&label=since:&since=" + Instant.parse(lastBatchAt).plusMillis(1), 100))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "limit=0, limit",
    "limit=1001, limit",
    "limit=ten, limit",
    "limit=, limit",
    "limit=1.5, limit",
    "limit=99999999999999999999, limit",
    "limit=1&limit=2, limit",
    "state=dead, state",
    "state=, state",
    "since=yesterday, since",
    "since=2026-01-31, since",
    "since=2026-13-01T00:00:00Z, since",
    "label=, label",
    "label=experiment, label",
    "label=:x, label",
    "cursor=nonsense!, cursor",
    "cursor=, cursor",
    "lable=a:b, lable",
  })
  void aBadQueryParameterIsNamed(String query, String parameter) {
    assertThat(live.get("/v1/runs?" + query).outcome())
        .isEqualTo("422 invalid-parameter " + parameter);
  }

  @Test
  void deletingFreesTheNameAndTheNewRunSharesNothingWithTheOld() {
    String run = live.newRun("{\"warmUp\":2}");
    String body = "{\"step\":1,\"attempt\":\"a\",\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}";
    live.score(run, body, "Idempotency-Key", "k");
    String etag = live.get(run + "/statistics").header("ETag");
    assertThat(live.delete(run).status()).isEqualTo(204);
    assertThat(live.get(run).outcome()).isEqualTo("404 unknown-run");
    assertThat(live.delete(run).outcome()).isEqualTo("404 unknown-run");
    assertThat(live.post(run + "/observations", body, "Idempotency-Key", "k").outcome())
        .isEqualTo("404 unknown-run");
    assertThat(list("", 1000)).doesNotContain(run.substring(9));

    JsonNode created = live.put(run, "{\"warmUp\":3}").json();
    assertThat(created.get("sequence").asInt()).isEqualTo(1);
    assertThat(created.get("attempt").isNull()).isTrue();
    assertThat(live.get(run + "/statistics").json().get("observations").asInt()).isEqualTo(0);
    assertThat(live.get(run + "/observations").text()).isEmpty();
    Answer other =
        live.score(
            run, body.replace("\"a\"", "\"b\"").replace("[1]", "[2]"), "Idempotency-Key", "k");
    assertThat(other.headers().firstValue("Idempotency-Replayed")).isEmpty();
    assertThat(other.json().get("sequence").asInt()).isEqualTo(2);
    Answer statistics = live.get(run + "/statistics", "If-None-Match", etag);
    assertThat(statistics.status()).isEqualTo(200);
    assertThat(statistics.header("ETag")).isNotEqualTo(etag);

    live.reopen();
    assertThat(live.get(run + "/statistics").text()).isEqualTo(statistics.text());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1",
        "/v1/",
        "/v1/runs/",
        "/v1/runs/a/",
        "/v1/runs/a/observations/",
        "/v1/runs/a/b",
        "/v2/runs",
        "/actuator",
        "/actuator/health",
        "/openapi.yaml/",
        "/openapi.json",
        "/favicon.ico",
        "/V1/runs",
        "/v1//runs"
      })
  void anUnknownPathIs404(String path) {
    assertThat(live.get(path).outcome()).isEqualTo("404 not-found");
    assertThat(live.post(path, "{}").outcome()).isEqualTo("404 not-found");
  }

  @Test
  void aMethodThatAPathDoesNotTakeIs405() {
    String run = live.newRun("{}");
    for (Answer answer :
        List.of(
            live.delete("/v1/runs"),
            live.post("/v1/runs", "{}"),
            live.post(run, "{}"),
            live.put(run + "/observations", "{}"),
            live.delete(run + "/statistics"),
            live.get(run + "/rewind"),
            live.get(run + "/finish"),
            live.put("/openapi.yaml", "{}"),
            live.send(live.request("PATCH", run), new byte[0], "PATCH"))) {
      assertThat(answer.outcome()).isEqualTo("405 method-not-allowed");
    }
  }

  @Test
  void theContractIsServedAsItIs() throws IOException {
    try (InputStream in =
        RunsContractTest.class.getResourceAsStream("/resure/openapi/resure.yaml")) {
      assertThat(live.get("/openapi.yaml").body()).isEqualTo(in.readAllBytes());
    }
  }
}
