package resure.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which configurations to try on a run's recorded losses: some, each in part, or every point of a
 * grid. Immutable.
 */
public final class ReplayRequest {

  /** Evenly spaced numbers, both ends among them; by equal ratios where logarithmic. */
  record Range(double from, double to, int points, boolean logarithmic) {}

  /** One known to be bad; all of its turns where turn is null. */
  record Label(String dialogue, @Nullable Long turn) {}

  /** An element of the order of results. */
  record RankBy(Measure measure, @Nullable Double atLeast, @Nullable Double atMost) {}

  final List<Settings> configurations;

  /** By field: a {@link Range}, or a list of String, Double, Boolean or null. */
  final Map<String, Object> grid;

  final List<Label> bad;
  final List<RankBy> rankBy;

  private ReplayRequest(Builder builder) {
    if (builder.configurations.isEmpty() == builder.grid.isEmpty()) {
      throw new IllegalStateException("a replay tries either configurations or a grid");
    }
    configurations = List.copyOf(builder.configurations);
    grid = new LinkedHashMap<>(builder.grid);
    bad = List.copyOf(builder.bad);
    rankBy = List.copyOf(builder.rankBy);
  }

  /** A builder of a request. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Gathers a request. A field of the grid is named by its path with dots, as {@code
   * weighting.threshold}; the last one varies fastest.
   */
  public static final class Builder {

    private final List<Settings> configurations = new ArrayList<>();
    private final Map<String, Object> grid = new LinkedHashMap<>();
    private final List<Label> bad = new ArrayList<>();
    private final List<RankBy> rankBy = new ArrayList<>();

    private Builder() {}

    /**
     * One to try: what it leaves open is as in the recorded run. Without labels, start, retention.
     */
    public Builder configuration(Settings settings) {
      if (!settings.labels.isEmpty() || settings.startFrom != null || settings.retention != null) {
        throw new IllegalArgumentException(
            "a replay's configuration has no labels, no start and no retention");
      }
      configurations.add(settings);
      return this;
    }

    /** Numbers to try; infinite is never, of {@code halfLife}. */
    public Builder values(String field, double... values) {
      List<@Nullable Double> list = new ArrayList<>();
      for (double value : values) {
        list.add(Double.isInfinite(value) ? null : (Double) value);
      }
      grid.put(field, list);
      return this;
    }

    /** Names to try, of {@code weighting.function}, {@code fold} or {@code normalization}. */
    public Builder values(String field, String... values) {
      grid.put(field, Arrays.asList(values.clone()));
      return this;
    }

    /** Both, of {@code shadow}. */
    public Builder bothOf(String field) {
      grid.put(field, List.of(false, true));
      return this;
    }

    /** Numbers at equal differences, both ends among them. */
    public Builder linear(String field, double from, double to, int points) {
      grid.put(field, new Range(from, to, points, false));
      return this;
    }

    /** Numbers above 0 at equal ratios, both ends among them. */
    public Builder logarithmic(String field, double from, double to, int points) {
      grid.put(field, new Range(from, to, points, true));
      return this;
    }

    /** A dialogue that is known to be bad, whenever it occurs. */
    public Builder bad(String dialogue) {
      bad.add(new Label(dialogue, null));
      return this;
    }

    /** A turn that is known to be bad. */
    public Builder bad(String dialogue, long turn) {
      bad.add(new Label(dialogue, turn));
      return this;
    }

    /** Orders the results by a measure, after those named before. */
    public Builder rankBy(Measure measure) {
      rankBy.add(new RankBy(measure, null, null));
      return this;
    }

    /** Puts results with a measure of at least this before the others. */
    public Builder rankByAtLeast(Measure measure, double bound) {
      rankBy.add(new RankBy(measure, bound, null));
      return this;
    }

    /** Puts results with a measure of at most this before the others. */
    public Builder rankByAtMost(Measure measure, double bound) {
      rankBy.add(new RankBy(measure, null, bound));
      return this;
    }

    /** The request. */
    public ReplayRequest build() {
      return new ReplayRequest(this);
    }
  }
}
