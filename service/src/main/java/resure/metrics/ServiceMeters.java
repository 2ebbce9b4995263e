package resure.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import resure.access.Quota;
import resure.access.Quotas;
import resure.backup.Backups;
import resure.compute.ComputeStatus;
import resure.drift.TurnDrift;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.replay.ReplayListener;
import resure.replay.Replays;
import resure.run.RunListener;
import resure.run.Runs;
import resure.run.Totals;
import resure.statistics.MomentsTable;

/** The service's own meters, and those of up to {@code maxRuns} active runs. Any thread. */
public final class ServiceMeters implements RunListener, ReplayListener {

  private final MeterRegistry registry;
  private final int maxRuns;
  private final int maxTurns;
  private final int maxSources;
  private final Timer latency;
  private final Timer append;
  private final Timer recovery;
  private final DistributionSummary group;
  private final Counter observations;
  private final Counter late;
  private final Counter replayed;
  private final Counter deviceFailures;
  private final Counter trimmed;
  private final Counter retired;

  /** By backend. */
  private final Map<String, Timer> weighings = new ConcurrentHashMap<>();

  /** Each run's meters are changed by its shard's thread only. */
  private final Map<RunKey, RunMeters> runs = new ConcurrentHashMap<>();

  /**
   * Registers what there is without runs.
   *
   * @param maxRuns runs with series of their own, first come, until they finish, go idle or are
   *     deleted
   * @param maxTurns turns of one run; those past the last are pooled in it
   * @param maxSources named sources of one run; later ones are pooled in one more
   */
  public ServiceMeters(MeterRegistry registry, int maxRuns, int maxTurns, int maxSources) {
    this.registry = registry;
    this.maxRuns = maxRuns;
    this.maxTurns = maxTurns;
    this.maxSources = maxSources;
    latency =
        Timer.builder("resure.batch.latency")
            .description("From a batch's head to its answer, durable")
            .publishPercentileHistogram()
            .minimumExpectedValue(Duration.ofNanos(250_000))
            .maximumExpectedValue(Duration.ofSeconds(10))
            .register(registry);
    append =
        Timer.builder("resure.journal.append")
            .description("One durable append of a group")
            .register(registry);
    recovery =
        Timer.builder("resure.run.recovery")
            .description("Reading one run from the journal")
            .register(registry);
    group =
        DistributionSummary.builder("resure.group.batches")
            .description("Batches in one append")
            .register(registry);
    observations =
        Counter.builder("resure.observations")
            .description("Losses recorded that were not null")
            .register(registry);
    late =
        Counter.builder("resure.late.batches")
            .description("Batches of a step that was closed already")
            .register(registry);
    replayed =
        Counter.builder("resure.replay.weighings")
            .description("Losses weighed by replays, once for each configuration")
            .register(registry);
    retired =
        Counter.builder("resure.runs.deleted.idle")
            .description("Runs deleted since nothing was recorded to them for long")
            .register(registry);
    trimmed =
        Counter.builder("resure.journal.trimmed.entries")
            .description("Entries dropped by the retention of their runs")
            .register(registry);
    deviceFailures =
        Counter.builder("resure.compute.device.failures")
            .description("Failures of a compute device, each with the runs of a shard read again")
            .register(registry);
  }

  /** Adds what is asked of the running service. */
  public void watch(Runs watched) {
    Gauge.builder("resure.queue.losses", watched, Runs::queuedLosses)
        .description("Losses that wait or are in flight")
        .register(registry);
    Gauge.builder("resure.store.up", watched, w -> w.storeFault() == null ? 1 : 0)
        .description("1 while the store takes batches, else 0")
        .register(registry);
    Gauge.builder("resure.runs.exported", runs, Map::size)
        .description("Active runs that have series of their own")
        .register(registry);
  }

  /**
   * Adds what the embedded store takes of its disk, asked at each scrape.
   *
   * @param size bytes of its files
   * @param free bytes that it may still take
   */
  public void watch(DoubleSupplier size, DoubleSupplier free) {
    Gauge.builder("resure.journal.size", size::getAsDouble)
        .description("Bytes of the embedded store's files")
        .baseUnit("bytes")
        .register(registry);
    Gauge.builder("resure.journal.disk.free", free::getAsDouble)
        .description("Bytes that are free on the disk of the embedded store")
        .baseUnit("bytes")
        .register(registry);
  }

  /** Adds what tenants were refused, since they use as much as they may. */
  public void watch(Quotas watched) {
    for (Quota quota : Quota.values()) {
      FunctionCounter.builder("resure.quota.refusals", watched, w -> w.refusals(quota))
          .description("Requests refused since their tenant uses as much as it may")
          .tag("quota", quota.text())
          .register(registry);
    }
  }

  /** Adds what is asked of the replays. */
  public void watch(Replays watched) {
    Gauge.builder("resure.replays.unfinished", watched, Replays::unfinished)
        .description("Replays that wait or are being computed")
        .register(registry);
  }

  /** Adds what is asked of the backups, and how old the newest is meant to become. */
  public void watch(Backups watched, Duration every) {
    Gauge.builder("resure.backup.age", watched, Backups::ageSeconds)
        .description("Time since the newest backup was begun; NaN without one")
        .baseUnit("seconds")
        .register(registry);
    Gauge.builder("resure.backup.interval", every, Duration::toSeconds)
        .description("How old the newest backup becomes before another is made")
        .baseUnit("seconds")
        .strongReference(true)
        .register(registry);
    FunctionCounter.builder("resure.backup.failures", watched, Backups::failures)
        .description("Backups that could not be made")
        .register(registry);
  }

  @Override
  public void weighed(long count) {
    replayed.increment((double) count);
  }

  /** Adds what computes, and where: 1 for what does, 0 for what did. */
  public void watch(Supplier<ComputeStatus> compute) {
    ComputeStatus atStart = compute.get();
    running(compute, atStart.backend(), atStart.device());
    if (!atStart.backend().equals("jvm")) {
      running(compute, "jvm", "cpu");
    }
  }

  private void running(Supplier<ComputeStatus> compute, String backend, String device) {
    Gauge.builder("resure.compute.running", compute, c -> backend.equals(c.get().backend()) ? 1 : 0)
        .description("1 for the backend and device that compute now, else 0")
        // Nobody else need keep it.
        .strongReference(true)
        .tag("backend", backend)
        .tag("device", device)
        .register(registry);
  }

  /** A batch is answered. */
  public void answered(long nanos) {
    latency.record(nanos, TimeUnit.NANOSECONDS);
  }

  /**
   * Registers the types of problems, all that there are: the first of a type must be an increase.
   */
  public void problems(Collection<String> types) {
    types.forEach(this::problemsOf);
  }

  /** A request is answered with a problem of this type: one of a closed set. */
  public void problem(String type) {
    problemsOf(type).increment();
  }

  private Counter problemsOf(String type) {
    return Counter.builder("resure.problems")
        .description("Requests answered with a problem")
        .tag("type", type)
        .register(registry);
  }

  @Override
  public void groupApplied(
      int batches, int recorded, String backend, long weighNanos, long appendNanos) {
    group.record(batches);
    observations.increment(recorded);
    weighing(backend).record(weighNanos, TimeUnit.NANOSECONDS);
    append.record(appendNanos, TimeUnit.NANOSECONDS);
  }

  private Timer weighing(String backend) {
    return weighings.computeIfAbsent(
        backend,
        name ->
            Timer.builder("resure.compute.weigh")
                .description("Folding what a group's steps close, and weighing it")
                .tag("backend", name)
                .register(registry));
  }

  @Override
  public void taken(RunKey run, ObservationBatch batch, Weights weights, Instant at) {
    if (weights.late()) {
      late.increment();
    }
    RunMeters meters = runs.get(run);
    if (meters != null) {
      meters.taken(batch, weights, at);
    }
  }

  @Override
  public void recovered(long nanos) {
    recovery.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void trimmed(long entries) {
    trimmed.increment((double) entries);
  }

  @Override
  public void retired() {
    retired.increment();
  }

  @Override
  public void deviceFailed() {
    deviceFailures.increment();
  }

  @Override
  public void folded(
      RunKey run,
      long step,
      @Nullable Instant lastBatchAt,
      MomentsTable reference,
      Totals totals,
      List<TurnDrift> drift) {
    RunMeters meters = metersOf(run);
    if (meters != null) {
      meters.folded(step, lastBatchAt, reference, totals, drift);
    }
  }

  private @Nullable RunMeters metersOf(RunKey run) {
    RunMeters meters = runs.get(run);
    // With several shards at once the bound may be passed by as many, and by no more.
    if (meters == null && runs.size() < maxRuns) {
      meters = new RunMeters(registry, run, maxTurns, maxSources);
      runs.put(run, meters);
    }
    return meters;
  }

  @Override
  public void ended(RunKey run) {
    RunMeters meters = runs.remove(run);
    if (meters != null) {
      meters.remove();
    }
  }
}
