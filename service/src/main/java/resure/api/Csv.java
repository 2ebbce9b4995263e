package resure.api;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Writes one line of CSV (RFC 4180, UTF-8): texts in quotes, everything else without, nothing at
 * all for null; a line ends with CR LF.
 *
 * <p>Texts are clients' own, and what opens a table may take one that begins like a formula for a
 * formula. So a text that begins with one of {@code = + - @}, their full-width forms, a tab, CR, LF
 * or an apostrophe has an apostrophe in front. Whoever takes one leading apostrophe away has the
 * text that was sent.
 */
final class Csv {

  private static final String GUARDED = "=+-@\t\r\n'＝＋－＠";

  private final StringBuilder line = new StringBuilder(128);
  private boolean begun;

  /** The names of the columns. */
  static byte[] header(String... names) {
    return (String.join(",", names) + "\r\n").getBytes(StandardCharsets.US_ASCII);
  }

  /** Begins the next line. */
  Csv start() {
    line.setLength(0);
    begun = false;
    return this;
  }

  /** A client's text. */
  Csv text(@Nullable String text) {
    separate();
    if (text != null) {
      line.append('"');
      if (!text.isEmpty() && GUARDED.indexOf(text.charAt(0)) >= 0) {
        line.append('\'');
      }
      line.append(text.replace("\"", "\"\"")).append('"');
    }
    return this;
  }

  /** A whole number, if there is one. */
  Csv whole(@Nullable Long value) {
    separate();
    if (value != null) {
      line.append(value.longValue());
    }
    return this;
  }

  /** A number; nothing where JSON has {@code null}, too. */
  Csv number(double value) {
    separate();
    if (Double.isFinite(value)) {
      line.append(value);
    }
    return this;
  }

  Csv flag(boolean value) {
    separate();
    line.append(value);
    return this;
  }

  private void separate() {
    if (begun) {
      line.append(',');
    }
    begun = true;
  }

  /** Ends the line. */
  byte[] end() {
    return line.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
  }
}
