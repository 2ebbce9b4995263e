package resure.api;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import org.springframework.core.Ordered;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/**
 * A file of the console. All of them are read when the service starts, so that nothing of a
 * request's path ever becomes a path of files. They hold no data and need no token: what they show
 * comes from the API, with the token of who looks.
 */
final class ConsoleFile implements WebHandler {

  private static final String ROOT = "resure/console/";
  private static final String INDEX = "/index.html";

  /**
   * Only what is here runs, and no script makes HTML of a text (trusted types): an id that is a
   * script is a text. Nothing may put the console into a frame.
   */
  private static final String POLICY =
      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
          + " object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html", "js", "text/javascript", "css", "text/css", "svg", "image/svg+xml");

  private static final Set<HttpMethod> METHODS = Set.of(HttpMethod.GET, HttpMethod.HEAD);

  private final byte[] content;
  private final String type;
  private final String etag;

  private ConsoleFile(byte[] content, String type) {
    this.content = content;
    this.type = type;
    this.etag = '"' + digest(content) + '"';
  }

  /** All files at their addresses; {@code index.html} also at {@code /}. */
  static HandlerMapping addresses() {
    Map<String, ConsoleFile> files = new HashMap<>();
    try {
      for (Resource found :
          new PathMatchingResourcePatternResolver().getResources("classpath:" + ROOT + "**")) {
        String url = found.getURL().toString();
        String path = '/' + url.substring(url.lastIndexOf(ROOT) + ROOT.length());
        if (found.isReadable() && !path.endsWith("/")) {
          files.put(path, new ConsoleFile(found.getContentAsByteArray(), type(path)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ConsoleFile index = files.get(INDEX);
    if (index == null) {
      throw new IllegalStateException("the console is missing from the class path");
    }
    files.put("/", index);
    return new SimpleUrlHandlerMapping(files, Ordered.HIGHEST_PRECEDENCE);
  }

  private static String type(String path) {
    String ending = path.substring(path.lastIndexOf('.') + 1);
    return TYPES.getOrDefault(ending, "text/plain") + ";charset=utf-8";
  }

  private static String digest(byte[] content) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange) {
    ServerHttpResponse response = exchange.getResponse();
    HttpHeaders headers = response.getHeaders();
    HttpMethod method = exchange.getRequest().getMethod();
    if (!METHODS.contains(method)) {
      headers.setAllow(METHODS);
      return Mono.error(
          ProblemException.of(
              ProblemType.METHOD_NOT_ALLOWED,
              "The Allow header names the methods of this address."));
    }
    headers.set("Content-Security-Policy", POLICY);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    // Asked again each time, and answered 304: after an update no page is of two versions.
    headers.setCacheControl("no-cache");
    if (exchange.checkNotModified(etag)) {
      return response.setComplete();
    }
    headers.set(HttpHeaders.CONTENT_TYPE, type);
    headers.setContentLength(content.length);
    return method.equals(HttpMethod.HEAD)
        ? response.setComplete()
        : response.writeWith(Mono.just(response.bufferFactory().wrap(content)));
  }
}
