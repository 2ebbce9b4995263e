package resure.api;

import java.util.Map;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/** What is at one address: an operation for each method. */
final class Resource implements WebHandler {

  private final Map<HttpMethod, Operation> operations;
  private final int maxBody;

  Resource(Map<HttpMethod, Operation> operations, int maxBody) {
    this.operations = operations;
    this.maxBody = maxBody;
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange) {
    Operation operation = operations.get(exchange.getRequest().getMethod());
    if (operation == null) {
      exchange.getResponse().getHeaders().setAllow(operations.keySet());
      return Mono.error(
          ProblemException.of(
              ProblemType.METHOD_NOT_ALLOWED,
              "The Allow header names the methods of this address."));
    }
    Map<String, String> variables =
        exchange.getAttributeOrDefault(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE, Map.of());
    return operation.handle(new Exchange(exchange, variables, maxBody));
  }
}
