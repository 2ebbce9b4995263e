package resure.api;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.run.DroppedException;

/** Turns every failure into a problem answer (RFC 9457); what is our own fault is logged. */
final class ProblemHandler implements WebExceptionHandler, Ordered {

  private static final Logger LOG = LoggerFactory.getLogger(ProblemHandler.class);
  private static final String RETRY_SECONDS = "1";

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
    if (response.isCommitted()) {
      // Half an answer is on its way: cutting the connection is all that tells the client.
      return Mono.error(failure);
    }
    if (failure instanceof AbortedException) {
      // The client has gone, or was cut off, before its request was whole: nobody to tell.
      return Mono.empty();
    }
    ProblemException problem = problem(failure);
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
      headers.set(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
    } else if (type.status() == 401) {
      headers.set(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"resure\"");
    }
    return response.writeWith(Mono.just(response.bufferFactory().wrap(body)));
  }

  private static ProblemException problem(Throwable failure) {
    return switch (failure) {
      case ProblemException problem -> problem;
      case ResponseStatusException status when status.getStatusCode().value() == 404 ->
          ProblemException.of(ProblemType.NOT_FOUND, "GET /openapi.yaml describes what there is.");
      case ResponseStatusException status when status.getStatusCode().is4xxClientError() ->
          ProblemException.of(ProblemType.MALFORMED_BODY, "The request cannot be understood.");
      case CorruptJournalException corrupt -> {
        LOG.error("A run's records are damaged", corrupt);
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
        LOG.error("A request failed", failure);
        yield ProblemException.of(
            ProblemType.INTERNAL, "This is a defect of the service; its log says more.");
      }
    };
  }
}
