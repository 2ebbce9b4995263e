package resure.api;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import resure.access.Caller;
import resure.access.Quotas;
import resure.access.Scope;
import resure.observation.RunId;
import resure.run.Outcome;
import tools.jackson.core.JsonGenerator;

/** One request and its answer, as the handlers need them. On the connection's event loop. */
final class Exchange {

  /** Bodies up to this size are read into an array that their event loop keeps. */
  private static final int LARGEST_SCRATCH = 1 << 20;

  private static final FastThreadLocal<byte[]> SCRATCH =
      new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
          return new byte[1 << 16];
        }
      };

  private final ServerWebExchange exchange;
  private final Map<String, String> path;
  private final int maxBody;
  private Representation representation = Representation.JSON;

  /**
   * Wraps an exchange.
   *
   * @param path the parts of the path that have a name
   * @param maxBody most bytes of a body
   */
  Exchange(ServerWebExchange exchange, Map<String, String> path, int maxBody) {
    this.exchange = exchange;
    this.path = path;
    this.maxBody = maxBody;
  }

  ServerHttpRequest request() {
    return exchange.getRequest();
  }

  ServerHttpResponse response() {
    return exchange.getResponse();
  }

  /** Who asks. */
  Caller caller() {
    return AccessFilter.caller(exchange);
  }

  /** Refuses a caller who is not allowed this. */
  void require(Scope scope) {
    if (!caller().may(scope)) {
      throw AccessFilter.insufficient(scope);
    }
  }

  /** Refuses a caller whose tenant uses as much as it may; null where it does not. */
  static void within(Quotas.@Nullable Refused refused) {
    if (refused != null) {
      throw Refusals.problem(refused);
    }
  }

  /** Gives an answer that goes on for long, and of which a tenant may have so many at once. */
  Mono<Void> stream(Quotas quotas, Supplier<Mono<Void>> answer) {
    String tenant = caller().tenant();
    return Mono.using(
        () -> {
          within(quotas.open(tenant));
          return tenant;
        },
        open -> answer.get(),
        quotas::close);
  }

  /** Fails when the caller is no longer let in; for answers that go on for long. */
  Mono<Void> accessEnded() {
    return AccessFilter.ended(exchange);
  }

  /** Notes in the audit log who did this to a run, or tried to, when it is known how it ended. */
  <T> Mono<T> audited(String action, RunId run, Mono<T> outcome) {
    Caller caller = caller();
    return outcome
        .doOnSuccess(done -> AuditLog.note(caller, action, run, "done"))
        .doOnError(
            ProblemException.class,
            problem -> AuditLog.note(caller, action, run, problem.type().shortName()));
  }

  /** Name of the run in the path, not checked; empty where there is none. */
  String run() {
    return path.getOrDefault("run", "");
  }

  /** Name of the replay in the path, not checked; empty where there is none. */
  String replay() {
    return path.getOrDefault("replay", "");
  }

  @Nullable String header(String name) {
    return request().getHeaders().getFirst(name);
  }

  /** The value of a query parameter that may be given once. */
  @Nullable String query(String name) {
    var values = request().getQueryParams().get(name);
    if (values == null) {
      return null;
    }
    if (values.size() > 1) {
      throw ProblemException.parameter(name, "Give '" + name + "' once.");
    }
    String value = values.getFirst();
    return value == null ? "" : value;
  }

  /** The values of a query parameter that may be given more than once, in order. */
  List<String> queries(String name) {
    List<String> given = new ArrayList<>();
    for (String value : request().getQueryParams().getOrDefault(name, List.of())) {
      given.add(value == null ? "" : value);
    }
    return given;
  }

  /** The same, of a whole number that JSON can hold exactly; null where it is not given. */
  @Nullable Long wholeQuery(String name) {
    String text = query(name);
    return text == null ? null : whole(name, text);
  }

  /** The whole number that JSON can hold exactly which a query parameter has as its value. */
  static long whole(String name, String text) {
    if (text.matches("[0-9]{1,16}")) {
      long value = Long.parseLong(text);
      if (value <= RunHandler.LARGEST_STEP) {
        return value;
      }
    }
    throw ProblemException.parameter(
        name, "must be a whole number from 0 to " + RunHandler.LARGEST_STEP + ".");
  }

  /** Refuses query parameters that nobody reads, since a misspelt one would silently do nothing. */
  void allowQuery(String... names) {
    for (String given : request().getQueryParams().keySet()) {
      if (!List.of(names).contains(given)) {
        throw ProblemException.parameter(
            Text.shortened(given),
            names.length == 0
                ? "This operation has no query parameters."
                : "Known query parameters are " + String.join(", ", names) + ".");
      }
    }
  }

  /** Settles the answer's representation: JSON, or CBOR where the client likes that better. */
  void offer() {
    int _ = settle(MediaType.APPLICATION_JSON);
  }

  /** The same of an answer that may also be CSV, where the client likes that better still. */
  Table offerTable() {
    return table(MediaType.APPLICATION_JSON);
  }

  /** The same of an answer that has lines of JSON in place of JSON. */
  Table offerLines() {
    return table(MediaType.APPLICATION_NDJSON);
  }

  private Table table(MediaType json) {
    response().getHeaders().add(HttpHeaders.VARY, HttpHeaders.ACCEPT);
    return switch (settle(json, Table.TEXT_CSV)) {
      case 0 -> Table.JSON;
      case 1 -> Table.CBOR;
      default -> Table.CSV;
    };
  }

  private int settle(MediaType json, MediaType... others) {
    String accept = header(HttpHeaders.ACCEPT);
    if (accept == null || accept.equals("*/*") || accept.equals(json.toString())) {
      return 0;
    }
    List<MediaType> accepted = accepted();
    List<MediaType> offered = new ArrayList<>(List.of(json, MediaType.APPLICATION_CBOR));
    offered.addAll(List.of(others));
    int best = 0;
    for (int i = 1; i < offered.size(); i++) {
      if (quality(accepted, offered.get(i)) > quality(accepted, offered.get(best))) {
        best = i;
      }
    }
    if (quality(accepted, offered.get(best)) == 0) {
      throw ProblemException.of(
          ProblemType.NOT_ACCEPTABLE,
          "This operation answers "
              + offered.stream().map(Exchange::name).collect(Collectors.joining(" or "))
              + ".");
    }
    representation = best == 1 ? Representation.CBOR : Representation.JSON;
    return best;
  }

  private static String name(MediaType type) {
    return type.getType() + "/" + type.getSubtype();
  }

  /** Whether the client takes gzip, which only long answers offer. */
  boolean takesGzip() {
    response().getHeaders().add(HttpHeaders.VARY, HttpHeaders.ACCEPT_ENCODING);
    String accepted = header(HttpHeaders.ACCEPT_ENCODING);
    double any = 0;
    if (accepted != null) {
      for (String each : accepted.split(",", -1)) {
        String[] parts = each.trim().split("\\s*;\\s*q=", 2);
        double quality = parts.length == 1 ? 1 : parts[1].matches("0(\\.0{0,3})?") ? 0 : 1;
        if (parts[0].equalsIgnoreCase("gzip") || parts[0].equalsIgnoreCase("x-gzip")) {
          return quality > 0;
        }
        if (parts[0].equals("*")) {
          any = quality;
        }
      }
    }
    return any > 0;
  }

  /** Refuses a client that does not accept the only type of an answer. */
  void offer(MediaType only) {
    if (header(HttpHeaders.ACCEPT) != null && quality(accepted(), only) == 0) {
      throw ProblemException.of(
          ProblemType.NOT_ACCEPTABLE, "This operation answers " + only + " only.");
    }
  }

  private List<MediaType> accepted() {
    try {
      return request().getHeaders().getAccept();
    } catch (InvalidMediaTypeException e) {
      throw ProblemException.of(
          ProblemType.NOT_ACCEPTABLE, "The Accept header is not a list of media types.");
    }
  }

  /** How much a client likes a type, by the most specific of its ranges that has it; 0 for none. */
  private static double quality(List<MediaType> accepted, MediaType type) {
    double quality = 0;
    int mostSpecific = -1;
    for (MediaType range : accepted) {
      int specific = range.isWildcardType() ? 0 : range.isWildcardSubtype() ? 1 : 2;
      if (range.includes(type) && specific > mostSpecific) {
        mostSpecific = specific;
        quality = range.getQualityValue();
      }
    }
    return quality;
  }

  /** The representation that was settled for the answer. */
  Representation representation() {
    return representation;
  }

  /** What a body says. */
  interface BodyReader<T> {
    /** Reads the first {@code length} bytes; the array is used again afterwards. */
    T read(Representation sent, byte[] body, int length);
  }

  /** Reads a body; an absent one, where it is not required, has length 0. */
  <T> Mono<T> body(boolean required, BodyReader<T> reader) {
    HttpHeaders headers = request().getHeaders();
    Representation sent = sent(headers, required);
    if (headers.getContentLength() > maxBody) {
      throw tooLarge();
    }
    return DataBufferUtils.join(request().getBody(), maxBody)
        .onErrorMap(DataBufferLimitException.class, e -> tooLarge())
        .map(
            buffer -> {
              int length = buffer.readableByteCount();
              byte[] body = scratch(length);
              buffer.read(body, 0, length);
              DataBufferUtils.release(buffer);
              return reader.read(sent, body, length);
            })
        .switchIfEmpty(Mono.fromSupplier(() -> reader.read(sent, new byte[0], 0)));
  }

  private static byte[] scratch(int length) {
    byte[] scratch = SCRATCH.get();
    if (scratch.length >= length) {
      return scratch;
    }
    if (length > LARGEST_SCRATCH) {
      return new byte[length];
    }
    scratch = new byte[Math.max(length, 2 * scratch.length)];
    SCRATCH.set(scratch);
    return scratch;
  }

  private static Representation sent(HttpHeaders headers, boolean required) {
    String type = headers.getFirst(HttpHeaders.CONTENT_TYPE);
    if (type == null) {
      if (required
          || headers.getContentLength() > 0
          || headers.containsHeader(HttpHeaders.TRANSFER_ENCODING)) {
        throw unsupported();
      }
      return Representation.JSON;
    }
    String encoding = headers.getFirst(HttpHeaders.CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw unsupported();
    }
    for (Representation known : Representation.values()) {
      if (type.equals(known.mediaType().toString())) {
        return known;
      }
    }
    try {
      MediaType media = MediaType.parseMediaType(type);
      Charset charset = media.getCharset();
      for (Representation known : Representation.values()) {
        if (media.equalsTypeAndSubtype(known.mediaType())
            && (charset == null || charset.equals(StandardCharsets.UTF_8))) {
          return known;
        }
      }
    } catch (IllegalArgumentException e) {
      // Not a media type at all, or an unknown charset.
    }
    throw unsupported();
  }

  private static ProblemException unsupported() {
    return ProblemException.of(
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        "Send application/json in UTF-8 or application/cbor, without a content encoding.");
  }

  private ProblemException tooLarge() {
    return ProblemException.limit(
        ProblemType.BODY_TOO_LARGE,
        "resure.limits.body",
        "A body may have " + maxBody + " bytes. Split the batch into micro-batches.");
  }

  /** The value of an outcome, on this connection's event loop; a refusal is a problem. */
  <T> Mono<T> await(CompletableFuture<Outcome<T>> outcome) {
    EventLoop loop = eventLoop();
    return Mono.create(
        sink -> {
          CompletableFuture<?> _ =
              outcome.whenComplete(
                  (value, failure) ->
                      // One hop back; from a shard that answers a whole group, most find the loop
                      // awake.
                      loop.execute(
                          () -> {
                            switch (value) {
                              case null -> sink.error(failure);
                              case Outcome.Done<T> done -> sink.success(done.value());
                              case Outcome.Refused<T> refused ->
                                  sink.error(Refusals.problem(refused));
                            }
                          }));
        });
  }

  private EventLoop eventLoop() {
    HttpServerRequest netty = ServerHttpRequestDecorator.getNativeRequest(request());
    EventLoop[] found = new EventLoop[1];
    netty.withConnection(connection -> found[0] = connection.channel().eventLoop());
    return found[0];
  }

  /** Answers with bytes that nobody changes any more. */
  Mono<Void> answer(int status, MediaType type, byte[] bytes, int length) {
    ServerHttpResponse response = response();
    response.setStatusCode(HttpStatusCode.valueOf(status));
    HttpHeaders headers = response.getHeaders();
    headers.set(HttpHeaders.CONTENT_TYPE, type.toString());
    headers.setContentLength(length);
    DataBuffer buffer = response.bufferFactory().allocateBuffer(length);
    buffer.write(bytes, 0, length);
    return response.writeWith(Mono.just(buffer));
  }

  /** Answers in the representation that was settled. */
  Mono<Void> answer(int status, Consumer<JsonGenerator> content) {
    byte[] body = Json.write(representation, content);
    return answer(status, representation.mediaType(), body, body.length);
  }
}
