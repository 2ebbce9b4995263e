package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import resure.journal.InMemoryJournal;
import resure.journal.JournalException;
import resure.observation.Batches;

class IdleRunsTest {

  private static final Duration AFTER = Duration.ofDays(30);
  private static final Duration HOUR = Duration.ofHours(1);

  private final InMemoryJournal journal = new InMemoryJournal();
  private final ShardDriver driver = new ShardDriver(journal, ShardDriver.LIMITS);

  /** Of a process whose clock may be wrong. */
  private Duration clockIsAhead = Duration.ZERO;

  private final IdleRuns idle =
      new IdleRuns(
          journal,
          AFTER,
          this::clock,
          driver::nanos,
          request -> {
            var answer = driver.offer(request);
            driver.work();
            return answer;
          },
          () -> true);

  private Instant clock() {
    return driver.now().plus(clockIsAhead);
  }

  private void score(String run, long step) {
    driver.post(run, null, Batches.of(step, 0, new double[] {1, 2}));
    driver.work();
  }

  private int sweepAfter(Duration time) throws JournalException {
    driver.pass(time);
    return idle.sweep();
  }

  private boolean isThere(String run) throws JournalException {
    return journal.lookup(ShardDriver.id(run)) != null;
  }

  @Test
  void aRunToWhichNothingWasRecordedForSoLongIsDeletedAndNoOther() throws JournalException {
    driver.create("old");
    driver.create("finished");
    driver.done(new Request.Finish(ShardDriver.id("finished")));
    driver.create("used");
    driver.pass(AFTER.minus(HOUR));
    score("used", 0);

    assertThat(idle.sweep()).as("the first sweep only looks").isZero();
    assertThat(sweepAfter(HOUR.minusMillis(1))).as("not yet").isZero();
    assertThat(sweepAfter(Duration.ofMillis(2))).isEqualTo(2);

    assertThat(isThere("old")).isFalse();
    assertThat(isThere("finished")).isFalse();
    assertThat(isThere("used")).isTrue();
    assertThat(driver.retired).isEqualTo(2);
    driver.create("old");
    assertThat(sweepAfter(HOUR)).isZero();
  }

  @Test
  void aClockThatIsAheadDeletesNothing() throws JournalException {
    driver.create("a");
    clockIsAhead = Duration.ofDays(400);

    assertThat(idle.sweep()).isZero();
    assertThat(sweepAfter(HOUR)).isZero();
    assertThat(sweepAfter(AFTER.minus(HOUR.multipliedBy(2)))).isZero();
    assertThat(isThere("a")).isTrue();
  }

  @Test
  void aClockThatIsBehindDeletesLater() throws JournalException {
    driver.create("a");
    clockIsAhead = HOUR.negated();

    assertThat(idle.sweep()).isZero();
    assertThat(sweepAfter(AFTER)).isZero();
    assertThat(sweepAfter(HOUR)).isEqualTo(1);
  }

  @Test
  void inAStoreToWhichNothingIsRecordedTimePassesAllTheSame() throws JournalException {
    driver.create("a");
    for (int hours = 0; hours < AFTER.toHours(); hours++) {
      assertThat(sweepAfter(HOUR)).isZero();
    }

    assertThat(sweepAfter(HOUR)).isEqualTo(1);
  }

  @Test
  void aBatchThatComesBetweenTheLookAndTheDeletionWins() throws JournalException {
    driver.create("a");
    assertThat(idle.sweep()).isZero();
    driver.pass(AFTER.plus(HOUR));
    IdleRuns late =
        new IdleRuns(
            journal,
            AFTER,
            this::clock,
            driver::nanos,
            request -> {
              score("a", 0);
              var answer = driver.offer(request);
              driver.work();
              return answer;
            },
            () -> true);
    driver.create("b");
    assertThat(late.sweep()).isZero();
    driver.pass(HOUR);

    assertThat(late.sweep()).isZero();

    assertThat(isThere("a")).isTrue();
    assertThat(driver.statistics("a").run().sequence()).isEqualTo(2);
  }
}
