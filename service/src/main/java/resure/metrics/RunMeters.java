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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
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

  /** Of dialogues without a source. */
  static final String NO_SOURCE = "(none)";

  /** Of all sources that have no series of their own, and of any that has one of these names. */
  static final String OTHER_SOURCES = "(other)";

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
  private boolean begun;

  /** Replaced as a whole by the shard's thread, read by scrapes. */
  private volatile List<Turn> turns = List.of();

  /** Likewise, by the source's tag. */
  private volatile Map<String, Counted> sources = Map.of();

  /** Written by the shard's thread, read by scrapes; NaN before the first. */
  private volatile double lastBatchSeconds = Double.NaN;

  /** Likewise. */
  private volatile double step = Double.NaN;

  /** Weight sums of a run's whole history, and what of them was added since its meters began. */
  private record Counted(WeightSums all, double losses, double weights, double squaredWeights) {

    static final Counted NONE = new Counted(new WeightSums(), 0, 0, 0);

    static Counted from(WeightSums all) {
      return new Counted(all, 0, 0, 0);
    }

    Counted next(WeightSums now) {
      return new Counted(
          now,
          losses + now.usable() - all.usable(),
          weights + now.sum() - all.sum(),
          squaredWeights + now.sumOfSquares() - all.sumOfSquares());
    }
  }

  /** What is known of a turn; warnings and alarms since its meters began. */
  private record Turn(
      Moments moments,
      Counted weights,
      double recentMean,
      double drift,
      long warnings,
      long alarms) {
    static final Turn NONE = new Turn(Moments.NONE, Counted.NONE, Double.NaN, Double.NaN, 0, 0);
  }

  /** As the run was when its series began: what was raised before is not raised again. */
  private @Nullable List<TurnDrift> driftBefore;

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
    foldTurns(reference, totals, drift);
    foldSources(totals);
    begun = true;
  }

  private void foldTurns(MomentsTable reference, Totals totals, List<TurnDrift> drift) {
    if (driftBefore == null) {
      driftBefore = drift;
    }
    int count = Math.min(maxTurns, reference.slots());
    List<Turn> before = turns;
    List<Turn> now = new ArrayList<>(count);
    for (int turn = 0; turn < count; turn++) {
      boolean pooled = turn == maxTurns - 1;
      Moments moments = pooled ? reference.pooled(turn) : reference.moments(turn);
      WeightSums weights = weights(totals, turn, pooled);
      Counted counted = turn < before.size() ? before.get(turn).weights : Counted.NONE;
      TurnDrift drifted = drift(drift, turn, pooled);
      TurnDrift driftedBefore = drift(driftBefore, turn, pooled);
      now.add(
          new Turn(
              moments,
              begun ? counted.next(weights) : Counted.from(weights),
              drifted.slowMean() + drifted.drift() * drifted.slowSd(),
              drifted.drift(),
              drifted.warnings() - driftedBefore.warnings(),
              drifted.alarms() - driftedBefore.alarms()));
    }
    turns = List.copyOf(now);
    for (; registeredTurns < count; registeredTurns++) {
      register(registeredTurns);
    }
  }

  private static WeightSums weights(Totals totals, int turn, boolean pooled) {
    // Fewer than the triples' where the run began with another's and a turn has not come yet.
    List<WeightSums> slots = totals.slots();
    WeightSums pool = new WeightSums();
    int last = pooled ? slots.size() : Math.min(slots.size(), turn + 1);
    for (int slot = turn; slot < last; slot++) {
      pool.add(slots.get(slot));
    }
    return pool;
  }

  /** Of pooled turns the highest gauge, and what was raised of any. */
  private static TurnDrift drift(List<TurnDrift> slots, int turn, boolean pooled) {
    TurnDrift pool = TurnDrift.NONE;
    int last = pooled ? slots.size() : Math.min(slots.size(), turn + 1);
    for (int slot = turn; slot < last; slot++) {
      pool = pool.pooled(slots.get(slot));
    }
    return pool;
  }

  private void foldSources(Totals totals) {
    Map<String, WeightSums> sums = new LinkedHashMap<>();
    int named = 0;
    for (Map.Entry<@Nullable String, WeightSums> source : totals.sources().entrySet()) {
      String name = source.getKey();
      String tag = OTHER_SOURCES;
      if (name == null) {
        tag = NO_SOURCE;
      } else if (named < maxSources && !name.equals(NO_SOURCE) && !name.equals(OTHER_SOURCES)) {
        named++;
        tag = name;
      }
      sums.computeIfAbsent(tag, t -> new WeightSums()).add(source.getValue());
    }
    if (totals.others().observations() > 0) {
      sums.computeIfAbsent(OTHER_SOURCES, t -> new WeightSums()).add(totals.others());
    }
    Map<String, Counted> before = sources;
    Map<String, Counted> now = new LinkedHashMap<>();
    sums.forEach(
        (tag, all) ->
            now.put(
                tag, begun ? before.getOrDefault(tag, Counted.NONE).next(all) : Counted.from(all)));
    sources = now;
    for (String tag : now.keySet()) {
      if (registeredSources.add(tag)) {
        register(tag);
      }
    }
  }

  private void register(int turn) {
    Tags ofTurn = tags.and("turn", turn == maxTurns - 1 ? turn + "+" : Integer.toString(turn));
    Supplier<Turn> figures = () -> turn(turn);
    gauge("resure.turn.loss.mean", "Mean loss in nats", ofTurn, figures, t -> mean(t.moments));
    gauge(
        "resure.turn.loss.sd",
        "Standard deviation of the loss",
        ofTurn,
        figures,
        t -> t.moments.sd());
    gauge(
        "resure.turn.observations", "Observations folded", ofTurn, figures, t -> t.moments.seen());
    gauge(
        "resure.turn.loss.recent.mean",
        "Mean loss in nats of the recent past: the fast mean of the drift",
        ofTurn,
        figures,
        t -> t.recentMean);
    gauge(
        "resure.turn.drift",
        "How far the loss is above its own recent past, in standard deviations",
        ofTurn,
        figures,
        t -> t.drift);
    count("resure.turn.drift.warnings", "Drift warnings raised", ofTurn, figures, t -> t.warnings);
    count("resure.turn.drift.alarms", "Drift alarms raised", ofTurn, figures, t -> t.alarms);
    registerWeights("resure.turn", ofTurn, () -> turn(turn).weights);
  }

  private void register(String source) {
    registerWeights(
        "resure.source",
        tags.and("source", source),
        () -> sources.getOrDefault(source, Counted.NONE));
  }

  private void registerWeights(String of, Tags ofOne, Supplier<Counted> figures) {
    gauge(of + ".weight.mean", "Mean reliability weight", ofOne, figures, c -> c.all.mean());
    gauge(
        of + ".effective.sample.ratio",
        "Effective sample size per observation",
        ofOne,
        figures,
        c -> c.all.effectiveSampleRatio());
    count(of + ".losses", "Usable losses folded", ofOne, figures, Counted::losses);
    count(of + ".weights", "Sum of their weights", ofOne, figures, Counted::weights);
    count(
        of + ".squared.weights",
        "Sum of the squares of their weights",
        ofOne,
        figures,
        Counted::squaredWeights);
  }

  private static double mean(Moments moments) {
    return moments.seen() == 0 ? Double.NaN : moments.mean();
  }

  private <T> void gauge(
      String name, String description, Tags all, Supplier<T> of, ToDoubleFunction<T> figure) {
    meters.add(
        Gauge.builder(name, this, m -> figure.applyAsDouble(of.get()))
            .description(description)
            .tags(all)
            .register(registry));
  }

  private <T> void count(
      String name, String description, Tags all, Supplier<T> of, ToDoubleFunction<T> figure) {
    meters.add(
        FunctionCounter.builder(name, this, m -> figure.applyAsDouble(of.get()))
            .description(description)
            .tags(all)
            .register(registry));
  }

  private Turn turn(int turn) {
    List<Turn> now = turns;
    return turn < now.size() ? now.get(turn) : Turn.NONE;
  }

  /** Ends the run's series. */
  void remove() {
    meters.forEach(registry::remove);
  }
}
