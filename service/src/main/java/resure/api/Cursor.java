package resure.api;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import resure.observation.RunId;

/**
 * Where the next page begins: the last name looked at, in a form that invites nobody to build it.
 */
final class Cursor {

  private Cursor() {}

  static String of(String name) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(name.getBytes(StandardCharsets.US_ASCII));
  }

  static String name(String cursor) {
    try {
      String name = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.ISO_8859_1);
      if (RunId.validName(name)) {
        return name;
      }
    } catch (IllegalArgumentException e) {
      // Falls through: not ours either.
    }
    throw ProblemException.parameter("cursor", "Use the 'next' of the page before, as it is.");
  }
}
