package resure.api;

import java.io.IOException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerRequest;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.journal.NewerFormatException;
import resure.run.DroppedException;

/** Turns every failure into a problem answer (RFC 9457); what is our own fault is logged. */
final class ProblemHandler implements WebExceptionHandler, Ordered {

  private static final Logger LOG = LoggerFactory.getLogger(ProblemHandler.class);

  private final Consumer<String> answered;

  ProblemHandler(Consumer<String> answered) {
    this.answered = answered;
  }

  @Override
  public int getOrder() {
    // Before Spring Boot's own, which answers in a shape of its own.
    return -2;
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange, Throwable failure) {
    ServerHttpResponse response = exchange.getResponse();
    if (response.isCommitted() || hasLeft(failure)) {
      return cut(exchange, failure);
    }
    ProblemException problem = problem(failure, exchange);
    ProblemType type = problem.type();
    answered.accept(type.shortName());
    byte[] body =
        Json.write(
            Representation.JSON,
            json -> {
              json.writeStartObject();
              json.writeStringProperty("type", type.uri());
              json.writeStringProperty("title", type.title());
              json.writeNumberProperty("status", type.status());
              json.writeStringProperty("detail", problem.detail());
              String member = problem.member();
              if (member != null) {
                json.writeStringProperty(member, problem.value());
              }
              problem.more().accept(json);
              json.writeEndObject();
            });
    response.setStatusCode(HttpStatusCode.valueOf(type.status()));
    HttpHeaders headers = response.getHeaders();
    headers.set(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_PROBLEM_JSON_VALUE);
    headers.setContentLength(body.length);
    if (type.status() == 429 || type.status() == 503) {
      headers.set(HttpHeaders.RETRY_AFTER, Long.toString(problem.retrySeconds()));
    } else if (type.status() == 401) {
      headers.set(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"resure\"");
    }
    return response
        .writeWith(Mono.just(response.bufferFactory().wrap(body)))
        .doFinally(end -> RequestLog.note(exchange, type.shortName()));
  }

  /** Whether the client is there no more: in the middle of its body, or of its answer. */
  private static boolean hasLeft(Throwable failure) {
    return failure instanceof IOException || failure instanceof AbortedException;
  }

  /**
   * Half an answer is on its way: cutting the connection is all that tells the client. What clients
   * bring about themselves (they left, read too slowly, were let in no longer) is nothing for
   * people to look at; the rest is.
   */
  private static Mono<Void> cut(ServerWebExchange exchange, Throwable failure) {
    boolean ours =
        !(failure instanceof ProblemException
            || failure instanceof EventStreams.TooSlowException
            || hasLeft(failure));
    if (ours) {
      LOG.error("The answer to request {} was cut", RequestLog.nameOf(exchange), failure);
    } else {
      LOG.debug("The answer to request {} was cut", RequestLog.nameOf(exchange), failure);
    }
    RequestLog.note(exchange, "cut");
    HttpServerRequest netty = ServerHttpRequestDecorator.getNativeRequest(exchange.getRequest());
    netty.withConnection(
        connection -> {
          var _ = connection.channel().close();
        });
    return Mono.empty();
  }

  private static ProblemException problem(Throwable failure, ServerWebExchange exchange) {
    return switch (failure) {
      case ProblemException problem -> problem;
      case ResponseStatusException status when status.getStatusCode().value() == 404 ->
          ProblemException.of(ProblemType.NOT_FOUND, "GET /openapi.yaml describes what there is.");
      case ResponseStatusException status when status.getStatusCode().is4xxClientError() ->
          ProblemException.of(ProblemType.MALFORMED_BODY, "The request cannot be understood.");
      case NewerFormatException newer ->
          ProblemException.of(
              ProblemType.STORE_UNAVAILABLE,
              "This replica is of an older release than what it was asked for. Try again.");
      case CorruptJournalException corrupt -> {
        LOG.error(
            "A run's records are damaged, by request {}", RequestLog.nameOf(exchange), corrupt);
        yield ProblemException.of(
            ProblemType.RUN_DAMAGED,
            "A record of this run is damaged; the service's log names it. Restore a backup.");
      }
      case DroppedException dropped ->
          ProblemException.of(
              ProblemType.STORE_UNAVAILABLE,
              "The run's retention dropped some of this while it was read. Try again.");
      case JournalException away ->
          ProblemException.of(
              ProblemType.STORE_UNAVAILABLE, "The store is unavailable. Try again.");
      default -> {
        LOG.error("Request {} failed", RequestLog.nameOf(exchange), failure);
        yield ProblemException.of(
            ProblemType.INTERNAL, "This is a defect of the service; its log says more.");
      }
    };
  }
}
