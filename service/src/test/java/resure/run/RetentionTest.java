package resure.run;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static resure.run.ShardDriver.id;
import static resure.run.ShardDriver.outcome;
import static resure.run.ShardDriver.value;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.journal.InMemoryJournal;
import resure.journal.InMemoryJournal.Failure;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.weighting.Configuration;

/** Runs that drop their oldest losses, in shards: one batch a step, a snapshot every thousand. */
@Timeout(120)
class RetentionTest {

  private static final Configuration CONFIGURATION = Configuration.DEFAULT.withWarmUp(2);
  private static final Retention KEPT = new Retention(100);

  private final InMemoryJournal journal = new InMemoryJournal();

  private ShardDriver driver() {
    return new ShardDriver(journal, ShardDriver.LIMITS);
  }

  private static ObservationBatch batch(long step) {
    return Batches.of(step, 0, new double[] {2 + step % 7 / 10.0, 1.5});
  }

  private static Outcome<Scored> score(
      ShardDriver driver, @Nullable String key, ObservationBatch batch) {
    CompletableFuture<Outcome<Scored>> answer = driver.score("a", key, batch);
    driver.work();
    return outcome(answer);
  }

  private static void post(ShardDriver driver, long fromStep, long toStep) {
    for (long step = fromStep; step <= toStep; step++) {
      assertThat(score(driver, "k" + step, batch(step))).isInstanceOf(Outcome.Done.class);
    }
  }

  private static Outcome<Scored> tooOld(long earliest) {
    return new Outcome.Refused<>(Refusal.STEP_TOO_OLD, Long.toString(earliest));
  }

  private static WholeFrom wholeFrom(ShardDriver driver) {
    return driver.statistics("a").run().wholeFrom();
  }

  private RunKey run() throws JournalException {
    return requireNonNull(journal.lookup(id("a")));
  }

  private long entries() throws JournalException {
    return journal.read(run(), 1, Integer.MAX_VALUE).size();
  }

  /** A run of 3,000 steps; at the second snapshot a hundred steps lie behind the first only. */
  private ShardDriver trimmed() {
    ShardDriver driver = driver();
    driver.create("a", CONFIGURATION, KEPT);
    post(driver, 0, 3000);
    return driver;
  }

  @Test
  void aRunKeepsWhatItWasToldToAndALittleMore() throws JournalException {
    ShardDriver driver = trimmed();

    // Snapshots at sequences 1001, 2001 and 3001: the first two are of what may be dropped.
    assertThat(wholeFrom(driver)).isEqualTo(new WholeFrom(1000, 1002));
    assertThat(driver.trimmed).isEqualTo(999);
    post(driver, 3001, 9000);
    assertThat(entries()).isLessThan(4000);
    assertThat(driver.trimmed).isEqualTo(driver.statistics("a").run().sequence() - entries());
    assertThat(driver.statistics("a").totals().all().usable()).isEqualTo(18_002);
  }

  @Test
  void aRunThatKeepsEverythingIsNotTrimmed() throws JournalException {
    ShardDriver driver = driver();
    driver.create("a", CONFIGURATION);
    post(driver, 0, 3500);

    assertThat(entries()).isEqualTo(3502);
    assertThat(wholeFrom(driver)).isEqualTo(WholeFrom.BEGINNING);
  }

  @Test
  void aBatchOfADroppedStepIsRefusedAndNamesTheEarliest() {
    ShardDriver driver = trimmed();

    assertThat(score(driver, "new", batch(999))).isEqualTo(tooOld(1000));
    assertThat(score(driver, "k998", batch(998))).as("again").isEqualTo(tooOld(1000));
    assertThat(score(driver, null, batch(0))).isEqualTo(tooOld(1000));
    assertThat(score(driver, "another rank", batch(1000))).isInstanceOf(Outcome.Done.class);
  }

  @Test
  void aKeyWhoseBatchIsKeptIsAnsweredAsEver() {
    ShardDriver driver = trimmed();

    Outcome<Scored> again = score(driver, "k1000", batch(1000));

    assertThat(((Outcome.Done<Scored>) again).value().replayed()).isTrue();
    assertThat(((Outcome.Done<Scored>) again).value().sequence()).isEqualTo(1002);
    assertThat(score(driver, "k2500", batch(2501))).isEqualTo(Outcome.refused(Refusal.KEY_REUSED));
  }

  @Test
  void aKeyWhoseBatchWasLateAndIsKeptIsAnsweredAlthoughItsStepIsTooOld() {
    ShardDriver driver = driver();
    driver.create("a", CONFIGURATION, KEPT);
    post(driver, 0, 1500);
    long late = value(posted(driver, "late", batch(990))).sequence();
    post(driver, 1501, 3000);
    assertThat(wholeFrom(driver).step()).isEqualTo(1000);

    Outcome<Scored> again = score(driver, "late", batch(990));

    assertThat(((Outcome.Done<Scored>) again).value().sequence()).isEqualTo(late);
    assertThat(score(driver, "later", batch(990))).isEqualTo(tooOld(1000));
  }

  private static CompletableFuture<Outcome<Scored>> posted(
      ShardDriver driver, String key, ObservationBatch batch) {
    CompletableFuture<Outcome<Scored>> answer = driver.score("a", key, batch);
    driver.work();
    return answer;
  }

  @Test
  void aRewindToADroppedStepIsRefusedAndOneToTheEarliestIsNot() {
    ShardDriver driver = trimmed();

    assertThat(driver.done(new Request.Rewind(id("a"), 999, "job-2")))
        .isEqualTo(new Outcome.Refused<>(Refusal.STEP_TOO_OLD, "1000"));
    assertThat(driver.done(new Request.Rewind(id("a"), 1000, "job-2")))
        .isInstanceOf(Outcome.Done.class);
    assertThat(driver.statistics("a").run().step()).isEqualTo(999);
    assertThat(driver.statistics("a").totals().all().usable()).isEqualTo(2000);
    post(driver, 1000, 1010);
  }

  @Test
  void aRewindThatWasDoneIsRepeatedAlthoughItsStepIsTooOldByNow() {
    ShardDriver driver = driver();
    driver.create("a", CONFIGURATION, KEPT);
    post(driver, 0, 20);
    driver.done(new Request.Rewind(id("a"), 10, "job-2"));
    post(driver, 10, 3100);
    assertThat(wholeFrom(driver).step()).isGreaterThan(900);

    assertThat(driver.done(new Request.Rewind(id("a"), 10, "job-2")))
        .isInstanceOf(Outcome.Done.class);
    assertThat(driver.statistics("a").run().step()).isEqualTo(3100);
  }

  @Test
  void aRunWithoutStepsKnowsTheKeysOfWhatItDropped() {
    ShardDriver driver = driver();
    driver.create("a", CONFIGURATION, KEPT);
    for (int i = 0; i <= 3000; i++) {
      score(driver, "k" + i, batch(ObservationBatch.NO_STEP));
    }
    assertThat(wholeFrom(driver)).isEqualTo(new WholeFrom(ObservationBatch.NO_STEP, 1002));
    long sequence = driver.statistics("a").run().sequence();

    assertThat(score(driver, "k5", batch(ObservationBatch.NO_STEP)))
        .isEqualTo(Outcome.refused(Refusal.STEP_TOO_OLD));
    assertThat(score(driver, "k5", batch(7))).isEqualTo(Outcome.refused(Refusal.STEP_TOO_OLD));
    assertThat(score(driver, "k2500", batch(ObservationBatch.NO_STEP)))
        .isInstanceOf(Outcome.Done.class);
    assertThat(driver.statistics("a").run().sequence()).isEqualTo(sequence);
  }

  @Test
  void aTrimmedRunIsReadAgainAsItWas() throws JournalException {
    ShardDriver driver = trimmed();

    assertThat(driver().bits("a")).isEqualTo(driver.bits("a"));
    assertThat(wholeFrom(driver())).isEqualTo(wholeFrom(driver));
  }

  /** Of a run that is whole from step 1000 on: with snapshots of steps 999, 1999, and 2999. */
  private void damage(long sequence) throws JournalException {
    Snapshot snapshot = requireNonNull(journal.snapshot(run(), sequence));
    assertThat(snapshot.sequence()).isEqualTo(sequence);
    journal.save(run(), new Snapshot(snapshot.head(), new byte[] {0}));
  }

  @Test
  void aRewindThatNoSnapshotIsLeftForIsRefusedAndTheRunGoesOn() throws JournalException {
    ShardDriver driver = trimmed();
    long sequence = driver.statistics("a").run().sequence();
    damage(1001);

    assertThat(driver.done(new Request.Rewind(id("a"), 1500, null)))
        .isEqualTo(Outcome.refused(Refusal.RUN_DAMAGED));

    assertThat(driver.statistics("a").run().sequence()).isEqualTo(sequence);
    post(driver, 3001, 3010);
    assertThat(driver.done(new Request.Rewind(id("a"), 2500, null)))
        .as("from the next snapshot")
        .isInstanceOf(Outcome.Done.class);
  }

  @Test
  void aRunWhoseSnapshotsAreAllDamagedIsUnavailableAndItsNeighbourIsNot() throws JournalException {
    ShardDriver driver = trimmed();
    driver.create("b");
    for (long sequence : new long[] {1001, 2001, 3001}) {
      damage(sequence);
    }
    ShardDriver again = driver();

    assertThat(again.done(new Request.Read<>(id("a"), Run::describe, false)))
        .isEqualTo(Outcome.refused(Refusal.RUN_DAMAGED));
    assertThat(score(again, null, batch(3001))).isEqualTo(Outcome.refused(Refusal.RUN_DAMAGED));
    assertThat(again.statistics("b").run().sequence()).isEqualTo(1);
  }

  @Test
  void aTrimmingOfUnknownOutcomeIsFoundInTheJournalOrMadeLater() throws JournalException {
    for (Failure failure : Failure.values()) {
      ShardDriver driver = driver();
      driver.create("a", CONFIGURATION, KEPT);
      post(driver, 0, 2998);
      driver.workers.atOnce = false;
      // The batch that brings the snapshot, whose trimming fails.
      post(driver, 2999, 2999);
      journal.failNextAppend(failure);
      driver.workers.runAll();
      driver.work();
      driver.workers.atOnce = true;
      journal.check();

      post(driver, 3000, 4100);

      assertThat(wholeFrom(driver).step()).as("%s", failure).isEqualTo(2000);
      assertThat(driver().bits("a")).isEqualTo(driver.bits("a"));
      driver.done(new Request.Delete(id("a")));
    }
  }

  @Test
  void whatOneReplicaDropsIsDroppedForTheOthers() throws JournalException {
    journal.share();
    ShardDriver one = driver();
    ShardDriver two = driver();
    one.create("a", CONFIGURATION, KEPT);
    assertThat(wholeFrom(two)).isEqualTo(WholeFrom.BEGINNING);
    post(one, 0, 3000);

    assertThat(score(two, "k5", batch(5))).isEqualTo(tooOld(1000));
    assertThat(two.done(new Request.Rewind(id("a"), 999, null)))
        .isEqualTo(new Outcome.Refused<>(Refusal.STEP_TOO_OLD, "1000"));
    post(two, 3001, 3001);
    one.pass(ShardDriver.LIMITS.freshness().plusMillis(1));
    assertThat(two.bits("a")).isEqualTo(one.bits("a"));
    assertThat(wholeFrom(two)).isEqualTo(wholeFrom(one));
  }

  @Test
  void replicasThatTrimAtOnceDropTheSame() throws JournalException {
    journal.share();
    ShardDriver one = driver();
    ShardDriver two = driver();
    one.create("a", CONFIGURATION, KEPT);
    for (long step = 0; step <= 9000; step++) {
      ShardDriver poster = step % 3 == 0 ? one : two;
      assertThat(score(poster, "k" + step, batch(step))).isInstanceOf(Outcome.Done.class);
    }

    one.pass(ShardDriver.LIMITS.freshness().plusMillis(1));
    two.pass(ShardDriver.LIMITS.freshness().plusMillis(1));

    assertThat(one.bits("a")).isEqualTo(two.bits("a"));
    assertThat(wholeFrom(one)).isEqualTo(wholeFrom(two));
    assertThat(one.trimmed + two.trimmed)
        .isEqualTo(one.statistics("a").run().sequence() - entries());
    assertThat(entries()).isLessThan(4000);
    for (StoredEntry stored : journal.read(run(), 2, 0)) {
      assertThat(stored.sequence()).isEqualTo(wholeFrom(one).sequence() - 1);
    }
  }
}
