package resure.access;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * So many a second, and after a quiet time some seconds' worth at once: the generic cell rate
 * algorithm (ITU-T I.371). Of each who is limited one number is kept: when the next one would be
 * due if they came evenly. One that comes at most {@code tolerance} before it is due is admitted
 * and moves that by the interval; one that comes earlier is told how much, and changes nothing. In
 * any time {@code t} at most {@code burst + t / interval} are admitted. No timer, no lock.
 */
final class Rate {

  /** A step's ranks come together, and then the step is computed. */
  static final int BURST_SECONDS = 10;

  private final long intervalNanos;
  private final long toleranceNanos;

  Rate(int perSecond) {
    intervalNanos = TimeUnit.SECONDS.toNanos(1) / perSecond;
    toleranceNanos = TimeUnit.SECONDS.toNanos(BURST_SECONDS) - intervalNanos;
  }

  /**
   * Takes one, if one may be taken.
   *
   * @param due the number that is kept; 0 at first
   * @param now nanoseconds since some beginning, never negative
   * @return nanoseconds until one may be taken; 0 when it was
   */
  long take(AtomicLong due, long now) {
    while (true) {
      long next = due.get();
      long from = Math.max(next, now);
      long early = from - toleranceNanos - now;
      if (early > 0) {
        return early;
      }
      if (due.compareAndSet(next, from + intervalNanos)) {
        return 0;
      }
    }
  }
}
