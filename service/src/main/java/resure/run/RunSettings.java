package resure.run;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.Retention;
import resure.observation.StartFrom;
import resure.weighting.Configuration;

/**
 * What a run is created with.
 *
 * @param configuration all that decides its weights
 * @param labels free text by which people find it
 * @param startFrom whose statistics it begins with; null for none
 * @param retention how long its recorded losses are kept
 */
public record RunSettings(
    Configuration configuration,
    Map<String, String> labels,
    @Nullable StartFrom startFrom,
    Retention retention) {

  /** What a run gets that says nothing. */
  public static final RunSettings DEFAULT = new RunSettings(Configuration.DEFAULT, Map.of());

  /** Copies the labels. */
  public RunSettings {
    labels = Map.copyOf(labels);
  }

  /** Of a run that begins with nothing and keeps everything. */
  public RunSettings(Configuration configuration, Map<String, String> labels) {
    this(configuration, labels, null, Retention.ALL);
  }

  /** The same with another configuration. */
  public RunSettings withConfiguration(Configuration value) {
    return new RunSettings(value, labels, startFrom, retention);
  }

  /** The same with other labels. */
  public RunSettings withLabels(Map<String, String> value) {
    return new RunSettings(configuration, value, startFrom, retention);
  }

  /** The same that begins with another run's statistics. */
  public RunSettings withStartFrom(@Nullable StartFrom value) {
    return new RunSettings(configuration, labels, value, retention);
  }

  /** The same that keeps its losses for another time. */
  public RunSettings withRetention(Retention value) {
    return new RunSettings(configuration, labels, startFrom, value);
  }
}
