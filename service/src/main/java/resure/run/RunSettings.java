package resure.run;

import java.util.Map;
import resure.weighting.Configuration;

/**
 * What a run is created with.
 *
 * @param configuration all that decides its weights
 * @param labels free text by which people find it
 */
public record RunSettings(Configuration configuration, Map<String, String> labels) {

  /** What a run gets that says nothing. */
  public static final RunSettings DEFAULT = new RunSettings(Configuration.DEFAULT, Map.of());

  /** Copies the labels. */
  public RunSettings {
    labels = Map.copyOf(labels);
  }
}
