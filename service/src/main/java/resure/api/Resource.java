package resure.api;

import java.util.Map;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;
import resure.access.Scope;

/**
 * What is at one address: an operation for each method. To read needs the scope {@code read}, to
 * change something {@code write}; an operation that deletes says itself what it needs.
 */
final class Resource implements WebHandler {

  private final Map<HttpMethod, Operation> operations;
  private final int maxBody;
  private final boolean forEverybody;

  Resource(Map<HttpMethod, Operation> operations, int maxBody) {
    this(operations, maxBody, false);
  }

  private Resource(Map<HttpMethod, Operation> operations, int maxBody, boolean forEverybody) {
    this.operations = operations;
    this.maxBody = maxBody;
    this.forEverybody = forEverybody;
  }

  /** What may be read without credentials. */
  static Resource forEverybody(Operation read) {
    return new Resource(Map.of(HttpMethod.GET, read), 0, true);
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange) {
    HttpMethod method = exchange.getRequest().getMethod();
    Operation operation = operations.get(method);
    if (operation == null) {
      exchange.getResponse().getHeaders().setAllow(operations.keySet());
      return Mono.error(
          ProblemException.of(
              ProblemType.METHOD_NOT_ALLOWED,
              "The Allow header names the methods of this address."));
    }
    Map<String, String> variables =
        exchange.getAttributeOrDefault(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE, Map.of());
    Exchange wrapped = new Exchange(exchange, variables, maxBody);
    if (!forEverybody && !method.equals(HttpMethod.DELETE)) {
      wrapped.require(method.equals(HttpMethod.GET) ? Scope.READ : Scope.WRITE);
    }
    return operation.handle(wrapped);
  }
}
