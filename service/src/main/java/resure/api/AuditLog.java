package resure.api;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.access.Caller;
import resure.observation.RunId;

/**
 * Who did what to which run, and who was turned away: one line each, of the logger {@code
 * resure.audit}. Names are validated ones; there are no secrets and no clients' texts in it.
 */
final class AuditLog {

  private static final Logger LOG = LoggerFactory.getLogger("resure.audit");

  /** Whoever guesses tokens does not fill the disk. */
  private static final long REFUSALS_A_SECOND = 10;

  /** The second that is counted, and how many refusals it had. */
  private static final AtomicLong SECOND = new AtomicLong();

  private static final AtomicLong REFUSALS = new AtomicLong();

  private AuditLog() {}

  static void note(Caller caller, String action, RunId run, String outcome) {
    LOG.info("{}: {} {}/{}: {}", caller.name(), action, run.tenant(), run.name(), outcome);
  }

  /** A request without valid credentials; a flood of them is not noted one by one. */
  static void refused(String method, String path) {
    long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
    if (SECOND.getAndSet(second) != second) {
      REFUSALS.set(0);
    }
    if (REFUSALS.incrementAndGet() <= REFUSALS_A_SECOND) {
      LOG.warn("nobody: {} {}: refused, the token is not valid", method, path);
    }
  }
}
