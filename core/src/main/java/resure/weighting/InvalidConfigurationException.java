package resure.weighting;

/** A value of a configuration is out of its range; the message says which values are valid. */
public final class InvalidConfigurationException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  InvalidConfigurationException(String message) {
    super(message);
  }

  static void require(boolean valid, String message) {
    if (!valid) {
      throw new InvalidConfigurationException(message);
    }
  }
}
