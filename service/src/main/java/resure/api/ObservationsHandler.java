package resure.api;

import io.netty.util.concurrent.FastThreadLocal;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import reactor.core.publisher.Mono;
import resure.access.Quotas;
import resure.observation.RunId;
import resure.run.Runs;
import resure.run.Scored;
import resure.run.WholeFrom;

/** The main job, and its record. */
final class ObservationsHandler {

  private static final String IDEMPOTENCY_KEY = "Idempotency-Key";
  private static final String RESURE_SEQUENCE = "Resure-Sequence";
  private static final String RESURE_WHOLE_FROM_STEP = "Resure-Whole-From-Step";
  private static final String RESURE_WHOLE_FROM_SEQUENCE = "Resure-Whole-From-Sequence";
  private static final String INCLUDE = "include";
  private static final String IDEMPOTENCY_REPLAYED = "Idempotency-Replayed";
  private static final int MAX_KEY = 255;

  private final Runs runs;
  private final Quotas quotas;
  private final LongConsumer answered;

  /** An event loop parses one body at a time. */
  private final FastThreadLocal<BatchReader> readers;

  private final FastThreadLocal<WeightsWriter> writers =
      new FastThreadLocal<>() {
        @Override
        protected WeightsWriter initialValue() {
          return new WeightsWriter();
        }
      };

  ObservationsHandler(Runs runs, Quotas quotas, int maxLosses, LongConsumer answered) {
    this.runs = runs;
    this.quotas = quotas;
    this.answered = answered;
    readers =
        new FastThreadLocal<>() {
          @Override
          protected BatchReader initialValue() {
            return new BatchReader(maxLosses);
          }
        };
  }

  Mono<Void> score(Exchange exchange) {
    long start = System.nanoTime();
    exchange.allowQuery(INCLUDE);
    exchange.offer();
    RunId id = RunHandler.runId(exchange);
    boolean withStatistics = withStatistics(exchange.query(INCLUDE));
    String key = key(exchange);
    Exchange.within(quotas.batch(id.tenant()));
    return exchange
        .body(true, (sent, body, length) -> readers.get().read(sent, body, length))
        .flatMap(
            batch ->
                exchange.await(
                    withStatistics
                        ? runs.scoreWithStatistics(id, key, batch)
                        : runs.score(id, key, batch)))
        .flatMap(
            scored -> {
              answered.accept(System.nanoTime() - start);
              return answer(exchange, scored, withStatistics);
            });
  }

  private static boolean withStatistics(@Nullable String include) {
    if (include == null) {
      return false;
    }
    if (include.equals("statistics")) {
      return true;
    }
    throw ProblemException.parameter(INCLUDE, "must be statistics.");
  }

  private Mono<Void> answer(Exchange exchange, Scored scored, boolean withStatistics) {
    if (scored.replayed()) {
      exchange.response().getHeaders().set(IDEMPOTENCY_REPLAYED, "true");
    }
    Representation representation = exchange.representation();
    byte[] statistics =
        withStatistics
            ? Json.write(representation, RunJson.turnStatistics(scored.statistics()))
            : null;
    BodyWriter answer =
        writers
            .get()
            .write(representation, scored.sequence(), scored.batch(), scored.weights(), statistics);
    return exchange.answer(200, representation.mediaType(), answer.bytes(), answer.length());
  }

  private static @Nullable String key(Exchange exchange) {
    List<String> keys = exchange.request().getHeaders().get(IDEMPOTENCY_KEY);
    if (keys == null || keys.isEmpty()) {
      return null;
    }
    String key = keys.getFirst();
    if (keys.size() > 1
        || key.isEmpty()
        || key.length() > MAX_KEY
        || key.chars().anyMatch(c -> c <= ' ' || c > '~')) {
      throw ProblemException.parameter(
          IDEMPOTENCY_KEY, "must be one key of 1 to " + MAX_KEY + " visible ASCII characters.");
    }
    return key;
  }

  Mono<Void> export(Exchange exchange) {
    return exchange.stream(quotas, () -> exported(exchange));
  }

  private Mono<Void> exported(Exchange exchange) {
    exchange.allowQuery(
        "fromStep", "toStep", "source", "turn", "dialogue", RunHandler.AT_LEAST_SEQUENCE);
    Table table = exchange.offerLines();
    boolean gzip = exchange.takesGzip();
    Long fromStep = exchange.wholeQuery("fromStep");
    Long toStep = exchange.wholeQuery("toStep");
    Selection wanted = Selection.of(exchange);
    long atLeast = RunHandler.atLeastSequence(exchange);
    return exchange
        .await(runs.export(RunHandler.runId(exchange), fromStep, toStep, atLeast))
        .flatMap(
            export -> {
              Pieces pieces = new ExportBody(export, wanted, table);
              exchange.response().setStatusCode(HttpStatus.OK);
              HttpHeaders headers = exchange.response().getHeaders();
              headers.set(RESURE_SEQUENCE, Long.toString(export.sequence()));
              WholeFrom wholeFrom = export.wholeFrom();
              if (wholeFrom.trimmed()) {
                headers.set(RESURE_WHOLE_FROM_SEQUENCE, Long.toString(wholeFrom.sequence()));
                if (wholeFrom.step() >= 0) {
                  headers.set(RESURE_WHOLE_FROM_STEP, Long.toString(wholeFrom.step()));
                }
              }
              headers.setContentType(
                  switch (table) {
                    case JSON -> MediaType.APPLICATION_NDJSON;
                    case CBOR -> MediaType.APPLICATION_CBOR;
                    case CSV -> Table.TEXT_CSV;
                  });
              if (gzip) {
                headers.set(HttpHeaders.CONTENT_ENCODING, "gzip");
              }
              return exchange
                  .response()
                  .writeWith(
                      Pieces.body(
                              gzip ? new Gzipped(pieces) : pieces,
                              exchange.response().bufferFactory())
                          .takeUntilOther(exchange.accessEnded()));
            });
  }
}
