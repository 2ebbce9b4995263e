package resure.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import resure.drift.TurnDrift;
import resure.journal.RunKey;
import resure.run.Totals;
import resure.run.WeightSums;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * The gauges of one active run, per turn. Written by the run's shard, a whole list at a time; read
 * by whoever scrapes. Turns past the last one that is told apart are pooled in it.
 */
final class RunMeters {

  private final MeterRegistry registry;
  private final String run;
  private final int maxTurns;
  private final List<Meter> meters = new ArrayList<>();
  private int registered;

  /** Replaced as a whole by the shard's thread, read by scrapes. */
  private volatile List<Figures> turns = List.of();

  private record Figures(
      Moments moments,
      double meanWeight,
      double effectiveSampleRatio,
      double drift,
      long warnings,
      long alarms) {
    static final Figures NONE = new Figures(Moments.NONE, Double.NaN, Double.NaN, Double.NaN, 0, 0);
  }

  /** As the run was when its series began: what was raised before is not raised again. */
  private @Nullable List<TurnDrift> began;

  RunMeters(MeterRegistry registry, RunKey run, int maxTurns) {
    this.registry = registry;
    this.run = run.id().name();
    this.maxTurns = maxTurns;
  }

  void folded(MomentsTable reference, Totals totals, List<TurnDrift> drift) {
    if (began == null) {
      began = drift;
    }
    int count = Math.min(maxTurns, reference.slots());
    List<Figures> figures = new ArrayList<>(count);
    for (int turn = 0; turn < count; turn++) {
      boolean pooled = turn == maxTurns - 1;
      Moments moments = pooled ? reference.pooled(turn) : reference.moments(turn);
      WeightSums weights = weights(totals, turn, pooled);
      TurnDrift now = drift(drift, turn, pooled);
      TurnDrift before = drift(began, turn, pooled);
      figures.add(
          new Figures(
              moments,
              weights.mean(),
              weights.effectiveSampleRatio(),
              now.drift(),
              now.warnings() - before.warnings(),
              now.alarms() - before.alarms()));
    }
    turns = List.copyOf(figures);
    for (; registered < count; registered++) {
      register(registered);
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

  private void register(int turn) {
    gauge("resure.turn.loss.mean", "Mean loss in nats", turn, f -> mean(f.moments));
    gauge("resure.turn.loss.sd", "Standard deviation of the loss", turn, f -> f.moments.sd());
    gauge("resure.turn.observations", "Observations folded", turn, f -> f.moments.seen());
    gauge("resure.turn.weight.mean", "Mean reliability weight", turn, f -> f.meanWeight);
    gauge(
        "resure.turn.effective.sample.ratio",
        "Effective sample size per observation",
        turn,
        f -> f.effectiveSampleRatio);
    gauge(
        "resure.turn.drift",
        "How far the loss is above its own recent past, in standard deviations",
        turn,
        f -> f.drift);
    counter("resure.turn.drift.warnings", "Drift warnings raised", turn, f -> f.warnings);
    counter("resure.turn.drift.alarms", "Drift alarms raised", turn, f -> f.alarms);
  }

  private static double mean(Moments moments) {
    return moments.seen() == 0 ? Double.NaN : moments.mean();
  }

  private void gauge(String name, String description, int turn, ToDoubleFunction<Figures> figure) {
    meters.add(
        Gauge.builder(name, this, meters -> figure.applyAsDouble(meters.figures(turn)))
            .description(description)
            .tag("run", run)
            .tag("turn", label(turn))
            .register(registry));
  }

  private void counter(
      String name, String description, int turn, ToDoubleFunction<Figures> figure) {
    meters.add(
        FunctionCounter.builder(name, this, meters -> figure.applyAsDouble(meters.figures(turn)))
            .description(description)
            .tag("run", run)
            .tag("turn", label(turn))
            .register(registry));
  }

  private String label(int turn) {
    return turn == maxTurns - 1 ? turn + "+" : Integer.toString(turn);
  }

  private Figures figures(int turn) {
    List<Figures> now = turns;
    return turn < now.size() ? now.get(turn) : Figures.NONE;
  }

  /** Ends the run's series. */
  void remove() {
    meters.forEach(registry::remove);
  }
}
