package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import resure.contract.RecordedRelease.Exchange;

/**
 * What is sent to a release that is to be recorded: every operation, with every kind of field, in
 * JSON and once more in CBOR, and what must be refused. It leaves runs of every kind.
 */
final class ReleaseSession {

  private static final String JSON = "application/json";
  private static final List<String> FUNCTIONS =
      List.of("exponential", "gaussian", "cauchy", "sigmoid", "clip", "hard", "uniform");

  private final List<Exchange> requests = new ArrayList<>();
  private final String type;
  private final String name;

  private ReleaseSession(String type) {
    this.type = type;
    name = type.equals(JSON) ? "json" : "cbor";
  }

  /** All of it, in order; answers are not known yet. */
  static List<Exchange> requests() {
    List<Exchange> all = new ArrayList<>();
    for (String type : List.of(JSON, LiveService.CBOR)) {
      ReleaseSession session = new ReleaseSession(type);
      session.train();
      session.configurations();
      session.look();
      session.refused();
      all.addAll(session.requests);
    }
    ReleaseSession session = new ReleaseSession(JSON);
    session.tables();
    all.addAll(session.requests);
    return all;
  }

  /** Reads that say all there is of the runs that are left; of replays by the run that has them. */
  static List<Exchange> questions(Map<String, String> replays) {
    ReleaseSession session = new ReleaseSession(JSON);
    session.get("/v1/runs");
    for (String run : runs()) {
      session.get(run);
      session.get(run + "/statistics");
      session.get(run + "/evaluations");
      session.get(run + "/history?points=10");
      session.get(run + "/dialogues?limit=10");
      session.get(run + "/observations");
      session.get(run + "/replays");
    }
    replays.forEach(
        (run, replay) -> {
          if (runs().contains(run)) {
            session.get(run + "/replays/" + replay);
          }
        });
    session.get("/v1/evaluations");
    return session.requests;
  }

  private static List<String> runs() {
    List<String> runs = new ArrayList<>();
    for (String name : List.of("json", "cbor")) {
      runs.add("/v1/runs/" + name);
      FUNCTIONS.forEach(function -> runs.add("/v1/runs/" + name + "-" + function));
      runs.add("/v1/runs/" + name + "-started");
      runs.add("/v1/runs/" + name + "-stepless");
      runs.add("/v1/runs/" + name + "-shadow");
      runs.add("/v1/runs/" + name + "-finished");
    }
    runs.add("/v1/runs/retained");
    return runs;
  }

  private void get(String path, String... headers) {
    send("GET", path, "", headers);
  }

  private void send(String method, String path, String json, String... headers) {
    Map<String, String> all = new TreeMap<>();
    byte[] body = json.getBytes(UTF_8);
    if (body.length > 0) {
      all.put("Content-Type", type);
      body = type.equals(JSON) ? body : ContractValidator.cbor(json);
    }
    if (!type.equals(JSON)) {
      all.put("Accept", type);
    }
    for (int i = 0; i < headers.length; i += 2) {
      all.put(headers[i], headers[i + 1]);
    }
    requests.add(new Exchange(method, path, all, body, 0, "", new byte[0]));
  }

  private void put(String run, String configuration) {
    send("PUT", run, configuration);
  }

  private void score(String run, String body, String... headers) {
    send("POST", run + "/observations", body, headers);
  }

  private void train() {
    String run = "/v1/runs/" + name;
    put(
        run,
        """
        {"weighting": {"function": "exponential", "threshold": 0.5, "sharpness": 2.0, "floor": 0.05}, "warmUp": 4,
         "maxTurns": 3, "maxLoss": 50.0, "halfLife": 200, "lag": 1, "fold": "winsorized",
         "propagation": {"strength": 0.5, "decay": 0.5}, "normalization": "runMean", "shadow": false,
         "retention": {"observations": "all"}, "labels": {"experiment": "recorded", "seed": "1"}}
        """);
    put(run, "{\"warmUp\": 4}");
    put(run, "{\"warmUp\": 5}");
    for (int step = 0; step < 12; step++) {
      for (int rank = 0; rank < 2; rank++) {
        score(run, batch(step, rank), "Idempotency-Key", "%s/%d/%d".formatted(name, step, rank));
      }
    }
    score(run, batch(11, 1), "Idempotency-Key", name + "/11/1");
    score(run, batch(11, 0), "Idempotency-Key", name + "/11/1");
    score(
        run,
        """
        {"step": 12, "rank": 0, "microBatch": 1, "attempt": "job-1", "dialogues": [
          {"id": "d-\u00fc", "source": "\u4f8b", "firstTurn": 1, "losses": [2.5, NaN, null, Infinity], "tokens": [7, 0, 3, 1],
           "weights": [1.0, 0.5, null, 0]}]}
        """);
    send(
        "POST",
        run + "/observations?include=statistics",
        "{\"step\": 13, \"attempt\": \"job-1\", \"dialogues\": [{\"id\": \"d-1\", \"losses\": [2.0,"
            + " 2.5]}, {\"id\": \"d-2\", \"losses\": []}]}");
    score(
        run, "{\"step\": 4, \"rank\": 7, \"dialogues\": [{\"id\": \"late\", \"losses\": [9.0]}]}");
    send(
        "POST", run + "/evaluations", "{\"step\": 6, \"benchmark\": \"mt-bench\", \"score\": 6.1}");
    send(
        "POST",
        run + "/evaluations",
        "{\"step\": 12, \"benchmark\": \"mt-bench\", \"score\": 6.4}");
    send("POST", run + "/rewind", "{\"nextStep\": 10, \"attempt\": \"job-2\"}");
    score(run, "{\"step\": 10, \"attempt\": \"job-1\", \"dialogues\": []}");
    score(
        run,
        "{\"step\": 10, \"attempt\": \"job-2\", \"dialogues\": [{\"id\": \"again\", \"losses\":"
            + " [2.25, 3.0, 1.5]}]}",
        "Idempotency-Key",
        name + "/10/0");
    send(
        "POST",
        run + "/replays",
        """
        {"configurations": [{}, {"weighting": {"function": "cauchy", "threshold": 0.5}}, {"halfLife": null}],
         "labels": {"bad": [{"dialogue": "d-3"}, {"dialogue": "d-1", "turn": 1}]},
         "rankBy": [{"measure": "effectiveSampleRatio", "atLeast": 0.1}, {"measure": "auroc"}]}
        """);
    get(run + "/replays/{replay}");
    get(run + "/replays/{replay}?limit=1");
    get(run + "/replays");
  }

  /** Four dialogues of up to four turns; losses that are a float and ones that are none. */
  private static String batch(int step, int rank) {
    StringBuilder body =
        new StringBuilder(
            "{\"step\": %d, \"rank\": %d, \"attempt\": \"job-1\", \"dialogues\": ["
                .formatted(step, rank));
    for (int i = 0; i < 4; i++) {
      int seed = 37 * step + 11 * rank + 5 * i;
      body.append(i == 0 ? "" : ", ")
          .append("{\"id\": \"d-%d\", ".formatted(i))
          .append(i == 3 ? "" : "\"source\": \"s-%d\", ".formatted(i % 2))
          .append(
              "\"losses\": [%s, %s, %s, %s]}"
                  .formatted(
                      2 + seed % 8 / 8.0,
                      1.5 + seed % 10 / 10.0,
                      i == 2 ? "null" : String.valueOf(1 + seed % 6),
                      i == 1 ? "60" : "0.75"));
    }
    return body.append("]}").toString();
  }

  private void configurations() {
    for (String function : FUNCTIONS) {
      String run = "/v1/runs/" + name + "-" + function;
      put(
          run,
          "{\"weighting\": {\"function\": \"%s\"}, \"warmUp\": 3, \"fold\": \"%s\", \"normalization\": \"%s\", \"labels\": {\"experiment\": \"recorded\"}}"
              .formatted(
                  function,
                  function.length() % 2 == 0 ? "raw" : "winsorized",
                  List.of("none", "batchMean", "runMean").get(function.length() % 3)));
      for (int step = 0; step < 4; step++) {
        score(run, batch(step, 0).replace("\"attempt\": \"job-1\", ", ""));
      }
      send(
          "POST",
          run + "/evaluations",
          "{\"step\": 3, \"benchmark\": \"mt-bench\", \"score\": %d.5}"
              .formatted(function.length()));
    }
    String started = "/v1/runs/" + name + "-started";
    put(
        started,
        "{\"startFrom\": {\"run\": \"%s\", \"step\": 3, \"observations\": 10}}"
            .formatted(name + "-clip"));
    score(started, batch(0, 0));
    String stepless = "/v1/runs/" + name + "-stepless";
    put(stepless, "{\"warmUp\": 2, \"propagation\": {\"strength\": 1.0, \"decay\": 1.0}}");
    for (int i = 0; i < 3; i++) {
      score(stepless, batch(i, 0).replaceFirst("\"step\": \\d+, ", ""), "Idempotency-Key", "s" + i);
    }
    score(stepless, batch(3, 0));
    send("POST", stepless + "/rewind", "{\"nextStep\": 1}");
    String shadow = "/v1/runs/" + name + "-shadow";
    put(shadow, "{\"warmUp\": 2, \"shadow\": true}");
    score(shadow, batch(0, 0));
    score(shadow, batch(1, 0));
    String finished = "/v1/runs/" + name + "-finished";
    put(finished, "{\"warmUp\": 2}");
    score(finished, batch(0, 0));
    send("POST", finished + "/finish", "");
    score(finished, batch(1, 0));
    String deleted = "/v1/runs/" + name + "-deleted";
    put(deleted, "{}");
    score(deleted, batch(0, 0));
    send(
        "POST",
        deleted + "/replays",
        "{\"grid\": {\"weighting.threshold\": {\"from\": 0.5, \"to\": 2, \"points\": 4, \"scale\":"
            + " \"log\"}, \"fold\": [\"raw\", \"winsorized\"]}}");
    get(deleted + "/replays/{replay}");
    send("DELETE", deleted + "/replays/{replay}", "");
    send("DELETE", deleted, "");
    get(deleted);
  }

  private void look() {
    String run = "/v1/runs/" + name;
    get("/v1/runs?limit=3&label=experiment:recorded&state=active&since=2026-01-01T00:00:00Z");
    get(run);
    get(run + "/statistics");
    get(run + "/sources");
    get(run + "/dialogues?limit=3");
    get(run + "/history?points=10");
    get(run + "/evaluations");
    get("/v1/evaluations?label=experiment:recorded");
    get(run + "/observations?fromStep=1&toStep=2");
    get("/v1/compute");
  }

  private void tables() {
    String run = "/v1/runs/json";
    for (String path :
        List.of("/observations?turn=0&source=s-1", "/sources", "/dialogues?limit=3")) {
      get(run + path, "Accept", "text/csv");
    }
    get("/openapi.yaml");
  }

  private void refused() {
    String run = "/v1/runs/" + name;
    put("/v1/runs/" + name + "-no", "{\"warmUp\": 1}");
    put("/v1/runs/" + name + "-no", "{\"halflife\": 5}");
    score(run, "{\"dialogues\": []}");
    score(run, "{\"step\": 20, \"dialogues\": [{\"id\": \"d\", \"loss\": [1]}]}");
    score("/v1/runs/" + name + "-no", batch(0, 0));
    send("POST", run + "/replays", "{\"configurations\": []}");
  }
}
