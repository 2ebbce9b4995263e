package resure.api;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;
import resure.observation.RunId;
import resure.projection.Benchmark;
import resure.run.Evaluation;
import resure.run.Runs;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;

/** What models of runs score on benchmarks. */
final class EvaluationHandler {

  private static final int MAX_BENCHMARK = 256;
  private static final List<String> FIELDS = List.of("step", "benchmark", "score");

  private final Runs runs;

  EvaluationHandler(Runs runs) {
    this.runs = runs;
  }

  private record Body(long step, String benchmark, double score) {}

  Mono<Void> add(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    RunId id = RunHandler.runId(exchange);
    return exchange
        .body(true, EvaluationHandler::body)
        .flatMap(body -> exchange.await(runs.evaluate(id, body.step, body.benchmark, body.score)))
        .flatMap(
            evaluated ->
                exchange.answer(
                    evaluated.isNew() ? 201 : 200, json -> write(json, evaluated.evaluation())));
  }

  private static Body body(Representation sent, byte[] bytes, int length) {
    JsonNode json = Json.read(sent, bytes, length);
    if (json.isMissingNode()) {
      throw ProblemException.of(
          ProblemType.MALFORMED_BODY,
          "Send {\"step\": ..., \"benchmark\": ..., \"score\": ...} as the body.");
    }
    Json.requireFields(json, "", FIELDS);
    long step = Json.whole(json, "step");
    JsonNode benchmark = json.path("benchmark");
    if (!benchmark.isString() || !named(benchmark.stringValue())) {
      throw ProblemException.invalid("/benchmark", BENCHMARK);
    }
    JsonNode score = json.path("score");
    if (!score.isNumber() || !Double.isFinite(score.doubleValue())) {
      throw ProblemException.invalid("/score", "must be a finite number.");
    }
    // Without the sign that zero may have.
    return new Body(step, benchmark.stringValue(), score.doubleValue() + 0.0);
  }

  private static final String BENCHMARK =
      "must be text of 1 to " + MAX_BENCHMARK + " code points without U+0000.";

  private static boolean named(String benchmark) {
    return !benchmark.isEmpty() && Text.valid(benchmark, MAX_BENCHMARK);
  }

  Mono<Void> list(Exchange exchange) {
    exchange.allowQuery(RunHandler.AT_LEAST_SEQUENCE);
    exchange.offer();
    RunId id = RunHandler.runId(exchange);
    return exchange
        .await(runs.evaluations(id, RunHandler.atLeastSequence(exchange)))
        .flatMap(
            evaluations ->
                exchange.answer(
                    200,
                    json -> {
                      json.writeStartObject();
                      json.writeStringProperty("run", id.name());
                      json.writeArrayPropertyStart("evaluations");
                      evaluations.forEach(evaluation -> write(json, evaluation));
                      json.writeEndArray();
                      json.writeEndObject();
                    }));
  }

  private static void write(JsonGenerator json, Evaluation evaluation) {
    json.writeStartObject();
    json.writeNumberProperty("sequence", evaluation.sequence());
    RunJson.time(json, "at", evaluation.at());
    json.writeNumberProperty("step", evaluation.step());
    json.writeStringProperty("benchmark", evaluation.benchmark());
    Json.number(json, "score", evaluation.score());
    json.writeNumberProperty("samples", evaluation.samples());
    json.writeEndObject();
  }

  Mono<Void> compare(Exchange exchange) {
    exchange.allowQuery("label", "benchmark");
    exchange.offer();
    Map<String, String> labels = RunHandler.labels(exchange);
    String benchmark = exchange.query("benchmark");
    if (benchmark != null && !named(benchmark)) {
      throw ProblemException.parameter("benchmark", BENCHMARK);
    }
    return exchange
        .await(runs.evaluations(exchange.caller().tenant(), labels))
        .flatMap(found -> exchange.answer(200, comparison(Benchmark.of(found, benchmark))));
  }

  private static Consumer<JsonGenerator> comparison(List<Benchmark> benchmarks) {
    return json -> {
      json.writeStartObject();
      json.writeArrayPropertyStart("benchmarks");
      for (Benchmark benchmark : benchmarks) {
        json.writeStartObject();
        json.writeStringProperty("benchmark", benchmark.name());
        json.writeNumberProperty("runs", benchmark.points().size());
        Json.number(json, "spearman", benchmark.spearman());
        json.writeArrayPropertyStart("points");
        for (Benchmark.Point point : benchmark.points()) {
          json.writeStartObject();
          json.writeStringProperty("run", point.run());
          json.writeNumberProperty("step", point.step());
          json.writeNumberProperty("samples", point.samples());
          Json.number(json, "score", point.score());
          json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    };
  }
}
