package resure.run;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.StartFrom;
import resure.weighting.Configuration;

/**
 * What a run is created with.
 *
 * @param configuration all that decides its weights
 * @param labels free text by which people find it
 * @param startFrom whose statistics it begins with; null for none
 */
public record RunSettings(
    Configuration configuration, Map<String, String> labels, @Nullable StartFrom startFrom) {

  /** What a run gets that says nothing. */
  public static final RunSettings DEFAULT = new RunSettings(Configuration.DEFAULT, Map.of());

  /** Copies the labels. */
  public RunSettings {
    labels = Map.copyOf(labels);
  }

  /** Of a run that begins with nothing. */
  public RunSettings(Configuration configuration, Map<String, String> labels) {
    this(configuration, labels, null);
  }
}
