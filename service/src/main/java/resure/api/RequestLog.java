package resure.api;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import resure.access.Caller;

/**
 * Names each request, and with debug logging of {@code resure.requests} writes a line for it once
 * it is over: what was asked for, by whom, how it was answered, how long it took. The name is the
 * client's, if it is one, and goes back with the answer. What clients send is in no line but as
 * visible ASCII of bounded length; bodies, queries and tokens are in none.
 */
final class RequestLog implements WebFilter, Ordered {

  /** Names a request, both ways. */
  static final String ID = "X-Request-Id";

  private static final Logger LOG = LoggerFactory.getLogger("resure.requests");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._~:/+=@-]{1,128}");
  private static final String TRACEPARENT = "traceparent";

  /** W3C Trace Context, version 00: the trace is what the caller calls it. */
  private static final Pattern TRACE =
      Pattern.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*");

  private static final String START = RequestLog.class.getName();

  @Override
  public int getOrder() {
    // Before it is known who asks: who is turned away is named, too.
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    exchange.getResponse().getHeaders().set(ID, name(exchange.getRequest()));
    if (!LOG.isDebugEnabled()) {
      return chain.filter(exchange);
    }
    exchange.getAttributes().put(START, System.nanoTime());
    return chain
        .filter(exchange)
        .doFinally(
            end -> {
              // What failed is not answered yet.
              if (end != SignalType.ON_ERROR) {
                note(exchange, end == SignalType.CANCEL ? "the client has left" : "answered");
              }
            });
  }

  private static String name(ServerHttpRequest request) {
    String given = request.getHeaders().getFirst(ID);
    return given != null && NAME.matcher(given).matches()
        ? given
        : HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /** How log lines name the request. */
  static String nameOf(ServerWebExchange exchange) {
    String name = exchange.getResponse().getHeaders().getFirst(ID);
    return name == null ? "without a name" : name;
  }

  /** Writes the line of a request that is over. */
  static void note(ServerWebExchange exchange, String end) {
    Long start = exchange.getAttribute(START);
    if (start == null) {
      return;
    }
    long nanos = System.nanoTime() - start;
    ServerHttpRequest request = exchange.getRequest();
    String method = Text.shortened(request.getMethod().name());
    String path = Text.shortened(request.getPath().value());
    HttpStatusCode status = exchange.getResponse().getStatusCode();
    int code = status == null ? 0 : status.value();
    Caller caller = AccessFilter.known(exchange);
    String who = caller == null ? "nobody" : caller.name();
    String trace = trace(request.getHeaders().getFirst(TRACEPARENT));
    LoggingEventBuilder line =
        LOG.atDebug()
            .addKeyValue("http.request.id", nameOf(exchange))
            .addKeyValue("http.request.method", method)
            .addKeyValue("url.path", path)
            .addKeyValue("http.response.status_code", code)
            .addKeyValue("event.duration", nanos)
            .addKeyValue("user.name", who);
    if (trace != null) {
      line = line.addKeyValue("trace.id", trace);
    }
    line.log(
        "{} {} {} by {} in {} us, request {}: {}",
        code,
        method,
        path,
        who,
        TimeUnit.NANOSECONDS.toMicros(nanos),
        nameOf(exchange),
        end);
  }

  private static @Nullable String trace(@Nullable String traceparent) {
    if (traceparent == null) {
      return null;
    }
    Matcher matcher = TRACE.matcher(traceparent);
    return matcher.matches() ? matcher.group(1) : null;
  }
}
