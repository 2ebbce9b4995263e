package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a scrape of the running service says, beside docs/metrics.md and the service's answers. */
class MetricsTest {

  private static final int MAX_RUNS = 2;

  /** Of a run with two turns and no sources: 8 of its own, 12 of each turn, 5 of no source. */
  private static final int SERIES = 8 + 2 * 12 + 5;

  private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? (\\S+)");
  private static final Pattern TAG = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  @TempDir private static Path backups;

  private static LiveService service;

  private final List<String> runs = new ArrayList<>();

  @BeforeAll
  static void start() {
    service =
        LiveService.start(
            "resure.metrics.max-runs=" + MAX_RUNS,
            "resure.metrics.max-turns=3",
            "resure.metrics.max-sources=2",
            "resure.backup.directory=" + backups);
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @AfterEach
  void deleteRuns() {
    runs.forEach(service::delete);
  }

  private String newRun(String configuration) {
    String run = service.newRun(configuration);
    runs.add(run);
    return run;
  }

  /** A sample of a series, with its tags. */
  private record Sample(String series, Map<String, String> tags, double value) {}

  private static List<Sample> samples(String scrape) {
    List<Sample> samples = new ArrayList<>();
    for (String line : scrape.lines().filter(l -> !l.startsWith("#")).toList()) {
      Matcher sample = SAMPLE.matcher(line);
      if (sample.matches()) {
        Map<String, String> tags = new TreeMap<>();
        if (sample.group(2) != null) {
          TAG.matcher(sample.group(2)).results().forEach(t -> tags.put(t.group(1), t.group(2)));
        }
        samples.add(new Sample(sample.group(1), tags, Double.parseDouble(sample.group(3))));
      }
    }
    return samples;
  }

  private static List<Sample> of(String run) {
    String name = run.substring(run.lastIndexOf('/') + 1);
    return samples(service.scrape()).stream().filter(s -> name.equals(s.tags.get("run"))).toList();
  }

  private static double value(String series, String run, String turn) {
    return value(series, run, s -> turn.equals(s.tags.get("turn")));
  }

  private static double value(String series, String run, Predicate<Sample> which) {
    List<Sample> found =
        of(run).stream().filter(s -> s.series.equals(series) && which.test(s)).toList();
    assertThat(found).as("%s of %s", series, run).hasSize(1);
    return found.getFirst().value;
  }

  private static double value(String series) {
    return samples(service.scrape()).stream()
        .filter(sample -> sample.series.equals(series))
        .mapToDouble(Sample::value)
        .sum();
  }

  private static Answer step(String run, int step, String dialogues) {
    Answer answer =
        service.score(run, "{\"step\": %d, \"dialogues\": [%s]}".formatted(step, dialogues));
    // Meters move right after the answers of a group; the next request of the run is after that.
    service.get(run);
    return answer;
  }

  private static void twoSteps(String run) {
    step(run, 0, "{\"id\": \"d-1\", \"losses\": [1, 2]}, {\"id\": \"d-2\", \"losses\": [2, 3]}");
    step(run, 1, "{\"id\": \"d-3\", \"losses\": [1, 2]}");
  }

  @Test
  void everySeriesOfOursIsInTheDocumentWithItsTypeAndTagsAndNoOther() throws IOException {
    String run = newRun("{}");
    twoSteps(run);
    service.get("/v1/runs/none-of-this-name");
    String scrape = service.scrape();
    TreeMap<String, TreeSet<String>> tags = new TreeMap<>();
    for (Sample sample : samples(scrape)) {
      tags.computeIfAbsent(
              sample.series.replaceFirst("_(bucket|count|sum)$", ""), k -> new TreeSet<>())
          .addAll(sample.tags.keySet());
    }
    TreeSet<String> scraped = new TreeSet<>();
    for (String line : scrape.lines().filter(l -> l.startsWith("# TYPE resure_")).toList()) {
      String[] words = line.split(" ", -1);
      TreeSet<String> ofSeries = tags.getOrDefault(words[2], new TreeSet<>());
      ofSeries.remove("le");
      scraped.add("`%s` | %s | %s".formatted(words[2], words[3], String.join(", ", ofSeries)));
    }

    TreeSet<String> documented = new TreeSet<>();
    for (String line : rows("`resure_")) {
      String[] cells = line.split("\\|", -1);
      documented.add(
          "%s | %s | %s".formatted(cells[1].strip(), cells[2].strip(), cells[3].strip()));
    }
    assertThat(scraped).isEqualTo(documented);
  }

  @Test
  void whatTheDocumentSaysIsWorthWatchingIsThere() throws IOException {
    String scrape = service.scrape();

    List<String> others =
        rows("`").stream()
            .filter(row -> !row.matches("\\| `(resure_|run).*") && !row.contains("absent until"))
            .map(row -> row.substring(3, row.indexOf('`', 3)))
            .toList();
    assertThat(others).hasSizeGreaterThan(3);
    for (String series : others) {
      assertThat(scrape).contains("# TYPE " + series + " ");
    }
  }

  private static List<String> rows(String start) throws IOException {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("docs/metrics.md"))) {
      directory = directory.getParent();
    }
    return Files.readAllLines(
            Objects.requireNonNull(directory, "run within the repository")
                .resolve("docs/metrics.md"))
        .stream()
        .filter(line -> line.startsWith("| " + start))
        .toList();
  }

  @Test
  void theSeriesOfATurnSayWhatTheNewestStepIsWeighedAgainst() {
    String run = newRun("{\"warmUp\": 2}");
    double weightSum = 0;
    double weightSquares = 0;
    for (int step = 0; step < 5; step++) {
      Answer answer =
          step(
              run,
              step,
              """
              {"id": "d-1", "losses": [2.1, %s]}, {"id": "d-2", "losses": [%s, 1.5]},
              {"id": "d-3", "losses": [2.4, null]}
              """
                  .formatted(step + 1, step == 3 ? 3.1 : 2.2));
      if (step < 4) {
        for (JsonNode dialogue : answer.json().get("weights")) {
          weightSum += dialogue.get(0).asDouble();
          weightSquares += Math.pow(dialogue.get(0).asDouble(), 2);
        }
      }
    }

    JsonNode turns = service.get(run + "/statistics").json().at("/reference/turns");

    assertThat(weightSum).as("some weight below 1").isLessThan(12);
    for (int turn = 0; turn < 2; turn++) {
      JsonNode expected = turns.get(turn);
      String label = Integer.toString(turn);
      assertThat(value("resure_turn_loss_mean", run, label))
          .isEqualTo(expected.get("mean").asDouble());
      assertThat(value("resure_turn_loss_sd", run, label))
          .isEqualTo(
              Math.sqrt(expected.get("m2").asDouble() / (expected.get("count").asDouble() - 1)));
      assertThat(value("resure_turn_observations", run, label))
          .isEqualTo(expected.get("seen").asDouble());
    }
    assertThat(value("resure_turn_weight_mean", run, "0")).isCloseTo(weightSum / 12, within(1e-12));
    assertThat(value("resure_turn_effective_sample_ratio", run, "0"))
        .isCloseTo(weightSum * weightSum / weightSquares / 12, within(1e-12));
  }

  @Test
  void driftIsWhatTheStatisticsSayAndAnAlarmCountsOnce() {
    String run = newRun("{}");
    Random random = new Random(1);
    for (int step = 0; step < 60; step++) {
      List<String> dialogues = new ArrayList<>();
      for (int d = 0; d < 8; d++) {
        dialogues.add(
            "{\"id\": \"d\", \"losses\": [%s, %s]}"
                .formatted(
                    2 + 0.5 * random.nextGaussian(),
                    (step < 40 ? 2 : 3) + 0.5 * random.nextGaussian()));
      }
      step(run, step, String.join(",", dialogues));
    }

    JsonNode turns = service.get(run + "/statistics").json().get("turns");
    for (int turn = 0; turn < 2; turn++) {
      JsonNode expected = turns.get(turn);
      String label = Integer.toString(turn);
      assertThat(value("resure_turn_drift", run, label))
          .isEqualTo(expected.get("drift").asDouble());
      assertThat(value("resure_turn_drift_warnings_total", run, label))
          .isEqualTo(expected.get("warnings").asDouble());
      assertThat(value("resure_turn_drift_alarms_total", run, label)).isEqualTo(turn);
      assertThat(expected.get("alarms").asInt()).isEqualTo(turn);
      assertThat(expected.get("warning").asBoolean()).isFalse();
    }
    assertThat(turns.at("/0/lastAlarmStep").isNull()).isTrue();
    assertThat(turns.at("/1/lastAlarmStep").asInt()).isBetween(41, 50);
    assertThat(turns.at("/1/warnings").asInt()).isPositive();
    assertThat(turns.at("/1/slowMean").asDouble()).isCloseTo(3, within(0.2));
    assertThat(turns.at("/1/slowStandardDeviation").asDouble()).isBetween(0.3, 0.8);

    service.post(run + "/rewind", "{\"nextStep\": 58}");
    step(run, 58, "{\"id\": \"d\", \"losses\": [2, 3]}");
    assertThat(value("resure_turn_drift_alarms_total", run, "1")).isZero();
    assertThat(service.get(run + "/statistics").json().at("/turns/1/alarms").asInt()).isEqualTo(1);
  }

  @Test
  void turnsPastTheLastAreOneSeries() {
    String run = newRun("{}");
    step(run, 0, "{\"id\": \"d-1\", \"losses\": [1, 2, 3, 4, 8]}");
    step(run, 1, "{\"id\": \"d-2\", \"losses\": [1]}");

    TreeSet<String> turns = new TreeSet<>();
    of(run).stream().flatMap(s -> Stream.ofNullable(s.tags.get("turn"))).forEach(turns::add);

    assertThat(turns).containsExactly("0", "1", "2+");
    assertThat(value("resure_turn_observations", run, "2+")).isEqualTo(3);
    assertThat(value("resure_turn_loss_mean", run, "2+")).isCloseTo(5, within(1e-12));
    assertThat(value("resure_turn_loss_sd", run, "2+")).isCloseTo(Math.sqrt(7), within(1e-12));
    assertThat(value("resure_turn_weight_mean", run, "2+")).isEqualTo(1);
  }

  @Test
  void turnsThatARunBeganWithHaveSeriesThoughNoLossOfThemCame() {
    String other = newRun("{}");
    step(other, 0, "{\"id\": \"d-1\", \"losses\": [1, 2, 3, 4, 8]}");
    String run =
        newRun(
            "{\"startFrom\": {\"run\": \"%s\"}}".formatted(other.substring("/v1/runs/".length())));
    assertThat(of(run)).as("before the first step").isEmpty();

    step(run, 0, "{\"id\": \"d-2\", \"losses\": [1]}");
    step(run, 1, "{\"id\": \"d-3\", \"losses\": [1]}");

    assertThat(value("resure_turn_observations", run, "0")).isEqualTo(2);
    assertThat(value("resure_turn_weight_mean", run, "0")).isEqualTo(1);
    assertThat(value("resure_turn_loss_mean", run, "1")).isEqualTo(2);
    assertThat(value("resure_turn_weight_mean", run, "1")).isNaN();
    assertThat(value("resure_turn_observations", run, "2+")).isEqualTo(3);
    assertThat(value("resure_turn_weight_mean", run, "2+")).isNaN();
  }

  @Test
  void aRunThatFinishesOrIsDeletedHasNoSeriesAnyMore() {
    String finished = newRun("{}");
    String deleted = newRun("{}");
    twoSteps(finished);
    twoSteps(deleted);
    assertThat(of(finished)).hasSize(SERIES);
    assertThat(of(deleted)).hasSize(SERIES);

    service.post(finished + "/finish", "");
    service.delete(deleted);

    assertThat(of(finished)).isEmpty();
    assertThat(of(deleted)).isEmpty();
    service.post(finished + "/rewind", "{\"nextStep\": 2}");
    step(finished, 2, "{\"id\": \"d-4\", \"losses\": [1]}");
    assertThat(of(finished)).as("reopened").hasSize(SERIES);
  }

  @Test
  void noMoreRunsThanTheBoundHaveSeriesAndAPlaceThatIsFreeIsTaken() {
    List<String> many = new ArrayList<>();
    for (int i = 0; i < MAX_RUNS + 3; i++) {
      many.add(newRun("{}"));
      twoSteps(many.getLast());
    }

    assertThat(many.stream().filter(run -> !of(run).isEmpty()))
        .containsExactlyElementsOf(many.subList(0, MAX_RUNS));
    assertThat(value("resure_runs_exported")).isEqualTo(MAX_RUNS);
    service.post(many.getFirst() + "/finish", "");
    step(many.getLast(), 2, "{\"id\": \"d-4\", \"losses\": [1]}");
    assertThat(of(many.getLast())).isNotEmpty();
    assertThat(value("resure_runs_exported")).isEqualTo(MAX_RUNS);
  }

  @Test
  void countersCountWhatHappened() {
    String run = newRun("{}");
    double observations = value("resure_observations_total");
    double late = value("resure_late_batches_total");
    double answers = value("resure_batch_latency_seconds_count");
    double batches = value("resure_group_batches_sum");
    double problems = value("resure_problems_total");

    step(run, 5, "{\"id\": \"d-1\", \"losses\": [1, null, 1000]}");
    step(run, 3, "{\"id\": \"d-1\", \"losses\": [1]}");
    service.post(run + "/observations", "{\"step\": -1, \"dialogues\": []}");

    assertThat(value("resure_observations_total") - observations).isEqualTo(3);
    assertThat(value("resure_late_batches_total") - late).isEqualTo(1);
    assertThat(value("resure_batch_latency_seconds_count") - answers).isEqualTo(2);
    assertThat(value("resure_group_batches_sum") - batches).isEqualTo(2);
    assertThat(value("resure_problems_total") - problems).isEqualTo(1);
    assertThat(value("resure_store_up")).isEqualTo(1);
    await().atMost(Duration.ofSeconds(10)).until(() -> value("resure_queue_losses") == 0);
  }

  private static double ofRun(String series, String run) {
    return value(series, run, s -> true);
  }

  private static double ofSource(String series, String run, String source) {
    return value(series, run, s -> source.equals(s.tags.get("source")));
  }

  @Test
  void theSeriesOfASourceSayWhatTheStatisticsSayAndTheRestIsPooled() {
    String run = newRun("{\"warmUp\": 2}");
    for (int step = 0; step < 4; step++) {
      step(
          run,
          step,
          """
          {"id": "d-1", "source": "a \\"b\\" \\\\ \\n<c>", "losses": [2.1, %s]},
          {"id": "d-2", "losses": [2.2, 1.5]},
          {"id": "d-3", "source": "(none)", "losses": [2.4, null, %s]},
          {"id": "d-4", "source": "second", "losses": [2.2]},
          {"id": "d-5", "source": "third", "losses": [%s]}
          """
              .formatted(step + 1, step == 2 ? 1e9 : 1, step % 2 == 0 ? 2.2 : 7));
    }
    service.post(run + "/finish", "");
    service.post(run + "/rewind", "{\"nextStep\": 4}");
    step(run, 4, "{\"id\": \"d-6\", \"losses\": [2]}");

    List<String> tags =
        of(run).stream().flatMap(s -> Stream.ofNullable(s.tags.get("source"))).distinct().toList();
    assertThat(tags)
        .containsExactlyInAnyOrder("(none)", "(other)", "second", "a \\\"b\\\" \\\\ \\n<c>");
    for (JsonNode source : service.get(run + "/statistics").json().get("sources")) {
      String name = source.get("source").asString();
      if (name.startsWith("a ") || name.equals("second")) {
        String tag =
            name.equals("second")
                ? name
                : tags.stream().filter(t -> t.startsWith("a ")).findFirst().orElseThrow();
        assertThat(ofSource("resure_source_weight_mean", run, tag))
            .isEqualTo(source.get("meanWeight").asDouble());
        assertThat(ofSource("resure_source_effective_sample_ratio", run, tag))
            .isEqualTo(source.get("effectiveSampleRatio").asDouble());
      }
    }
  }

  @Test
  void theCountersOfARunBeginWithItsSeriesAndCountEachBatchOnce() {
    String run = newRun("{\"warmUp\": 2}");
    twoSteps(run);
    assertThat(ofRun("resure_run_batches_total", run)).as("after the first").isEqualTo(1);
    assertThat(value("resure_turn_losses_total", run, "0")).isEqualTo(2);
    assertThat(ofRun("resure_run_step", run)).isEqualTo(1);

    step(run, 2, "{\"id\": \"d-4\", \"losses\": [9, null, NaN]}");
    step(run, 1, "{\"id\": \"d-5\", \"losses\": [1]}");
    step(run, 2, "{\"id\": \"d-6\", \"losses\": [1], \"weights\": [0.5]}");
    String key = "k-1";
    for (int i = 0; i < 2; i++) {
      service.score(
          run,
          "{\"step\": 3, \"dialogues\": [{\"id\": \"d-7\", \"losses\": [1]}]}",
          "Idempotency-Key",
          key);
      service.get(run);
    }

    assertThat(ofRun("resure_run_batches_total", run)).isEqualTo(1 + 4);
    assertThat(ofRun("resure_run_losses_total", run)).isEqualTo(2 + 5);
    assertThat(ofRun("resure_run_unusable_losses_total", run)).isEqualTo(1);
    assertThat(ofRun("resure_run_down_weighted_losses_total", run)).isEqualTo(1);
    assertThat(ofRun("resure_run_late_batches_total", run)).isEqualTo(1);
    assertThat(ofRun("resure_run_client_weighted_batches_total", run)).isEqualTo(1);
    assertThat(ofRun("resure_run_step", run)).isEqualTo(3);
    assertThat(ofRun("resure_run_last_batch_timestamp_seconds", run))
        .isEqualTo(
            Instant.parse(service.get(run).json().get("lastBatchAt").asString()).toEpochMilli()
                / 1e3);
    // All folded steps of a run whose series began with it.
    assertThat(value("resure_turn_losses_total", run, "0")).isEqualTo(6);
    assertThat(value("resure_turn_weights_total", run, "0"))
        .isCloseTo(6 * value("resure_turn_weight_mean", run, "0"), within(1e-12));
    assertThat(value("resure_turn_squared_weights_total", run, "0"))
        .isCloseTo(
            Math.pow(value("resure_turn_weights_total", run, "0"), 2)
                / (6 * value("resure_turn_effective_sample_ratio", run, "0")),
            within(1e-12));
    service.reopen();
    service.get(run);
    assertThat(ofRun("resure_run_batches_total", run)).as("read again").isZero();
    assertThat(value("resure_turn_losses_total", run, "0")).isZero();
    assertThat(value("resure_turn_observations", run, "0")).isEqualTo(6);
    step(run, 4, "{\"id\": \"d-8\", \"losses\": [1]}");
    assertThat(ofRun("resure_run_batches_total", run)).isEqualTo(1);
    assertThat(value("resure_turn_losses_total", run, "0")).as("of step 3").isEqualTo(1);
  }

  @Test
  void anAlarmIsCountedOnceAndNotAgainAfterARestart() {
    String run = newRun("{}");
    Random random = new Random(7);
    int step = 0;
    for (; step < 200; step++) {
      step(run, step, fourDialogues(random, 2));
    }
    assertThat(value("resure_turn_drift_alarms_total", run, "0")).isZero();
    assertThat(value("resure_turn_drift", run, "0")).isBetween(-2.0, 2.0);
    double before = value("resure_turn_loss_recent_mean", run, "0");
    assertThat(before).isBetween(1.5, 2.5);
    for (; value("resure_turn_drift_alarms_total", run, "0") == 0; step++) {
      assertThat(step).as("no alarm").isLessThan(500);
      step(run, step, fourDialogues(random, 6));
    }
    assertThat(value("resure_turn_drift_alarms_total", run, "0")).isEqualTo(1);
    double risen = value("resure_turn_loss_recent_mean", run, "0");
    assertThat(risen).isGreaterThan(before + 0.1);

    service.reopen();
    service.get(run);

    assertThat(value("resure_turn_drift_alarms_total", run, "0")).isZero();
    assertThat(value("resure_turn_drift_warnings_total", run, "0")).isZero();
    assertThat(value("resure_turn_loss_recent_mean", run, "0")).isEqualTo(risen);
  }

  private static String fourDialogues(Random random, double level) {
    return IntStream.range(0, 4)
        .mapToObj(
            d ->
                String.format(
                    Locale.ROOT,
                    "{\"id\": \"d-%d\", \"losses\": [%.4f]}",
                    d,
                    level + 0.5 * random.nextGaussian()))
        .collect(Collectors.joining(", "));
  }

  @Test
  void whatComputesIsStillToldAfterAGarbageCollection() {
    System.gc();

    assertThat(value("resure_compute_running")).isEqualTo(1);
  }

  @Test
  void theFirstProblemOfATypeIsAnIncrease() {
    assertThat(
            samples(service.scrape()).stream()
                .filter(s -> s.series.equals("resure_problems_total")))
        .extracting(s -> s.tags.get("type"))
        .contains("queue-full", "run-damaged");
  }

  @Test
  void theSeriesOfAnIdleRunEndAndComeBackWithIt() {
    // One service at a time: they share the event loops, which the first to close takes along.
    stop();
    service = LiveService.start("resure.runs.idle-after=1s");
    try {
      String run = service.newRun("{}");
      twoSteps(run);

      await().atMost(Duration.ofSeconds(30)).until(() -> of(run).isEmpty());

      assertThat(value("resure_runs_exported")).isZero();
      double recoveries = value("resure_run_recovery_seconds_count");
      service.get(run);
      assertThat(value("resure_run_recovery_seconds_count")).isEqualTo(recoveries + 1);
    } finally {
      stop();
      start();
    }
  }
}
