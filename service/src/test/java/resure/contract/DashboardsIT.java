package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.slf4j.LoggerFactory;
import resure.deploy.Dashboards;
import resure.deploy.PrometheusProcess;
import tools.jackson.databind.JsonNode;

/**
 * Every query of every dashboard, and every rule, in a real Prometheus that scrapes the running
 * service, which is fed with the recorded trace and with what goes wrong.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ResourceLock(LiveService.IN_THIS_PROCESS)
class DashboardsIT {

  /** Lines of one panel that can still be told apart. */
  private static final int MOST_LINES = 12;

  private static final Pattern LABEL_VALUES =
      Pattern.compile("label_values\\((.*), (\\w+)\\)", Pattern.DOTALL);

  @TempDir private static Path directory;

  private static LiveService service;
  private static PrometheusProcess prometheus;
  private static String run;

  @BeforeAll
  static void feed() throws Exception {
    Optional<Path> installed = PrometheusProcess.installed("prometheus");
    assumeTrue(installed.isPresent(), "SKIPPED: no prometheus here to run the dashboards' queries");
    service =
        LiveService.start(
            "resure.backup.directory=" + directory.resolve("backups"),
            "spring.ssl.bundle.jks.server.keystore.location=" + keystore(),
            "spring.ssl.bundle.jks.server.keystore.password=changeit");
    Path own = directory.resolve("prometheus");
    assertThat(own.toFile().mkdir()).isTrue();
    prometheus = PrometheusProcess.start(installed.get(), own, service.managementPort());
    String path = service.newRun("{}");
    run = path.substring(path.lastIndexOf('/') + 1);
    String wide = service.newRun("{\"warmUp\": 2}");
    List<String> trace = new Trace().bodies;
    for (int step = 0; step < trace.size(); step++) {
      service.score(path, trace.get(step));
      if (step % 4 == 0) {
        wide(wide, step);
      }
    }
    LoggerFactory.getLogger(DashboardsIT.class).warn("counted");
    System.gc();
    rise(path, trace.size());
  }

  private static Path keystore() throws Exception {
    Path keystore = directory.resolve("server.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-validity",
                "90",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                keystore.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return keystore;
  }

  /** Thirty sources of twenty turns, of which some are unusable, late, or weighed already. */
  private static void wide(String path, int step) {
    Random random = new Random(step);
    String losses =
        IntStream.range(0, 20)
            .mapToObj(t -> String.format(Locale.ROOT, "%.3f", 2 + random.nextGaussian()))
            .collect(Collectors.joining(", "));
    String dialogues =
        IntStream.range(0, 30)
            .mapToObj(
                s ->
                    "{\"id\": \"d-%d\", \"source\": \"s \\\"%d\\\" <b>\\n\", \"losses\": [%s]}"
                        .formatted(s, s, losses))
            .collect(Collectors.joining(", "));
    service.score(path, "{\"step\": %d, \"dialogues\": [%s]}".formatted(step, dialogues));
    String weighed =
        "{\"step\": %d, \"rank\": 1, \"dialogues\": [{\"id\": \"d\", \"losses\": [2, NaN],"
            + " \"weights\": [1, 1]}]}";
    service.score(path, weighed.formatted(step));
    if (step > 0) {
      service.score(path, weighed.formatted(step - 4));
    }
  }

  /**
   * Lets the loss of turn 2 rise, and rise again, until both marks were scraped and what is
   * recorded of rates was recorded: the last rule of its group stands for all.
   */
  private static void rise(String path, int from) {
    Random random = new Random(1);
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
    for (int step = from; !marked(); step++) {
      assertThat(System.nanoTime()).as("no marks by step " + step).isLessThan(deadline);
      service.post("/v1/runs/none-of-this-name/observations", "{\"dialogues\": []}");
      int risen = (step - from) / 200;
      double level = Math.min(90, 8 + 6.0 * risen);
      for (int i = 0; i < 20; i++, step++) {
        String dialogues =
            IntStream.range(0, 8)
                .mapToObj(
                    d ->
                        String.format(
                            Locale.ROOT,
                            "{\"id\": \"r-%d\", \"losses\": [1.5, 1.5, %.3f]}",
                            d,
                            level + random.nextGaussian()))
                .collect(Collectors.joining(", "));
        service.score(path, "{\"step\": %d, \"dialogues\": [%s]}".formatted(step, dialogues));
      }
    }
  }

  private static boolean marked() {
    String both =
        "sum(increase(resure_turn_drift_alarms_total{run=\"%1$s\"}[1m])) > 0 and"
            + " sum(increase(resure_turn_drift_warnings_total{run=\"%1$s\"}[1m])) > 0 and"
            + " count(ALERTS{alertname=\"ResureTurnDrift\",alertstate=\"firing\"}) > 0 and"
            + " count(run_source:resure_effective_sample:ratio15m{run=\"%1$s\"}) > 0 and"
            + " sum(rate(resure_problems_total[30s])) > 0";
    return prometheus.query(both.formatted(run)).size() > 0;
  }

  @AfterAll
  static void stop() {
    if (prometheus != null) {
      prometheus.close();
    }
    if (service != null) {
      service.close();
    }
  }

  private static String substituted(String text) {
    return text.replace("$__rate_interval", "30s")
        .replace("$__range", "5m")
        .replace("$tenant", ".*")
        .replace("$run", run)
        .replace("$turn", "2")
        .replace("$instance", ".*");
  }

  private static List<Double> values(JsonNode series) {
    List<Double> values = new ArrayList<>();
    for (JsonNode each : series) {
      List<JsonNode> samples = new ArrayList<>();
      each.path("values").forEach(samples::add);
      if (each.has("value")) {
        samples.add(each.get("value"));
      }
      for (JsonNode sample : samples) {
        String text = sample.get(1).asString();
        double value = text.endsWith("Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text);
        if (Double.isFinite(value)) {
          values.add(value);
        }
      }
    }
    return values;
  }

  @Test
  void everyPanelHasDataAndNoMoreLinesThanCanBeRead() {
    List<String> empty = new ArrayList<>();
    List<String> crowded = new ArrayList<>();
    for (Map.Entry<String, JsonNode> dashboard : Dashboards.all().entrySet()) {
      for (JsonNode panel : Dashboards.panels(dashboard.getValue())) {
        String what = dashboard.getKey() + ", " + panel.get("title").asString();
        int lines = 0;
        for (JsonNode target : panel.get("targets")) {
          String expression = substituted(target.get("expr").asString());
          JsonNode series =
              target.get("instant").asBoolean()
                  ? prometheus.query(expression)
                  : prometheus.queryRange(expression, 300);
          lines += series.size();
          if (values(series).isEmpty()) {
            empty.add(what + ": " + expression + " gives " + series);
          }
        }
        if (panel.get("type").asString().equals("timeseries") && lines > MOST_LINES) {
          crowded.add(what + ": " + lines);
        }
      }
    }
    assertThat(empty).isEmpty();
    assertThat(crowded).isEmpty();
  }

  @Test
  void everyVariableAndAnnotationHasData() {
    List<String> empty = new ArrayList<>();
    for (Map.Entry<String, JsonNode> dashboard : Dashboards.all().entrySet()) {
      for (JsonNode variable : dashboard.getValue().at("/templating/list")) {
        if (variable.get("type").asString().equals("query")) {
          Matcher query = LABEL_VALUES.matcher(variable.at("/query/query").asString());
          assertThat(query.matches()).as(variable.toString()).isTrue();
          if (prometheus.labelValues(substituted(query.group(1)), query.group(2)).isEmpty()) {
            empty.add(dashboard.getKey() + ", variable " + variable.get("name"));
          }
        }
      }
      for (JsonNode annotation : dashboard.getValue().at("/annotations/list")) {
        // A store that was not down has no marks, nor has a process that started long ago, as one
        // that has run other tests: only that they can be asked is seen here.
        String name = annotation.get("name").asString();
        if (annotation.has("expr")
            && prometheus.queryRange(substituted(annotation.get("expr").asString()), 300).isEmpty()
            && !name.equals("Store down")
            && !name.equals("Started")) {
          empty.add(dashboard.getKey() + ", annotation " + name);
        }
      }
    }
    assertThat(empty).isEmpty();
  }

  @Test
  void everyRuleIsEvaluatedAndOfAlertsOnlyWhatIsWrongFires() {
    TreeSet<String> firing = new TreeSet<>();
    List<String> recorded = new ArrayList<>();
    for (JsonNode group : prometheus.rules()) {
      for (JsonNode rule : group.get("rules")) {
        String name = rule.get("name").asString();
        assertThat(rule.get("health").asString()).as(rule.toString()).isEqualTo("ok");
        if (rule.get("type").asString().equals("recording")) {
          recorded.add(name);
        } else if (rule.get("state").asString().equals("firing")) {
          firing.add(name);
        }
      }
    }
    assertThat(recorded).isNotEmpty().allMatch(name -> prometheus.query(name).size() > 0);
    // The wide run's unusable losses are one in 302 of those of a step, so few that none tells.
    assertThat(firing).containsExactly("ResureTurnDrift");
  }

  /** By an oracle that is not PromQL: the statistics of the service. */
  @Test
  void whatIsShownIsWhatTheServiceSays() {
    JsonNode reference =
        service.get("/v1/runs/" + run + "/statistics").json().at("/reference/turns");
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              for (JsonNode turn : reference) {
                String series =
                    "resure_turn_loss_mean{run=\"%s\",turn=\"%d\"}"
                        .formatted(run, turn.get("turn").asInt());
                assertThat(values(prometheus.query(series)))
                    .containsExactly(turn.get("mean").asDouble());
              }
            });
  }

  @Test
  void sourcesWithAnyCharactersArriveAsTheyAre() throws IOException {
    assertThat(prometheus.labelValues("resure_source_weight_mean", "source"))
        .contains("s \"0\" <b>\n", "(other)", "clean");
  }
}
