package resure.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.InMemoryJournal;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.run.Outcome;
import resure.run.RunFollower;
import resure.run.RunLimits;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.WantedSettings;

/** How many series there are, what a scrape costs, and whom it holds up: with real runs. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServiceMetersTest {

  private static final int MAX_RUNS = 200;
  private static final int TURNS = 8;
  private static final int SOURCES = 6;

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final ServiceMeters meters = new ServiceMeters(registry, MAX_RUNS, 4, 3);
  private @Nullable Runs runs;

  @AfterEach
  void close() {
    if (runs != null) {
      runs.close();
    }
  }

  private Runs open(ServiceMeters listener) {
    Runs opened =
        new Runs(
            new InMemoryJournal(),
            JvmCompute::new,
            JvmCompute::new,
            Durability.OS,
            new RunLimits(100, 1_000_000, 20_000, Duration.ofMinutes(10), Duration.ofSeconds(1)),
            InstantSource.system(),
            listener,
            RunFollower.NONE);
    runs = opened;
    return opened;
  }

  private static <T> T done(CompletableFuture<Outcome<T>> answer) {
    Outcome<T> outcome = answer.orTimeout(60, TimeUnit.SECONDS).join();
    if (outcome instanceof Outcome.Done<T> done) {
      return done.value();
    }
    throw new AssertionError(outcome);
  }

  private static RunId run(int i) {
    return new RunId(RunId.DEFAULT_TENANT, "run-" + i);
  }

  private static void create(Runs runs, int i) {
    done(
        runs.create(
            run(i),
            new WantedSettings() {
              @Override
              public RunSettings complete() {
                return RunSettings.DEFAULT;
              }

              @Override
              public @Nullable String conflict(RunSettings existing) {
                return null;
              }
            },
            null,
            0));
  }

  /** A dialogue of each source, each with all turns. */
  private static ObservationBatch batch(long step) {
    return Batches.ofSources(
        step,
        IntStream.range(0, SOURCES).mapToObj(source -> "source-" + source).toList(),
        IntStream.range(0, SOURCES)
            .mapToObj(d -> IntStream.range(0, TURNS).mapToDouble(turn -> 2 + 0.1 * d).toArray())
            .toArray(double[][]::new));
  }

  private static void twoSteps(Runs runs, int i) {
    create(runs, i);
    done(runs.score(run(i), null, batch(0)));
    done(runs.score(run(i), null, batch(1)));
  }

  private Map<String, Long> series() {
    return registry
        .scrape()
        .lines()
        .filter(line -> line.startsWith("resure_") && line.contains("run=\""))
        .collect(
            Collectors.groupingBy(line -> line.replaceFirst("\\{.*", ""), Collectors.counting()));
  }

  @Test
  void tenThousandRunsHaveNoMoreSeriesThanTheBoundAndWhenTheyEndNone() {
    Runs open = open(meters);
    // With several shards at once the bound may be passed by as many.
    long most = MAX_RUNS + Runtime.getRuntime().availableProcessors();
    for (int i = 0; i < 10_000; i++) {
      twoSteps(open, i);
      if (i % 1000 == 0) {
        done(open.finish(run(i), null));
      }
    }
    // Answers leave before the newest steps are published.
    done(open.describe(run(9_999), 0));

    Map<String, Long> series = series();

    assertThat(series).hasSize(8 + 12 + 5);
    series.forEach(
        (name, count) ->
            assertThat(count)
                .as(name)
                .isBetween(
                    1L, most * (name.contains("_turn_") || name.contains("_source_") ? 4 : 1)));
    for (int i = 0; i < 10_000; i++) {
      done(open.delete(run(i)));
    }
    assertThat(series()).isEmpty();
  }

  @Test
  void aScrapeThatStandsStillHoldsUpNoBatch() throws Exception {
    CountDownLatch within = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    Gauge.builder(
            "resure.slow",
            () -> {
              within.countDown();
              try {
                return released.await(60, TimeUnit.SECONDS) ? 1 : 0;
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            })
        .register(registry);
    Runs open = open(meters);
    twoSteps(open, 0);
    try (var scraping = Executors.newSingleThreadExecutor()) {
      var scrape = scraping.submit(() -> registry.scrape());
      within.await();
      try {
        // Runs whose series begin, move and end meanwhile.
        for (int i = 1; i < 20; i++) {
          twoSteps(open, i);
          done(open.score(run(0), null, batch(1 + i)));
          done(open.finish(run(i), null));
        }
      } finally {
        released.countDown();
      }
      assertThat(scrape.get(60, TimeUnit.SECONDS)).contains("resure_slow 1");
    }
  }

  @Test
  void everyScrapeIsWholeWhileRunsBeginAndEnd() throws Exception {
    Runs open = open(meters);
    AtomicInteger scrapes = new AtomicInteger();
    CountDownLatch stop = new CountDownLatch(1);
    try (var scraping = Executors.newSingleThreadExecutor()) {
      var scraper =
          scraping.submit(
              () -> {
                while (stop.getCount() > 0) {
                  assertThat(registry.scrape()).contains("resure_observations_total");
                  scrapes.incrementAndGet();
                }
              });
      for (int i = 0; i < 300; i++) {
        twoSteps(open, i);
        done(open.delete(run(i)));
      }
      stop.countDown();
      scraper.get(60, TimeUnit.SECONDS);
    }
    assertThat(scrapes.get()).isPositive();
    assertThat(series()).isEmpty();
  }

  @Test
  void tenantsAreToldApartAndTheOnlyOneIsNotNamed() {
    Runs open = open(meters);
    twoSteps(open, 0);

    Stream<String> steps = registry.scrape().lines().filter(l -> l.startsWith("resure_run_step{"));

    assertThat(steps).containsExactly("resure_run_step{run=\"run-0\",tenant=\"\"} 1.0");
  }

  /** The figures are printed and nothing is asserted of them: other things run here too. */
  @Test
  void aScrapeOfTwoHundredRunsHasAllOfThem() {
    Runs open = open(new ServiceMeters(registry, MAX_RUNS, 16, 20));
    for (int i = 0; i < MAX_RUNS; i++) {
      twoSteps(open, i);
    }
    List<Double> millis = new ArrayList<>();
    List<Double> processor = new ArrayList<>();
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    String scrape = "";
    for (int i = 0; i < 30; i++) {
      long start = System.nanoTime();
      long startProcessor = threads.getCurrentThreadCpuTime();
      scrape = registry.scrape();
      millis.add((System.nanoTime() - start) / 1e6);
      processor.add((threads.getCurrentThreadCpuTime() - startProcessor) / 1e6);
    }

    System.out.printf(
        "a scrape of %d runs x %d turns x %d sources: %d lines, %d bytes; first %.0f ms, then"
            + " median %.0f ms, worst %.0f ms; of processor time median %.0f ms%n",
        MAX_RUNS,
        TURNS,
        SOURCES,
        scrape.lines().count(),
        scrape.length(),
        millis.getFirst(),
        millis.stream().skip(1).sorted().skip(14).findFirst().orElseThrow(),
        millis.stream().skip(1).max(Double::compare).orElseThrow(),
        processor.stream().skip(1).sorted().skip(14).findFirst().orElseThrow());
    assertThat(series().get("resure_turn_loss_mean")).isEqualTo(MAX_RUNS * TURNS);
  }
}
