package resure.observation;

import java.util.regex.Pattern;

/**
 * The name of a training run within its tenant.
 *
 * @param tenant owner of the run
 * @param name chosen by the trainer: {@code [A-Za-z0-9][A-Za-z0-9._~-]{0,127}}
 */
public record RunId(String tenant, String name) {

  /** Owner of every run while no access control is configured. */
  public static final String DEFAULT_TENANT = "default";

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._~-]{0,127}");

  /** Checks both parts. */
  public RunId {
    if (!validName(tenant) || !validName(name)) {
      throw new IllegalArgumentException("not a valid run id");
    }
  }

  /** Whether a run may have this name. */
  public static boolean validName(String name) {
    return NAME.matcher(name).matches();
  }
}
