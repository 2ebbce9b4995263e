package resure.api;

import java.util.Locale;

/** Clients' text, made fit for a detail or a log line. */
final class Text {

  private static final int LONGEST = 64;

  private Text() {}

  /** At most 64 characters, all of them visible ASCII. */
  static String shortened(String text) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), LONGEST); i++) {
      char c = text.charAt(i);
      if (c > ' ' && c < 127 && c != '"' && c != '\\') {
        safe.append(c);
      } else {
        safe.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      }
    }
    return text.length() > LONGEST ? safe.append("...").toString() : safe.toString();
  }

  /**
   * Whether this is text of at most {@code most} code points without U+0000 and lone surrogates.
   */
  static boolean valid(String text, int most) {
    int codePoints = 0;
    for (int i = 0; i < text.length(); codePoints++) {
      int c = text.codePointAt(i);
      if (c == 0 || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        return false;
      }
      i += Character.charCount(c);
    }
    return codePoints <= most;
  }

  /** A field's name as part of a JSON pointer (RFC 6901), shortened. */
  static String pointerToken(String name) {
    return shortened(name).replace("~", "~0").replace("/", "~1");
  }
}
