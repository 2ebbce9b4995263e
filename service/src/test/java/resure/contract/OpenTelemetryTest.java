package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a collector of OpenTelemetry is sent: all when it is asked for, else nothing. */
class OpenTelemetryTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "b7ad6b7169203331";

  private final List<Metric> received = new CopyOnWriteArrayList<>();
  private final List<Span> spans = new CopyOnWriteArrayList<>();
  private HttpServer collector;

  @BeforeEach
  void listen() throws IOException {
    collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/metrics",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          boolean gzip = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
          try (InputStream in = gzip ? unzipped(body) : new ByteArrayInputStream(body)) {
            ExportMetricsServiceRequest.parseFrom(in)
                .getResourceMetricsList()
                .forEach(
                    resource ->
                        resource
                            .getScopeMetricsList()
                            .forEach(scope -> received.addAll(scope.getMetricsList())));
          }
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.createContext(
        "/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          boolean gzip = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
          try (InputStream in = gzip ? unzipped(body) : new ByteArrayInputStream(body)) {
            ExportTraceServiceRequest.parseFrom(in)
                .getResourceSpansList()
                .forEach(
                    resource ->
                        resource
                            .getScopeSpansList()
                            .forEach(scope -> spans.addAll(scope.getSpansList())));
          }
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
  }

  private static InputStream unzipped(byte[] body) throws IOException {
    return new GZIPInputStream(new ByteArrayInputStream(body));
  }

  @AfterEach
  void stop() {
    collector.stop(0);
  }

  private String url() {
    return "management.otlp.metrics.export.url=http://127.0.0.1:%d/v1/metrics"
        .formatted(collector.getAddress().getPort());
  }

  /** What is left to send is sent as the service stops: nothing need be waited for. */
  private void trainAndStop(String... properties) {
    try (LiveService service = LiveService.start(properties)) {
      String run = service.newRun("{}");
      for (int step = 0; step < 3; step++) {
        service.score(
            run,
            "{\"step\": %d, \"dialogues\": [{\"id\": \"d\", \"source\": \"a\", \"losses\": [2]}]}"
                .formatted(step));
      }
      service.get(run);
    }
  }

  @Test
  void nothingIsSentToAnybodyUntilItIsSwitchedOn() {
    trainAndStop(url());

    assertThat(received).isEmpty();
  }

  @Test
  void whenItIsSwitchedOnWhatIsScrapedIsSent() {
    trainAndStop(url(), "management.otlp.metrics.export.enabled=true");

    Map<String, List<Metric>> metrics =
        received.stream().collect(Collectors.groupingBy(Metric::getName));
    assertThat(metrics).as(metrics.keySet().toString()).containsKey("resure.turn.loss.mean");
    NumberDataPoint mean = last(metrics.get("resure.turn.loss.mean")).getGauge().getDataPoints(0);
    assertThat(mean.getAsDouble()).isEqualTo(2);
    assertThat(mean.getAttributesList())
        .filteredOn(attribute -> !attribute.getKey().equals("tenant"))
        .extracting(KeyValue::getKey, attribute -> attribute.getValue().getStringValue())
        .containsExactlyInAnyOrder(tuple("run", "run-1"), tuple("turn", "0"));
    assertThat(last(metrics.get("resure.run.batches")).getSum().getDataPoints(0).getAsDouble())
        .as("since the first")
        .isEqualTo(2);
    assertThat(last(metrics.get("resure.source.losses")).getSum().getDataPoints(0).getAsDouble())
        .isEqualTo(2);
    assertThat(last(metrics.get("resure.batch.latency")).hasHistogram()).isTrue();
    assertThat(last(metrics.get("resure.observations")).getSum().getIsMonotonic()).isTrue();
  }

  private String traces() {
    return "management.opentelemetry.tracing.export.otlp.endpoint=http://127.0.0.1:%d/v1/traces"
        .formatted(collector.getAddress().getPort());
  }

  private static void askInTrace(LiveService service) {
    service.get("/v1/runs/nobody", "traceparent", "00-%s-%s-01".formatted(TRACE, PARENT));
  }

  @Test
  void noTraceIsSentUntilItIsSwitchedOn() {
    try (LiveService service = LiveService.start(traces())) {
      askInTrace(service);
    }
    assertThat(spans).isEmpty();
  }

  @Test
  void whenTracesAreSwitchedOnThatOfTheCallerGoesOn() {
    try (LiveService service =
        LiveService.start(traces(), "management.tracing.export.enabled=true")) {
      askInTrace(service);
    }
    assertThat(spans)
        .filteredOn(span -> hex(span.getTraceId()).equals(TRACE))
        .singleElement()
        .satisfies(
            span -> {
              assertThat(hex(span.getParentSpanId())).isEqualTo(PARENT);
              assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
              assertThat(span.getAttributesList())
                  .extracting(KeyValue::getKey, attribute -> attribute.getValue().getStringValue())
                  .contains(tuple("status", "404"), tuple("uri", "/v1/runs/{run}"));
            });
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  private static Metric last(List<Metric> metrics) {
    return metrics.getLast();
  }
}
