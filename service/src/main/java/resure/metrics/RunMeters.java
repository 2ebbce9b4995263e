package resure.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import resure.drift.TurnDrift;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.observation.Weights;
import resure.run.Totals;
import resure.run.WeightSums;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * The meters of one active run: its own, per turn, per source. Written by the run's shard, a whole
 * list at a time; read by whoever scrapes. Turns past the last one that is told apart are pooled in
 * it, and so are sources in one more.
 *
 * <p>Gauges say what the run's state says, its whole history. Counters begin at 0 when the series
 * begin and count what this process sees from there on, so that nothing that is read again looks as
 * if it had happened again.
 */
final class RunMeters {

  private final MeterRegistry registry;
  private final Tags tags;
  private final int maxTurns;
  private final int maxSources;
  private final List<Meter> meters = new ArrayList<>();
  private final Counter batches;
  private final Counter lateBatches;
  private final Counter clientWeighted;
  private final Counter losses;
  private final Counter downWeighted;
  private final Counter unusable;
  private final Set<String> registeredSources = new HashSet<>();
  private int registeredTurns;
  private int sourcesBefore;

  /** Replaced as a whole by the shard's thread, read by scrapes; null before the first figures. */
  private volatile @Nullable Told told;

  /** Written by the shard's thread, read by scrapes; NaN before the first. */
  private volatile double lastBatchSeconds = Double.NaN;

  /** Likewise. */
  private volatile double step = Double.NaN;

  /** A run's figures when its series began, and now: what was raised before is not raised again. */
  private record Told(Figures first, Figures last) {}

  RunMeters(MeterRegistry registry, RunKey run, int maxTurns, int maxSources) {
    this.registry = registry;
    this.maxTurns = maxTurns;
    this.maxSources = maxSources;
    // An empty tag is none to Prometheus, and all series of a name must have the same tags.
    String tenant = run.id().tenant();
    tags =
        Tags.of("run", run.id().name())
            .and("tenant", tenant.equals(RunId.DEFAULT_TENANT) ? "" : tenant);
    batches = counter("resure.run.batches", "Batches recorded");
    lateBatches = counter("resure.run.late.batches", "Batches of a step that was closed already");
    clientWeighted =
        counter("resure.run.client.weighted.batches", "Batches that came with weights applied");
    losses = counter("resure.run.losses", "Losses recorded that were not null");
    downWeighted =
        counter("resure.run.down.weighted.losses", "Usable losses with a weight below 1");
    unusable = counter("resure.run.unusable.losses", "Losses that could not be weighed");
    meters.add(
        Gauge.builder("resure.run.last.batch.timestamp", this, m -> m.lastBatchSeconds)
            .description("When the newest batch was recorded")
            .baseUnit("seconds")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder("resure.run.step", this, m -> m.step)
            .description("Newest step")
            .tags(tags)
            .register(registry));
  }

  private Counter counter(String name, String description) {
    Counter counter = Counter.builder(name).description(description).tags(tags).register(registry);
    meters.add(counter);
    return counter;
  }

  /** A batch was recorded. */
  void taken(ObservationBatch batch, Weights weights, Instant at) {
    int usable = 0;
    int below = 0;
    for (double weight : weights.raw()) {
      if (weight != 0) {
        usable++;
        if (weight < 1) {
          below++;
        }
      }
    }
    int observations = batch.observations();
    batches.increment();
    losses.increment(observations);
    downWeighted.increment(below);
    unusable.increment((double) observations - usable);
    if (weights.late()) {
      lateBatches.increment();
    }
    if (batch.appliedWeights() != null) {
      clientWeighted.increment();
    }
    lastBatchSeconds = seconds(at);
  }

  private static double seconds(Instant instant) {
    return instant.toEpochMilli() / 1e3;
  }

  void folded(
      long newest,
      @Nullable Instant lastBatchAt,
      MomentsTable reference,
      Totals totals,
      List<TurnDrift> drift) {
    step = newest < 0 ? Double.NaN : newest;
    if (lastBatchAt != null) {
      lastBatchSeconds = seconds(lastBatchAt);
    }
    Figures figures = new Figures(reference, totals.copy(), drift, maxTurns, maxSources);
    Told before = told;
    told = new Told(before == null ? figures : before.first, figures);
    for (; registeredTurns < figures.turns(); registeredTurns++) {
      register(registeredTurns);
    }
    if (sourcesBefore != figures.sources()) {
      sourcesBefore = figures.sources();
      for (String tag : figures.sourceTags()) {
        if (registeredSources.add(tag)) {
          register(tag);
        }
      }
    }
  }

  private void register(int turn) {
    Tags ofTurn = tags.and("turn", turn == maxTurns - 1 ? turn + "+" : Integer.toString(turn));
    gauge("resure.turn.loss.mean", "Mean loss in nats", ofTurn, f -> mean(f.moments(turn)));
    gauge(
        "resure.turn.loss.sd", "Standard deviation of the loss", ofTurn, f -> f.moments(turn).sd());
    gauge("resure.turn.observations", "Observations folded", ofTurn, f -> f.moments(turn).seen());
    gauge(
        "resure.turn.loss.recent.mean",
        "Mean loss in nats of the recent past: the fast mean of the drift",
        ofTurn,
        f -> recentMean(f.drift(turn)));
    gauge(
        "resure.turn.drift",
        "How far the loss is above its own recent past, in standard deviations",
        ofTurn,
        f -> f.drift(turn).drift());
    count(
        "resure.turn.drift.warnings",
        "Drift warnings raised",
        ofTurn,
        f -> f.drift(turn).warnings());
    count("resure.turn.drift.alarms", "Drift alarms raised", ofTurn, f -> f.drift(turn).alarms());
    registerWeights("resure.turn", ofTurn, f -> f.weights(turn));
  }

  private void register(String source) {
    registerWeights("resure.source", tags.and("source", source), f -> f.weights(source));
  }

  private void registerWeights(String of, Tags ofOne, Function<Figures, WeightSums> sums) {
    gauge(of + ".weight.mean", "Mean reliability weight", ofOne, f -> sums.apply(f).mean());
    gauge(
        of + ".effective.sample.ratio",
        "Effective sample size per observation",
        ofOne,
        f -> sums.apply(f).effectiveSampleRatio());
    count(of + ".losses", "Usable losses folded", ofOne, f -> sums.apply(f).usable());
    count(of + ".weights", "Sum of their weights", ofOne, f -> sums.apply(f).sum());
    count(
        of + ".squared.weights",
        "Sum of the squares of their weights",
        ofOne,
        f -> sums.apply(f).sumOfSquares());
  }

  private static double recentMean(TurnDrift drift) {
    return drift.slowMean() + drift.drift() * drift.slowSd();
  }

  private static double mean(Moments moments) {
    return moments.seen() == 0 ? Double.NaN : moments.mean();
  }

  private void gauge(String name, String description, Tags all, ToDoubleFunction<Figures> figure) {
    meters.add(
        Gauge.builder(name, this, m -> last(m.told, figure))
            .description(description)
            .tags(all)
            .register(registry));
  }

  /** Counts from where the series began. */
  private void count(String name, String description, Tags all, ToDoubleFunction<Figures> figure) {
    meters.add(
        FunctionCounter.builder(name, this, m -> since(m.told, figure))
            .description(description)
            .tags(all)
            .register(registry));
  }

  private static double last(@Nullable Told told, ToDoubleFunction<Figures> figure) {
    return told == null ? Double.NaN : figure.applyAsDouble(told.last);
  }

  private static double since(@Nullable Told told, ToDoubleFunction<Figures> figure) {
    return told == null ? 0 : figure.applyAsDouble(told.last) - figure.applyAsDouble(told.first);
  }

  /** Ends the run's series. */
  void remove() {
    meters.forEach(registry::remove);
  }
}
