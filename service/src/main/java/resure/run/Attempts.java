package resure.run;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The starts of a run's trainer. The first one seen becomes current; only a rewind makes another
 * one current, which fences off those before it. Never rewound. Owner thread only.
 */
final class Attempts {

  /**
   * Past attempts that are remembered. A zombie that was forgotten could make itself current by a
   * rewind; no scheduler restarts a job this often while one of its first starts still runs.
   */
  static final int MAX_PAST = 4096;

  /** No rewind yet. */
  static final long NO_REWIND = -1;

  private @Nullable String current;
  private long lastRewind = NO_REWIND;
  private final Set<String> past = new LinkedHashSet<>();

  Attempts() {}

  Attempts(@Nullable String current, long lastRewind, Set<String> past) {
    this.current = current;
    this.lastRewind = lastRewind;
    this.past.addAll(past);
  }

  @Nullable String current() {
    return current;
  }

  /** Step of the current attempt's last rewind. */
  long lastRewind() {
    return lastRewind;
  }

  Set<String> past() {
    return past;
  }

  /** Whether a batch that names {@code attempt} may be taken. */
  boolean admits(@Nullable String attempt) {
    return attempt == null || current == null || attempt.equals(current);
  }

  /** Whether this attempt was fenced off. */
  boolean isPast(@Nullable String attempt) {
    return attempt != null && past.contains(attempt);
  }

  /** Whether a rewind repeats the current attempt's last one, as every rank of it may. */
  boolean repeats(long nextStep, @Nullable String attempt) {
    return attempt != null && attempt.equals(current) && nextStep == lastRewind;
  }

  void seenInBatch(@Nullable String attempt) {
    if (current == null) {
      current = attempt;
    }
  }

  void seenInRewind(long nextStep, @Nullable String attempt) {
    if (attempt == null) {
      return;
    }
    if (current != null && !attempt.equals(current)) {
      if (past.size() == MAX_PAST) {
        past.remove(past.iterator().next());
      }
      past.add(current);
    }
    current = attempt;
    lastRewind = nextStep;
  }
}
