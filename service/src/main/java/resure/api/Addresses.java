package resure.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.core.Ordered;
import org.springframework.http.server.PathContainer;
import org.springframework.http.server.reactive.observation.ServerRequestObservationContext;
import org.springframework.web.reactive.handler.AbstractHandlerMapping;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.util.pattern.PathPattern;
import reactor.core.publisher.Mono;

/**
 * Finds what is at an address. No path has two of these, so the first that fits is taken: Spring's
 * own mapping tries all of them at each request and sorts what fits. Asked before Spring's, which
 * know none of these addresses.
 */
final class Addresses extends AbstractHandlerMapping {

  private record Address(PathPattern pattern, Resource resource) {}

  private final List<Address> addresses = new ArrayList<>();

  /** Addresses of which the one that is asked for most comes first. */
  Addresses(Map<String, Resource> resources) {
    resources.forEach(
        (address, resource) ->
            addresses.add(new Address(getPathPatternParser().parse(address), resource)));
    setOrder(Ordered.HIGHEST_PRECEDENCE);
  }

  @Override
  protected Mono<Resource> getHandlerInternal(ServerWebExchange exchange) {
    PathContainer path = exchange.getRequest().getPath().pathWithinApplication();
    for (Address address : addresses) {
      PathPattern.PathMatchInfo match = address.pattern.matchAndExtract(path);
      if (match != null) {
        Map<String, Object> attributes = exchange.getAttributes();
        attributes.put(BEST_MATCHING_PATTERN_ATTRIBUTE, address.pattern);
        attributes.put(URI_TEMPLATE_VARIABLES_ATTRIBUTE, match.getUriVariables());
        // By which requests are told apart in metrics.
        ServerRequestObservationContext.findCurrent(attributes)
            .ifPresent(context -> context.setPathPattern(address.pattern.getPatternString()));
        return Mono.just(address.resource);
      }
    }
    return Mono.empty();
  }
}
