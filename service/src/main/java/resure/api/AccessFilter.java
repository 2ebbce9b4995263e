package resure.api;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import resure.access.Caller;
import resure.access.Scope;

/**
 * Finds out who asks, before anything else of a request is looked at but its name, on the service's
 * port and the management port. With credentials a bearer token is needed for all but pages, the
 * contract and health. Without, everybody may do everything who gets here; and since a browser of
 * this machine gets here on behalf of any page, a name that is not this machine's and a page of
 * another origin are refused.
 */
final class AccessFilter implements WebFilter, Ordered {

  private static final String CALLER = AccessFilter.class.getName();

  /** Finds out again whose the token is. */
  private static final String AGAIN = CALLER + ".again";

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);
  private static final String BEARER = "bearer ";
  private static final Set<String> THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]");

  private final @Nullable Credentials credentials;
  private final boolean loopback;

  AccessFilter(@Nullable Credentials credentials, boolean loopback) {
    this.credentials = credentials;
    this.loopback = loopback;
  }

  /** Who asks; null where nobody was let in. */
  static @Nullable Caller known(ServerWebExchange exchange) {
    return exchange.getAttribute(CALLER);
  }

  /** Who asks. */
  static Caller caller(ServerWebExchange exchange) {
    Caller caller = known(exchange);
    if (caller == null) {
      throw missing();
    }
    return caller;
  }

  /**
   * Fails when the caller's token is not valid any more, which is looked at every few seconds;
   * never without one. For answers that go on for long: {@code
   * body.takeUntilOther(ended(exchange))}.
   */
  static Mono<Void> ended(ServerWebExchange exchange) {
    Supplier<Mono<Caller>> again = exchange.getAttribute(AGAIN);
    if (again == null) {
      return Mono.never();
    }
    return Flux.interval(LOOK_AGAIN)
        .onBackpressureDrop()
        // One that cannot be asked about now was valid before.
        .concatMap(time -> again.get().hasElement().onErrorReturn(true))
        .filter(valid -> !valid)
        .next()
        .flatMap(valid -> Mono.error(missing()));
  }

  private static ProblemException missing() {
    return ProblemException.of(
        ProblemType.UNAUTHENTICATED, "Send a token: Authorization: Bearer TOKEN.");
  }

  static ProblemException insufficient(Scope scope) {
    return ProblemException.of(
            ProblemType.INSUFFICIENT_SCOPE,
            "This needs credentials with the scope '" + scope.text() + "'.")
        .with(json -> json.writeStringProperty("scope", scope.text()));
  }

  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE + 1;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    ServerHttpRequest request = exchange.getRequest();
    if (credentials == null) {
      String foreign = foreign(request.getHeaders());
      return foreign == null
          ? admit(exchange, chain, Caller.ANYBODY)
          : Mono.error(ProblemException.of(ProblemType.FOREIGN_ORIGIN, foreign));
    }
    List<String> path = segments(request);
    if (!path.getFirst().equals("v1") && (!isOfActuator(path) || isHealth(path))) {
      return chain.filter(exchange);
    }
    String header = request.getHeaders().getFirst(HttpHeaders.AUTHORIZATION);
    if (header == null || !header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return Mono.error(missing());
    }
    Credentials known = credentials;
    String token = header.substring(BEARER.length()).strip();
    Supplier<Mono<Caller>> again = () -> known.find(token);
    exchange.getAttributes().put(AGAIN, again);
    return again
        .get()
        .switchIfEmpty(Mono.error(() -> invalid(request)))
        .flatMap(caller -> admit(exchange, chain, caller));
  }

  private static ProblemException invalid(ServerHttpRequest request) {
    AuditLog.refused(request.getMethod().name(), Text.shortened(request.getPath().value()));
    return ProblemException.of(
        ProblemType.UNAUTHENTICATED,
        "The token is not valid: it is unknown, expired, or for another service.");
  }

  private static Mono<Void> admit(ServerWebExchange exchange, WebFilterChain chain, Caller caller) {
    exchange.getAttributes().put(CALLER, caller);
    List<String> path = segments(exchange.getRequest());
    if (isOfActuator(path) && !isHealth(path)) {
      boolean metrics =
          path.size() == 2
              && path.getLast().equals("prometheus")
              && exchange.getRequest().getMethod().equals(HttpMethod.GET);
      Scope needed = metrics ? Scope.METRICS : Scope.ADMIN;
      if (!caller.may(needed)) {
        return Mono.error(insufficient(needed));
      }
    }
    return chain.filter(exchange);
  }

  /** As addresses are compared: decoded, without parameters; at least one. */
  private static List<String> segments(ServerHttpRequest request) {
    List<String> segments = new ArrayList<>();
    for (PathContainer.Element element : request.getPath().pathWithinApplication().elements()) {
      if (element instanceof PathContainer.PathSegment segment) {
        segments.add(segment.valueToMatch());
      }
    }
    return segments.isEmpty() ? List.of("") : segments;
  }

  private static boolean isOfActuator(List<String> path) {
    return path.getFirst().equals("actuator");
  }

  private static boolean isHealth(List<String> path) {
    return isOfActuator(path) && path.size() > 1 && path.get(1).equals("health");
  }

  /** Why a request without credentials may be of a page that has no business here; else null. */
  private @Nullable String foreign(HttpHeaders headers) {
    String host = headers.getFirst(HttpHeaders.HOST);
    if (loopback && (host == null || !THIS_MACHINE.contains(withoutPort(host)))) {
      return "Without credentials the service is called localhost, 127.0.0.1 or [::1].";
    }
    String origin = headers.getFirst(HttpHeaders.ORIGIN);
    if (origin == null || host == null || isOf(origin, host)) {
      return null;
    }
    return "Pages of other origins may not use the service.";
  }

  /** Whether an origin is the one of that host and port: what a page of the service itself has. */
  private static boolean isOf(String origin, String host) {
    try {
      return host.equalsIgnoreCase(new URI(origin).getRawAuthority());
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private static String withoutPort(String host) {
    int colon = host.lastIndexOf(':');
    boolean port = colon >= 0 && host.indexOf(']', colon) < 0;
    return (port ? host.substring(0, colon) : host).toLowerCase(Locale.ROOT);
  }
}
