package resure.api;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import reactor.core.publisher.Mono;
import resure.access.Quotas;
import resure.access.Scope;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.run.RunDescription;
import resure.run.RunStatistics;
import resure.run.Runs;
import resure.run.WantedSettings;
import tools.jackson.databind.JsonNode;

/** Everything about a run but its observations. */
final class RunHandler {

  private static final int MAX_PAGE = 1000;
  private static final int DEFAULT_PAGE = 100;
  private static final int MAX_ATTEMPT = 256;
  static final long LARGEST_STEP = (1L << 53) - 1;
  static final String AT_LEAST_SEQUENCE = "atLeastSequence";

  private final Runs runs;
  private final Quotas quotas;
  private final Retention retention;

  /** With the retention of runs that ask for none in particular. */
  RunHandler(Runs runs, Quotas quotas, Retention retention) {
    this.runs = runs;
    this.quotas = quotas;
    this.retention = retention;
  }

  static RunId runId(Exchange exchange) {
    if (!RunId.validName(exchange.run())) {
      throw ProblemException.parameter(
          "run", "A run's name must match [A-Za-z0-9][A-Za-z0-9._~-]{0,127}.");
    }
    return new RunId(exchange.caller().tenant(), exchange.run());
  }

  Mono<Void> create(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    RunId id = runId(exchange);
    return exchange
        .body(false, (sent, body, length) -> settings(exchange, sent, body, length))
        .flatMap(
            wanted ->
                exchange.audited(
                    "create",
                    id,
                    exchange.await(
                        runs.create(id, wanted, exchange.caller().actor(), quotas.runs()))))
        .doOnError(
            ProblemException.class,
            problem -> {
              if (problem.type() == ProblemType.QUOTA_EXCEEDED) {
                quotas.tooManyRuns(id.tenant());
              }
            })
        .flatMap(
            created -> exchange.answer(created.isNew() ? 201 : 200, RunJson.run(created.run())));
  }

  private WantedSettings settings(Exchange exchange, Representation sent, byte[] body, int length) {
    JsonNode json = Json.read(sent, body, length);
    if (!json.path("retention").isMissingNode()) {
      exchange.require(Scope.ADMIN);
    }
    return SettingsReader.read(json, retention);
  }

  Mono<Void> describe(Exchange exchange) {
    exchange.allowQuery(AT_LEAST_SEQUENCE);
    exchange.offer();
    long atLeast = atLeastSequence(exchange);
    return answer(exchange, exchange.await(runs.describe(runId(exchange), atLeast)));
  }

  /** The sequence that was asked for; 0 for none. */
  static long atLeastSequence(Exchange exchange) {
    Long sequence = exchange.wholeQuery(AT_LEAST_SEQUENCE);
    return sequence == null ? 0 : sequence;
  }

  Mono<Void> delete(Exchange exchange) {
    exchange.require(Scope.ADMIN);
    exchange.allowQuery();
    RunId id = runId(exchange);
    return exchange
        .audited("delete", id, exchange.await(runs.delete(id)))
        .flatMap(
            deleted -> {
              exchange.response().setStatusCode(HttpStatus.NO_CONTENT);
              return exchange.response().setComplete();
            });
  }

  Mono<Void> finish(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    RunId id = runId(exchange);
    return exchange
        .body(false, RunHandler::nothing)
        .flatMap(
            ignored ->
                answer(
                    exchange,
                    exchange.audited(
                        "finish", id, exchange.await(runs.finish(id, exchange.caller().actor())))));
  }

  private static boolean nothing(Representation sent, byte[] body, int length) {
    JsonNode json = Json.read(sent, body, length);
    if (!json.isMissingNode()) {
      Json.requireFields(json, "", List.of());
    }
    return true;
  }

  Mono<Void> rewind(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    RunId id = runId(exchange);
    return exchange
        .body(true, RunHandler::rewindBody)
        .flatMap(
            rewind ->
                answer(
                    exchange,
                    exchange.audited(
                        "rewind to " + rewind.nextStep,
                        id,
                        exchange.await(
                            runs.rewind(
                                id, rewind.nextStep, rewind.attempt, exchange.caller().actor())))));
  }

  private record RewindBody(long nextStep, @Nullable String attempt) {}

  private static RewindBody rewindBody(Representation sent, byte[] body, int length) {
    JsonNode json = Json.read(sent, body, length);
    if (json.isMissingNode()) {
      throw ProblemException.of(
          ProblemType.MALFORMED_BODY, "Send {\"nextStep\": ...} as the body.");
    }
    Json.requireFields(json, "", List.of("nextStep", "attempt"));
    long nextStep = Json.whole(json, "nextStep");
    JsonNode attempt = json.path("attempt");
    if (attempt.isMissingNode() || attempt.isNull()) {
      return new RewindBody(nextStep, null);
    }
    if (!attempt.isString()
        || attempt.stringValue().isEmpty()
        || !Text.valid(attempt.stringValue(), MAX_ATTEMPT)) {
      throw ProblemException.invalid(
          "/attempt", "must be text of 1 to " + MAX_ATTEMPT + " code points without U+0000.");
    }
    return new RewindBody(nextStep, attempt.stringValue());
  }

  Mono<Void> statistics(Exchange exchange) {
    exchange.allowQuery(AT_LEAST_SEQUENCE);
    exchange.offer();
    return exchange
        .await(runs.statistics(runId(exchange), atLeastSequence(exchange)))
        .flatMap(
            statistics -> {
              String tag = tag(statistics, exchange.representation());
              exchange.response().getHeaders().set(HttpHeaders.ETAG, tag);
              exchange.response().getHeaders().set(HttpHeaders.VARY, HttpHeaders.ACCEPT);
              if (matches(exchange.header(HttpHeaders.IF_NONE_MATCH), tag)) {
                exchange.response().setStatusCode(HttpStatus.NOT_MODIFIED);
                return exchange.response().setComplete();
              }
              return exchange.answer(200, RunJson.statistics(statistics));
            });
  }

  Mono<Void> sources(Exchange exchange) {
    exchange.allowQuery(AT_LEAST_SEQUENCE);
    Table table = exchange.offerTable();
    return exchange
        .await(runs.statistics(runId(exchange), atLeastSequence(exchange)))
        .flatMap(
            statistics -> {
              if (table != Table.CSV) {
                return exchange.answer(200, RunJson.sources(statistics));
              }
              byte[] lines = RunJson.sourceLines(statistics);
              return exchange.answer(200, Table.TEXT_CSV, lines, lines.length);
            });
  }

  private static String tag(RunStatistics statistics, Representation representation) {
    return "\""
        + statistics.run().key().incarnation()
        + "-"
        + statistics.run().sequence()
        + (representation == Representation.CBOR ? "-cbor" : "")
        + "\"";
  }

  private static boolean matches(@Nullable String ifNoneMatch, String tag) {
    if (ifNoneMatch == null) {
      return false;
    }
    for (String candidate : ifNoneMatch.split(",", -1)) {
      String trimmed = candidate.trim();
      if (trimmed.equals("*") || trimmed.equals(tag) || trimmed.equals("W/" + tag)) {
        return true;
      }
    }
    return false;
  }

  private static Mono<Void> answer(Exchange exchange, Mono<RunDescription> run) {
    return run.flatMap(description -> exchange.answer(200, RunJson.run(description)));
  }

  Mono<Void> list(Exchange exchange) {
    exchange.allowQuery("limit", "cursor", "label", "state", "since");
    exchange.offer();
    String cursor = exchange.query("cursor");
    return exchange
        .await(
            runs.list(
                exchange.caller().tenant(),
                cursor == null ? null : Cursor.name(cursor),
                limit(exchange.query("limit"), DEFAULT_PAGE),
                labelled(labels(exchange)).and(state(exchange)).and(since(exchange))))
        .flatMap(page -> exchange.answer(200, RunJson.page(page)));
  }

  /** Most elements of a page, of those that a request asks for. */
  static int limit(@Nullable String text, int otherwise) {
    if (text == null) {
      return otherwise;
    }
    if (text.matches("[0-9]{1,4}")) {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= MAX_PAGE) {
        return limit;
      }
    }
    throw ProblemException.parameter("limit", "must be a whole number from 1 to " + MAX_PAGE + ".");
  }

  private static Predicate<RunDescription> labelled(Map<String, String> wanted) {
    return run -> run.settings().labels().entrySet().containsAll(wanted.entrySet());
  }

  /** The labels that a run must have to be looked at. */
  static Map<String, String> labels(Exchange exchange) {
    Map<String, String> wanted = new HashMap<>();
    for (String label : exchange.queries("label")) {
      int colon = label.indexOf(':');
      if (colon < 1 || !SettingsReader.LABEL.matcher(label.substring(0, colon)).matches()) {
        throw ProblemException.parameter("label", "must be name:value.");
      }
      String value = wanted.put(label.substring(0, colon), label.substring(colon + 1));
      if (value != null && !value.equals(label.substring(colon + 1))) {
        throw ProblemException.parameter("label", "No run has two values of one label.");
      }
    }
    return wanted;
  }

  private static Predicate<RunDescription> state(Exchange exchange) {
    return switch (exchange.query("state")) {
      case null -> run -> true;
      case "active" -> RunDescription::active;
      case "finished" -> run -> !run.active();
      default -> throw ProblemException.parameter("state", "must be active or finished.");
    };
  }

  private static Predicate<RunDescription> since(Exchange exchange) {
    String text = exchange.query("since");
    if (text == null) {
      return run -> true;
    }
    try {
      // RFC 3339 has years of four digits; the JDK also takes signed and longer ones.
      Instant since = Instant.parse(text.matches("\\d{4}-.*") ? text : "");
      return run -> {
        Instant last = run.lastBatchAt();
        return !(last == null ? run.createdAt() : last).isBefore(since);
      };
    } catch (DateTimeParseException e) {
      throw ProblemException.parameter("since", "must be a time like 2026-01-31T12:00:00Z.");
    }
  }
}
