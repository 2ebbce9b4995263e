package resure;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RepeatedLinesTest {

  private final AtomicLong now = new AtomicLong();
  private final LoggerContext context = new LoggerContext();
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final Logger log = context.getLogger("resure.api");

  @BeforeEach
  void append() {
    lines.addFilter(new RepeatedLines(now::get));
    lines.start();
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(lines);
    log.setLevel(Level.DEBUG);
  }

  @Test
  void ofOneKindAFewAMinuteAreWritten() {
    for (int i = 0; i < 1000; i++) {
      log.error("Request {} failed", i);
      log.warn("Something else");
    }
    assertThat(lines.list).hasSize(2 * RepeatedLines.MOST_OF_A_KIND);
    now.addAndGet(TimeUnit.SECONDS.toNanos(59));
    log.error("Request {} failed", "late");
    assertThat(lines.list).hasSize(2 * RepeatedLines.MOST_OF_A_KIND);
    now.addAndGet(TimeUnit.SECONDS.toNanos(1));
    log.error("Request {} failed", "later");
    assertThat(lines.list.getLast().getFormattedMessage()).isEqualTo("Request later failed");
  }

  @Test
  void textsThatAreMadeOfWhatClientsSendAreBoundedToo() {
    for (int i = 0; i < 10_000; i++) {
      log.error("Error for GET /" + i);
    }
    assertThat(lines.list).hasSize(RepeatedLines.MOST_KINDS);
  }

  @Test
  void whatIsNoWarningAndTheAuditLogIsWritten() {
    Logger audit = context.getLogger("resure.audit");
    for (int i = 0; i < 100; i++) {
      log.info("The store is back");
      audit.warn("nobody: refused");
    }
    assertThat(lines.list).hasSize(200);
  }
}
