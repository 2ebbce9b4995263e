package resure.api;

import java.net.URI;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import reactor.core.publisher.Mono;
import resure.access.Scope;
import resure.observation.RunId;
import resure.replay.Found;
import resure.replay.ReplayPlan;
import resure.replay.Replays;
import resure.replay.Started;
import resure.run.RunRecord;
import tools.jackson.databind.JsonNode;

/** Other configurations, tried on what is recorded. */
final class ReplayHandler {

  private static final Pattern ID = Pattern.compile("[0-9A-HJKMNP-TV-Z]{26}");

  private final Replays replays;

  ReplayHandler(Replays replays) {
    this.replays = replays;
  }

  private static String id(Exchange exchange) {
    if (!ID.matcher(exchange.replay()).matches()) {
      throw ProblemException.parameter(
          "replay", "A replay is named by the 26 characters that its start was answered with.");
    }
    return exchange.replay();
  }

  Mono<Void> start(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    RunId run = RunHandler.runId(exchange);
    return exchange
        .body(true, ReplayHandler::parser)
        // Large bodies take long to parse: not on an event loop.
        .flatMap(parser -> exchange.await(replays.start(run, parser)))
        .flatMap(
            started ->
                switch (started) {
                  case Started.UnknownLabels unknown -> Mono.error(ReplayJson.problem(unknown));
                  case Started.Accepted accepted -> {
                    exchange
                        .response()
                        .getHeaders()
                        .setLocation(
                            URI.create(
                                "/v1/runs/" + run.name() + "/replays/" + accepted.replay().id()));
                    yield exchange.answer(202, ReplayJson.accepted(accepted.replay()));
                  }
                });
  }

  private static Callable<Function<RunRecord, ReplayPlan>> parser(
      Representation sent, byte[] body, int length) {
    byte[] copy = Arrays.copyOf(body, length);
    return () -> reader(sent, copy);
  }

  private static Function<RunRecord, ReplayPlan> reader(Representation sent, byte[] body) {
    JsonNode json = Json.read(sent, body, body.length);
    if (json.isMissingNode()) {
      throw ProblemException.of(
          ProblemType.MALFORMED_BODY, "Send {\"configurations\": [...]} as the body.");
    }
    return run -> ReplayReader.read(json, run);
  }

  Mono<Void> list(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer();
    return exchange
        .await(replays.list(RunHandler.runId(exchange)))
        .flatMap(list -> exchange.answer(200, ReplayJson.list(list)));
  }

  Mono<Void> find(Exchange exchange) {
    exchange.allowQuery("limit");
    exchange.offer();
    RunId run = RunHandler.runId(exchange);
    return exchange
        .await(replays.find(run, id(exchange), limit(exchange.query("limit"))))
        .flatMap(found -> answer(exchange, found));
  }

  private static int limit(@Nullable String text) {
    if (text == null) {
      return Replays.CONFIGURATIONS;
    }
    if (text.matches("[0-9]{1,5}")) {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= Replays.CONFIGURATIONS) {
        return limit;
      }
    }
    throw ProblemException.parameter(
        "limit", "must be a whole number from 1 to " + Replays.CONFIGURATIONS + ".");
  }

  private static Mono<Void> answer(Exchange exchange, Found found) {
    exchange.response().setStatusCode(HttpStatus.OK);
    exchange.response().getHeaders().setContentType(exchange.representation().mediaType());
    return exchange
        .response()
        .writeWith(
            Pieces.body(
                new ReplayJson(found, exchange.representation()),
                exchange.response().bufferFactory()));
  }

  Mono<Void> remove(Exchange exchange) {
    exchange.require(Scope.WRITE);
    exchange.allowQuery();
    RunId run = RunHandler.runId(exchange);
    return exchange
        .await(replays.remove(run, id(exchange)))
        .flatMap(
            removed -> {
              exchange.response().setStatusCode(HttpStatus.NO_CONTENT);
              return exchange.response().setComplete();
            });
  }
}
