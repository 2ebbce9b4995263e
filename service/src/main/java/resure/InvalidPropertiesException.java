package resure;

import java.util.List;

/**
 * Some properties are not valid; each fault names the property, its value and what would be valid.
 */
final class InvalidPropertiesException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  InvalidPropertiesException(List<String> faults) {
    super(String.join("\n", faults));
  }
}
