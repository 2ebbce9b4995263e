package resure;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.LoggerFactory;

/**
 * Lets at most so many warnings and errors of one kind through within a minute: whatever clients,
 * or a store that is away, bring about again and again must not fill the disk. Of one kind are
 * those of a logger with the same text, before anything is put into it. What is left out is still
 * counted by {@code logback_events_total}. The audit log bounds itself.
 *
 * <p>Any thread; the monitor guards the counts.
 */
final class RepeatedLines extends Filter<ILoggingEvent> {

  static final int MOST_OF_A_KIND = 5;

  /** Texts that are made of what clients send could be of any number of kinds. */
  static final int MOST_KINDS = 200;

  private static final String AUDIT = "resure.audit";
  private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);

  private final LongSupplier nanoTime;
  private final Map<String, Integer> counts = new HashMap<>();
  private long begun;

  RepeatedLines(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    begun = nanoTime.getAsLong();
  }

  /** Puts one before everything that log lines go to now: the console, a file. */
  static void limit() {
    if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
      root.iteratorForAppenders()
          .forEachRemaining(appender -> appender.addFilter(new RepeatedLines(System::nanoTime)));
    }
  }

  @Override
  public FilterReply decide(ILoggingEvent event) {
    return event.getLevel().isGreaterOrEqual(Level.WARN)
            && !event.getLoggerName().equals(AUDIT)
            && tooMany(event.getLoggerName() + ' ' + event.getMessage())
        ? FilterReply.DENY
        : FilterReply.NEUTRAL;
  }

  private synchronized boolean tooMany(String kind) {
    long now = nanoTime.getAsLong();
    if (now - begun >= MINUTE) {
      begun = now;
      counts.clear();
    }
    if (counts.size() == MOST_KINDS && !counts.containsKey(kind)) {
      return true;
    }
    return counts.merge(kind, 1, Integer::sum) > MOST_OF_A_KIND;
  }
}
