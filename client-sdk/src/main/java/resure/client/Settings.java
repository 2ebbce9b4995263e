package resure.client;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.WeightFunction;

/**
 * A run's configuration, whole or in part, with its labels, what it starts from and what it keeps:
 * only what was set is sent. On a run that exists only that is compared; in a replay the rest is as
 * in the recorded run. Immutable.
 */
public final class Settings {

  /** Nothing set: the service's defaults, or the run as it is. */
  public static final Settings NONE = builder().build();

  /**
   * Values by field, those of nested objects by a path with a dot: {@code weighting.threshold}.
   * Text, Double, Integer, Boolean, or null ({@code halfLife} for never).
   */
  final Map<String, @Nullable Object> fields;

  final Map<String, String> labels;
  final @Nullable StartFrom startFrom;
  final @Nullable Retention retention;
  private final UnaryOperator<Configuration> changes;

  private Settings(Builder builder) {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(builder.fields));
    labels = Collections.unmodifiableMap(new TreeMap<>(builder.labels));
    startFrom = builder.startFrom;
    retention = builder.retention;
    changes = builder.changes;
  }

  /** A builder with nothing set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Every field of a configuration. */
  public static Settings of(Configuration configuration) {
    return builder()
        .function(configuration.weighting().function())
        .threshold(configuration.weighting().threshold())
        .sharpness(configuration.weighting().sharpness())
        .floor(configuration.weighting().floor())
        .warmUp(configuration.warmUp())
        .maxTurns(configuration.maxTurns())
        .maxLoss(configuration.maxLoss())
        .halfLife(configuration.halfLife())
        .lag(configuration.lag())
        .fold(configuration.fold())
        .propagationStrength(configuration.propagation().strength())
        .propagationDecay(configuration.propagation().decay())
        .normalization(configuration.normalization())
        .shadow(configuration.shadow())
        .build();
  }

  /** The configuration that a new run gets: what is set here, and defaults. */
  Configuration complete() {
    Configuration changed = changes.apply(Configuration.DEFAULT);
    return fields.containsKey("weighting.function") && !fields.containsKey("weighting.threshold")
        ? changed.withWeighting(changed.weighting().withUsualThreshold())
        : changed;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Settings settings
        && fields.equals(settings.fields)
        && labels.equals(settings.labels)
        && Objects.equals(startFrom, settings.startFrom)
        && Objects.equals(retention, settings.retention);
  }

  @Override
  public int hashCode() {
    return Objects.hash(fields, labels, startFrom, retention);
  }

  @Override
  public String toString() {
    return "Settings"
        + fields
        + labels
        + (startFrom == null ? "" : startFrom)
        + (retention == null ? "" : retention);
  }

  /** Gathers settings; what is not set is not sent. Values out of their range are refused here. */
  public static final class Builder {

    private final Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    private final Map<String, String> labels = new TreeMap<>();
    private @Nullable StartFrom startFrom;
    private @Nullable Retention retention;
    private UnaryOperator<Configuration> changes = c -> c;
    private Configuration example = Configuration.DEFAULT;

    private Builder() {}

    private Builder set(String field, @Nullable Object value, UnaryOperator<Configuration> change) {
      // Refuses a value out of its range: the ranges of the fields do not depend on each other.
      example = change.apply(example);
      fields.put(field, value);
      UnaryOperator<Configuration> before = changes;
      changes = c -> change.apply(before.apply(c));
      return this;
    }

    /** How a weight follows from the z-score. */
    public Builder function(WeightFunction value) {
      return set(
          "weighting.function",
          value.label(),
          c -> c.withWeighting(c.weighting().withFunction(value)));
    }

    /**
     * z-score up to which the weight is 1: any finite number. Where it is not set, a new run gets
     * that of its function: 0 for clip, 1 for the others.
     */
    public Builder threshold(double value) {
      return set(
          "weighting.threshold", value, c -> c.withWeighting(c.weighting().withThreshold(value)));
    }

    /** How fast the weight falls beyond the threshold: finite, above 0. */
    public Builder sharpness(double value) {
      return set(
          "weighting.sharpness", value, c -> c.withWeighting(c.weighting().withSharpness(value)));
    }

    /** Smallest weight of a usable loss: above 0, at most 1. */
    public Builder floor(double value) {
      return set("weighting.floor", value, c -> c.withWeighting(c.weighting().withFloor(value)));
    }

    /** Observations that a turn has folded before it is weighed: at least 2. */
    public Builder warmUp(int value) {
      return set("warmUp", value, c -> c.withWarmUp(value));
    }

    /** Number of slots for turns, later turns pool in the last: 1 to 1024. */
    public Builder maxTurns(int value) {
      return set("maxTurns", value, c -> c.withMaxTurns(value));
    }

    /** Magnitude in nats above which a loss is unusable: above 0, at most 1e100. */
    public Builder maxLoss(double value) {
      return set("maxLoss", value, c -> c.withMaxLoss(value));
    }

    /** Observations of a turn after which older ones count half: above 0, infinite for never. */
    public Builder halfLife(double value) {
      return set("halfLife", Double.isInfinite(value) ? null : value, c -> c.withHalfLife(value));
    }

    /** How many steps the reference lies behind, beyond the step's own: 0 to 16. */
    public Builder lag(int value) {
      return set("lag", value, c -> c.withLag(value));
    }

    /** What of a loss enters the statistics. */
    public Builder fold(FoldRule value) {
      return set("fold", value.label(), c -> c.withFold(value));
    }

    /** How much early turns lower later ones: finite, at least 0, which is off. */
    public Builder propagationStrength(double value) {
      return set(
          "propagation.strength",
          value,
          c -> c.withPropagation(c.propagation().withStrength(value)));
    }

    /** How much of that is left one turn later: 0 to 1. */
    public Builder propagationDecay(double value) {
      return set(
          "propagation.decay", value, c -> c.withPropagation(c.propagation().withDecay(value)));
    }

    /** What the answered weights are divided by. */
    public Builder normalization(Normalization value) {
      return set("normalization", value.label(), c -> c.withNormalization(value));
    }

    /** Whether to answer 1 and only record the weights. */
    public Builder shadow(boolean value) {
      return set("shadow", value, c -> c.withShadow(value));
    }

    /** One of up to 32 labels for finding the run again. */
    public Builder label(String name, String value) {
      labels.put(name, value);
      return this;
    }

    /** Whose statistics the new run begins with. */
    public Builder startFrom(StartFrom value) {
      startFrom = value;
      return this;
    }

    /** How long its losses are kept. */
    public Builder retention(Retention value) {
      retention = value;
      return this;
    }

    /** The settings. */
    public Settings build() {
      return new Settings(this);
    }
  }
}
