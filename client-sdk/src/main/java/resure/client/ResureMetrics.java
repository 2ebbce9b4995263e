package resure.client;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A training run's meters, for a registry of the trainer's:
 *
 * <ul>
 *   <li>{@code resure.client.weigh}, timer: what weighing adds to the steps
 *   <li>{@code resure.client.batches}, counter, tag {@code outcome}: {@code delivered}, {@code
 *       dropped}, {@code refused}
 *   <li>{@code resure.client.batches.recorded.otherwise}, counter: see {@link Counts}
 *   <li>{@code resure.client.batches.queued}, gauge
 *   <li>{@code resure.client.fallbacks}, counter, tags {@code to} ({@code local}, {@code one}) and
 *       {@code reason}
 *   <li>{@code resure.client.weight.mean} and {@code resure.client.effective.sample.ratio}, gauges:
 *       of the newest batch
 * </ul>
 *
 * <p>Needs {@code micrometer-core}, which the SDK does not bring along. The registry does not keep
 * the training run from being collected.
 */
public final class ResureMetrics implements MeterBinder {

  private final TrainingRun training;
  private final List<Tag> tags;

  /** With tags of the trainer's on every meter: the run's name, say. */
  public ResureMetrics(TrainingRun training, Tag... tags) {
    this.training = training;
    this.tags = List.of(tags);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    FunctionTimer.builder(
            "resure.client.weigh",
            training,
            t -> t.counts().weighed(),
            TrainingRun::weighNanos,
            TimeUnit.NANOSECONDS)
        .description("What weighing adds to the steps")
        .tags(tags)
        .register(registry);
    outcome(registry, "delivered", Counts::delivered);
    outcome(registry, "dropped", Counts::dropped);
    outcome(registry, "refused", Counts::refused);
    FunctionCounter.builder(
            "resure.client.batches.recorded.otherwise",
            training,
            t -> t.counts().recordedOtherwise())
        .description("Batches recorded with other weights than were applied")
        .tags(tags)
        .register(registry);
    gauge(registry, "resure.client.batches.queued", "Batches to deliver", t -> t.counts().queued());
    for (FallbackReason reason : FallbackReason.values()) {
      fallbacks(registry, "local", reason, Counts::toLocal);
      fallbacks(registry, "one", reason, Counts::toOne);
    }
    gauge(
        registry,
        "resure.client.weight.mean",
        "Mean weight of the newest batch",
        t -> of(t.last(), Weighed::meanWeight));
    gauge(
        registry,
        "resure.client.effective.sample.ratio",
        "Effective sample size of the newest batch over its usable losses",
        t -> of(t.last(), Weighed::effectiveSampleRatio));
  }

  private static double of(@Nullable Weighed last, ToDoubleFunction<Weighed> figure) {
    return last == null ? Double.NaN : figure.applyAsDouble(last);
  }

  private void outcome(MeterRegistry registry, String outcome, ToDoubleFunction<Counts> count) {
    FunctionCounter.builder(
            "resure.client.batches", training, t -> count.applyAsDouble(t.counts()))
        .description("Batches by what became of them")
        .tags(tags)
        .tag("outcome", outcome)
        .register(registry);
  }

  private void fallbacks(
      MeterRegistry registry,
      String to,
      FallbackReason reason,
      Function<Counts, Map<FallbackReason, Long>> counts) {
    FunctionCounter.builder(
            "resure.client.fallbacks",
            training,
            t -> counts.apply(t.counts()).getOrDefault(reason, 0L))
        .description("Steps that went on without the service's weights")
        .tags(tags)
        .tag("to", to)
        .tag("reason", reason.label())
        .register(registry);
  }

  private void gauge(
      MeterRegistry registry,
      String name,
      String description,
      ToDoubleFunction<TrainingRun> value) {
    Gauge.builder(name, training, value).description(description).tags(tags).register(registry);
  }
}
