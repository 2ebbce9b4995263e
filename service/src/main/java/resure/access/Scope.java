package resure.access;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a caller may be allowed. None includes another. */
public enum Scope {
  /** Everything that changes nothing. */
  READ,
  /** Score, create, rewind, finish, replay, evaluate. */
  WRITE,
  /** Delete runs, say how much of a run is kept, make backups. */
  ADMIN,
  /** The metrics of all tenants. */
  METRICS;

  /** As it is written in token files, claims and answers. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The scope that is written so; null for none. */
  public static @Nullable Scope of(String text) {
    for (Scope scope : values()) {
      if (scope.text().equals(text)) {
        return scope;
      }
    }
    return null;
  }
}
