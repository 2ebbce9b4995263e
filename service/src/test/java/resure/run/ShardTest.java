package resure.run;

import static org.assertj.core.api.Assertions.assertThat;
import static resure.run.ShardDriver.id;
import static resure.run.ShardDriver.outcome;
import static resure.run.ShardDriver.refusal;
import static resure.run.ShardDriver.value;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.compute.FailingDevice;
import resure.compute.jvm.JvmCompute;
import resure.journal.CorruptJournalException;
import resure.journal.InMemoryJournal;
import resure.journal.InMemoryJournal.Failure;
import resure.journal.JournalException;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.weighting.Configuration;

/** A shard, turn by turn, on one thread. */
@Timeout(60)
class ShardTest {

  private static ObservationBatch batch(long step, long rank) {
    return Batches.of(step, rank, new double[] {2 + rank, 1.5}, new double[] {1});
  }

  // Grouping

  @Test
  void whatWaitsGoesIntoOneGroupButNeverTwoStepsOfOneRun() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.create("b");
    driver.post("a", null, batch(0, 0));
    driver.post("b", null, batch(7, 0));
    driver.post("a", null, batch(0, 1));
    CompletableFuture<Outcome<Scored>> next = driver.score("a", null, batch(1, 0));
    driver.post("b", null, batch(7, 1));
    driver.post("b", null, batch(7, 2));

    driver.work();

    assertThat(driver.groups).containsExactly(5, 1);
    assertThat(value(next).sequence()).isEqualTo(4);
    assertThat(driver.statistics("a").reference().moments(0).n()).isEqualTo(4);
  }

  @Test
  void batchesWithoutStepsAndOfDifferentAttemptsAreNeverInOneGroup() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.create("b");
    for (int i = 0; i < 3; i++) {
      driver.post("a", null, batch(ObservationBatch.NO_STEP, i));
    }
    driver.post("b", null, Batches.of(0, 0, 0, "job-1", new double[] {1}));
    CompletableFuture<Outcome<Scored>> other =
        driver.score("b", null, Batches.of(0, 1, 0, "job-2", new double[] {1}));

    driver.work();

    assertThat(driver.groups).containsExactly(2, 1, 1);
    assertThat(refusal(other)).isEqualTo(Refusal.STALE_ATTEMPT);
  }

  @Test
  void whileAGroupIsWrittenTheNextGathersFromRunsThatHaveNothingInFlight() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.create("b");
    driver.writer.atOnce = false;
    CompletableFuture<Outcome<Scored>> first = driver.score("a", null, batch(0, 0));
    driver.work();
    CompletableFuture<Outcome<Scored>> sameRun = driver.score("a", null, batch(0, 1));
    CompletableFuture<Outcome<Scored>> otherRun = driver.score("b", null, batch(0, 0));
    driver.work();
    assertThat(driver.writer.tasks).hasSize(1);
    assertThat(first).isNotDone();

    driver.writer.runAll();
    driver.work();

    assertThat(first).isDone();
    assertThat(sameRun).isNotDone();
    assertThat(otherRun).isNotDone();
    driver.writer.runAll();
    driver.work();
    driver.writer.runAll();
    driver.work();
    assertThat(value(sameRun).sequence()).isEqualTo(3);
    assertThat(value(otherRun).sequence()).isEqualTo(2);
    assertThat(driver.groups).containsExactly(1, 1, 1);
  }

  @Test
  void nothingIsAnsweredOrAppliedBeforeItIsDurable() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.writer.atOnce = false;

    CompletableFuture<Outcome<Scored>> answer = driver.score("a", null, batch(0, 0));
    driver.work();

    assertThat(answer).isNotDone();
    assertThat(driver.groups).isEmpty();
    driver.writer.runAll();
    assertThat(answer).isNotDone();
    driver.work();
    assertThat(value(answer).sequence()).isEqualTo(2);
  }

  // Keys

  @Test
  void aRepeatedKeyWaitsForTheFirstAndIsAnsweredFromItsEntry() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      answers.add(driver.score("a", "k", batch(0, 0)));
    }
    CompletableFuture<Outcome<Scored>> other = driver.score("a", "k", batch(0, 1));

    driver.work();

    assertThat(value(answers.getFirst()).replayed()).isFalse();
    for (CompletableFuture<Outcome<Scored>> answer : answers.subList(1, 8)) {
      assertThat(value(answer).replayed()).isTrue();
      assertThat(value(answer).sequence()).isEqualTo(2);
      assertThat(value(answer).weights().raw())
          .containsExactly(value(answers.getFirst()).weights().raw());
    }
    assertThat(refusal(other)).isEqualTo(Refusal.KEY_REUSED);
    assertThat(driver.statistics("a").run().sequence()).isEqualTo(2);
  }

  @Test
  void theKeyIsCheckedBeforeAttemptFinishMixingAndPendingLimit() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", "k", batch(3, 0));
    driver.post(new Request.Rewind(id("a"), 9, "job-2"));
    driver.post(new Request.Finish(id("a")));
    driver.work();

    ObservationBatch stale = Batches.of(3, 0, 0, "job-1", new double[] {2, 1.5}, new double[] {1});
    CompletableFuture<Outcome<Scored>> known = driver.score("a", "k", stale);
    CompletableFuture<Outcome<Scored>> fresh = driver.score("a", "k2", stale);
    driver.work();

    assertThat(value(known).replayed()).isTrue();
    assertThat(refusal(fresh)).isEqualTo(Refusal.STALE_ATTEMPT);
  }

  @Test
  void aRewindForgetsTheKeysOfWhatItRemovesAndNoOthers() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", "k0", batch(0, 0));
    driver.post("a", "k1", batch(1, 0));
    driver.post(new Request.Rewind(id("a"), 1, null));
    CompletableFuture<Outcome<Scored>> kept = driver.score("a", "k0", batch(0, 0));
    CompletableFuture<Outcome<Scored>> again = driver.score("a", "k1", batch(1, 5));

    driver.work();

    assertThat(value(kept).replayed()).isTrue();
    assertThat(value(again).replayed()).isFalse();
    assertThat(value(again).sequence()).isEqualTo(5);
  }

  @Test
  void aKeyWhoseRunIsDeletedBeforeItsEntryIsReadIsOfAnUnknownRun() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", "k", batch(0, 0));
    driver.work();
    driver.workers.atOnce = false;
    CompletableFuture<Outcome<Scored>> replay = driver.score("a", "k", batch(0, 0));
    driver.work();
    driver.workers.runAll();
    driver.work();
    assertThat(driver.workers.tasks).as("the entry is to be read").hasSize(1);
    driver.done(new Request.Delete(id("a")));

    driver.workers.runAll();

    assertThat(refusal(replay)).isEqualTo(Refusal.UNKNOWN_RUN);
    assertThat(driver.shard.queuedLosses()).isZero();
  }

  // Bounds

  @Test
  void aFullQueueRefusesAndHasRoomAgainAfterTheAnswers() {
    ShardDriver driver =
        new ShardDriver(
            new InMemoryJournal(),
            new RunLimits(100, 3 * 67, 10, Duration.ofMinutes(1), Duration.ofSeconds(1)));
    driver.create("a");
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int rank = 0; rank < 5; rank++) {
      answers.add(driver.score("a", null, batch(0, rank)));
    }
    assertThat(driver.shard.queuedLosses()).isEqualTo(3 * 67);

    driver.work();

    assertThat(answers.stream().map(ShardDriver::refusal))
        .containsExactly(null, null, null, Refusal.QUEUE_FULL, Refusal.QUEUE_FULL);
    assertThat(driver.shard.queuedLosses()).isZero();
    CompletableFuture<Outcome<Scored>> later = driver.score("a", null, batch(0, 3));
    driver.work();
    assertThat(value(later).sequence()).isEqualTo(5);
  }

  @Test
  void thePendingLimitCountsThoseOfTheSameGroup() {
    ShardDriver driver =
        new ShardDriver(
            new InMemoryJournal(),
            new RunLimits(3, 10_000, 10, Duration.ofMinutes(1), Duration.ofSeconds(1)));
    driver.create("a");
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int rank = 0; rank < 5; rank++) {
      answers.add(driver.score("a", null, batch(0, rank)));
    }
    answers.add(driver.score("a", null, batch(1, 0)));

    driver.work();

    assertThat(answers.stream().map(ShardDriver::refusal))
        .containsExactly(
            null, null, null, Refusal.TOO_MANY_PENDING, Refusal.TOO_MANY_PENDING, null);
  }

  // Memory

  @Test
  void anIdleRunLeavesMemoryAndComesBackTheSame() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    for (int step = 0; step < 5; step++) {
      driver.post("a", null, batch(step, 0));
    }
    driver.work();
    List<String> before = driver.bits("a");

    driver.pass(Duration.ofMinutes(9));
    assertThat(driver.loaded("a")).isTrue();
    driver.pass(Duration.ofMinutes(11));

    assertThat(driver.ended).containsExactly(id("a"));
    assertThat(driver.loaded("a")).isFalse();
    assertThat(driver.bits("a")).isEqualTo(before);
    assertThat(driver.recovered).isEqualTo(1);
    assertThat(driver.folded.getLast()).isEqualTo(id("a"));
  }

  @Test
  void theRunNotUsedForLongestLeavesWhenThereAreTooMany() {
    ShardDriver driver =
        new ShardDriver(
            new InMemoryJournal(),
            new RunLimits(100, 10_000, 3, Duration.ofMinutes(1), Duration.ofSeconds(1)));
    for (String run : List.of("a", "b", "c")) {
      driver.create(run);
    }
    driver.post("a", null, batch(0, 0));
    driver.work();

    driver.create("d");

    assertThat(driver.loaded("b")).isFalse();
    assertThat(List.of("a", "c", "d")).allMatch(driver::loaded);
  }

  @Test
  void stateIsSavedEveryThousandBatchesAndReadingGoesOnFromThere() throws JournalException {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    for (int step = 0; step < Shard.SNAPSHOT_EVERY - 1; step++) {
      driver.post("a", null, batch(step, 0));
      driver.work();
    }
    assertThat(driver.newestSnapshot("a")).isZero();

    driver.post("a", null, batch(5000, 0));
    driver.work();

    assertThat(driver.newestSnapshot("a")).isEqualTo(Shard.SNAPSHOT_EVERY + 1);
  }

  // Failures

  @Test
  void aFailedAppendFoldsNothingAndTheRunGoesOnWhenTheStoreIsBack() throws JournalException {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", null, batch(0, 0));
    driver.work();
    List<String> before = driver.bits("a");
    driver.journal.failNextAppend(Failure.UNAVAILABLE);
    CompletableFuture<Outcome<Scored>> failed = driver.score("a", "k", batch(1, 0));
    driver.work();
    CompletableFuture<Outcome<Scored>> refused = driver.score("a", null, batch(1, 1));
    driver.work();

    assertThat(refusal(failed)).isEqualTo(Refusal.STORE_UNAVAILABLE);
    assertThat(refusal(refused)).isEqualTo(Refusal.STORE_UNAVAILABLE);
    assertThat(driver.bits("a")).isEqualTo(before);
    driver.journal.check();
    CompletableFuture<Outcome<Scored>> retried = driver.score("a", "k", batch(1, 0));
    driver.work();
    assertThat(value(retried).replayed()).isFalse();
    assertThat(value(retried).sequence()).isEqualTo(3);
  }

  @Test
  void afterAnUnknownOutcomeTheJournalSaysWhatWasRecorded() throws JournalException {
    for (Failure failure : List.of(Failure.UNKNOWN_WRITTEN, Failure.UNKNOWN_LOST)) {
      ShardDriver driver = new ShardDriver();
      driver.create("a");
      driver.create("b");
      driver.journal.failNextAppend(failure);
      CompletableFuture<Outcome<Scored>> first = driver.score("a", "k", batch(1, 0));
      CompletableFuture<Outcome<Scored>> second = driver.score("a", "k1", batch(1, 1));
      CompletableFuture<Outcome<Scored>> other = driver.score("b", "k", batch(1, 0));
      driver.work();
      assertThat(List.of(first, second, other))
          .allMatch(answer -> refusal(answer) == Refusal.OUTCOME_UNKNOWN);
      assertThat(driver.storeFailures).hasSize(1);

      driver.journal.check();
      CompletableFuture<Outcome<Scored>> retried = driver.score("a", "k", batch(1, 0));
      driver.work();

      boolean written = failure == Failure.UNKNOWN_WRITTEN;
      assertThat(value(retried).replayed()).isEqualTo(written);
      assertThat(value(retried).sequence()).isEqualTo(2);
      assertThat(driver.statistics("a").run().sequence()).isEqualTo(written ? 3 : 2);
    }
  }

  @Test
  void whoLosesARaceWeighsAgainAndBothEndWithTheSameState() {
    InMemoryJournal journal = new InMemoryJournal();
    ShardDriver one = new ShardDriver(journal, ShardDriver.LIMITS);
    ShardDriver two = new ShardDriver(journal, ShardDriver.LIMITS);
    one.create("a");
    one.create("b");
    Random random = new Random(1);
    for (int step = 0; step < 20; step++) {
      ShardDriver writer = random.nextBoolean() ? one : two;
      CompletableFuture<Outcome<Scored>> first =
          writer.score("a", null, Batches.random(random, step, 0, 0, null));
      CompletableFuture<Outcome<Scored>> second =
          writer.score("a", null, Batches.random(random, step, 1, 0, null));
      CompletableFuture<Outcome<Scored>> unharmed = one.score("b", null, batch(step, 0));
      writer.work();
      one.work();
      assertThat(List.of(first, second)).allMatch(a -> outcome(a) instanceof Outcome.Done);
      assertThat(value(unharmed).sequence()).isEqualTo(step + 2);
    }
    one.done(new Request.Rewind(id("a"), 30, null));
    CompletableFuture<Outcome<Scored>> last = two.score("a", "k", batch(20, 0));
    two.work();
    assertThat(value(last).sequence()).isEqualTo(43);
    // A writer that appends nothing may lag behind: this one has to find out.
    CompletableFuture<Outcome<Scored>> replay = one.score("a", "k", batch(20, 0));
    one.work();
    assertThat(value(replay).replayed()).isTrue();
    one.post("a", null, batch(20, 1));
    one.work();
    two.post("a", null, batch(20, 2));
    two.work();
    one.post("a", null, batch(20, 3));
    one.work();

    two.pass(Duration.ofMinutes(11));
    assertThat(two.bits("a")).isEqualTo(one.bits("a"));
  }

  @Test
  void aDamagedRunIsRefusedAndTheOthersAreNot() {
    InMemoryJournal journal = new InMemoryJournal();
    ShardDriver healthy = new ShardDriver(journal, ShardDriver.LIMITS);
    healthy.create("a");
    healthy.create("b");
    ShardDriver driver =
        new ShardDriver(
            journal,
            ShardDriver.LIMITS,
            key -> {
              if (key.id().equals(id("a"))) {
                throw new CorruptJournalException("entry 7 is missing");
              }
              return new Recovery(journal, new JvmCompute()).recover(key);
            });
    CompletableFuture<Outcome<Scored>> damaged = driver.score("a", null, batch(0, 0));
    CompletableFuture<Outcome<Scored>> too = driver.score("a", null, batch(1, 0));
    CompletableFuture<Outcome<Scored>> other = driver.score("b", null, batch(0, 0));

    driver.work();

    assertThat(refusal(damaged)).isEqualTo(Refusal.RUN_DAMAGED);
    assertThat(refusal(too)).isEqualTo(Refusal.RUN_DAMAGED);
    assertThat(value(other).sequence()).isEqualTo(2);
    assertThat(driver.shard.queuedLosses()).isZero();
  }

  @Test
  void aRunThatHasANameAndNoEntriesIsDamagedAndNotLookedForForEver() {
    InMemoryJournal journal = new InMemoryJournal();
    new ShardDriver(journal, ShardDriver.LIMITS).create("a");
    ShardDriver driver = new ShardDriver(journal, ShardDriver.LIMITS, key -> null);

    CompletableFuture<Outcome<Scored>> answer = driver.score("a", null, batch(0, 0));
    driver.work();

    assertThat(refusal(answer)).isEqualTo(Refusal.RUN_DAMAGED);
  }

  // Devices

  /** Trains two runs, the device failing in the middle; then their bits and all answers. */
  private static List<String> trained(FailingDevice device, Runnable inTheMiddle) {
    ShardDriver driver = new ShardDriver(new InMemoryJournal(), device);
    driver.create("a");
    driver.create("b", Configuration.DEFAULT.withLag(1).withWarmUp(2));
    Random random = new Random(11);
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int step = 0; step < 12; step++) {
      if (step == 6) {
        inTheMiddle.run();
      }
      for (int rank = 0; rank < 3; rank++) {
        answers.add(
            driver.score("a", "k" + step + rank, Batches.random(random, step, rank, 0, null)));
        answers.add(driver.score("b", null, Batches.random(random, step, rank, 0, null)));
      }
      driver.work();
    }
    List<String> seen = new ArrayList<>();
    for (CompletableFuture<Outcome<Scored>> answer : answers) {
      Scored scored = value(answer);
      seen.add(scored.sequence() + " " + Arrays.toString(scored.weights().raw()));
    }
    seen.addAll(driver.bits("a"));
    seen.addAll(driver.bits("b"));
    seen.add("failures " + driver.deviceFailures);
    return seen;
  }

  @Test
  void aDeviceThatFailsChangesNoAnswerAndNoBit() {
    List<String> sound = trained(new FailingDevice(), () -> {});
    for (FailingDevice.Operation operation : FailingDevice.Operation.values()) {
      for (int passes = 0; passes < 3; passes++) {
        FailingDevice device = new FailingDevice();
        int in = passes;

        List<String> seen = trained(device, () -> device.failAt(operation, in));

        assertThat(seen.removeLast()).as("%s %d", operation, passes).isEqualTo("failures 1");
        assertThat(device.opened()).isEqualTo(2);
        assertThat(seen)
            .as("%s %d", operation, passes)
            .isEqualTo(sound.subList(0, sound.size() - 1));
      }
    }
  }

  @Test
  void whatIsBeingWrittenWhenADeviceFailsIsAnsweredAsEver() {
    FailingDevice device = new FailingDevice();
    ShardDriver driver = new ShardDriver(new InMemoryJournal(), device);
    driver.create("a");
    driver.create("b");
    driver.create("c");
    driver.create("d");
    driver.post("d", null, batch(0, 0));
    driver.work();
    driver.writer.atOnce = false;
    CompletableFuture<Outcome<Scored>> written = driver.score("a", null, batch(0, 0));
    CompletableFuture<Outcome<RunDescription>> finished = driver.offer(new Request.Finish(id("b")));
    CompletableFuture<Outcome<RunDescription>> deleted = driver.offer(new Request.Delete(id("c")));
    driver.work();
    device.failAt(FailingDevice.Operation.WEIGH, 0);
    CompletableFuture<Outcome<Scored>> next = driver.score("d", null, batch(1, 0));
    driver.work();

    while (!driver.writer.tasks.isEmpty()) {
      driver.writer.runAll();
      driver.work();
    }

    assertThat(driver.deviceFailures).isEqualTo(1);
    assertThat(value(written).sequence()).isEqualTo(2);
    assertThat(value(finished).finishedAt()).isNotNull();
    assertThat(value(deleted).key().id()).isEqualTo(id("c"));
    assertThat(value(next).sequence()).isEqualTo(3);
    assertThat(driver.statistics("a").turns().moments(0).n()).isEqualTo(2);
    assertThat(driver.statistics("b").run().finishedAt()).isNotNull();
    assertThat(driver.shard.queuedLosses()).isZero();
  }

  @Test
  void aDefectInAWorkerIsAnsweredToo() {
    InMemoryJournal journal = new InMemoryJournal();
    new ShardDriver(journal, ShardDriver.LIMITS).create("a");
    ShardDriver driver =
        new ShardDriver(
            journal,
            ShardDriver.LIMITS,
            key -> {
              throw new IllegalStateException("a defect");
            });

    CompletableFuture<Outcome<Scored>> answer = driver.score("a", null, batch(0, 0));
    driver.work();

    assertThat(refusal(answer)).isEqualTo(Refusal.RUN_DAMAGED);
    assertThat(driver.shard.queuedLosses()).isZero();
  }

  // Other requests

  @Test
  void aRunIsMadeOnceAndADifferingOneIsAConflict() {
    ShardDriver driver = new ShardDriver();
    Configuration configuration = Configuration.DEFAULT;
    CompletableFuture<Outcome<Scored>> early = driver.score("a", null, batch(0, 0));
    CompletableFuture<Outcome<Created>> first =
        driver.offer(new Request.Create(id("a"), ShardDriver.wanted(configuration)));
    CompletableFuture<Outcome<Created>> second =
        driver.offer(new Request.Create(id("a"), ShardDriver.wanted(configuration)));
    CompletableFuture<Outcome<Created>> differing =
        driver.offer(new Request.Create(id("a"), ShardDriver.wanted(configuration.withWarmUp(9))));

    driver.work();

    assertThat(refusal(early)).isEqualTo(Refusal.UNKNOWN_RUN);
    assertThat(value(first).isNew()).isTrue();
    assertThat(value(second).isNew()).isFalse();
    assertThat(outcome(differing))
        .isEqualTo(new Outcome.Refused<>(Refusal.RUN_CONFLICT, "/warmUp"));
    assertThat(value(first).run().createdAt()).hasToString("2026-01-31T12:00:00.500Z");
  }

  @Test
  void everyRankMayRewindAndAZombieMayNot() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    for (int step = 0; step < 4; step++) {
      driver.post("a", null, Batches.of(step, 0, 0, "job-1", new double[] {1, 2}));
    }
    driver.work();
    CompletableFuture<Outcome<RunDescription>> rank0 =
        driver.offer(new Request.Rewind(id("a"), 2, "job-2"));
    driver.work();
    driver.post("a", null, Batches.of(2, 0, 0, "job-2", new double[] {1, 2}));
    CompletableFuture<Outcome<RunDescription>> rank1 =
        driver.offer(new Request.Rewind(id("a"), 2, "job-2"));
    CompletableFuture<Outcome<RunDescription>> zombie =
        driver.offer(new Request.Rewind(id("a"), 0, "job-1"));
    CompletableFuture<Outcome<Scored>> stale =
        driver.score("a", null, Batches.of(4, 0, 0, "job-1", new double[] {1, 2}));

    driver.work();

    assertThat(value(rank0).step()).isEqualTo(1);
    assertThat(value(rank0).attempt()).isEqualTo("job-2");
    assertThat(value(rank1).step()).isEqualTo(2);
    assertThat(value(rank1).sequence()).isEqualTo(7);
    assertThat(refusal(zombie)).isEqualTo(Refusal.STALE_ATTEMPT);
    assertThat(refusal(stale)).isEqualTo(Refusal.STALE_ATTEMPT);
  }

  @Test
  void aRunWithoutStepsIsNotRewound() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", null, batch(ObservationBatch.NO_STEP, 0));
    CompletableFuture<Outcome<RunDescription>> rewound =
        driver.offer(new Request.Rewind(id("a"), 0, null));

    driver.work();

    assertThat(refusal(rewound)).isEqualTo(Refusal.RUN_WITHOUT_STEPS);
  }

  @Test
  void aDeletedRunIsGoneAndItsNameIsFreeAtOnce() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", "k", batch(0, 0));
    driver.post(new Request.Delete(id("a")));
    CompletableFuture<Outcome<Scored>> after = driver.score("a", "k", batch(0, 0));
    CompletableFuture<Outcome<Created>> again =
        driver.offer(new Request.Create(id("a"), ShardDriver.wanted(Configuration.DEFAULT)));
    CompletableFuture<Outcome<Scored>> fresh = driver.score("a", "k", batch(0, 0));

    driver.work();

    assertThat(refusal(after)).isEqualTo(Refusal.UNKNOWN_RUN);
    assertThat(value(again).isNew()).isTrue();
    assertThat(value(fresh).replayed()).isFalse();
    assertThat(value(fresh).sequence()).isEqualTo(2);
    assertThat(driver.ended).containsExactly(id("a"));
  }

  @Test
  void aFinishedRunSaysNoMoreAndFinishingItAgainChangesNothing() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", null, batch(3, 0));
    driver.post(new Request.Finish(id("a")));
    CompletableFuture<Outcome<RunDescription>> again = driver.offer(new Request.Finish(id("a")));
    driver.post("a", null, batch(3, 1));
    CompletableFuture<Outcome<Scored>> later = driver.score("a", null, batch(4, 1));

    driver.work();

    assertThat(value(again).sequence()).isEqualTo(3);
    assertThat(refusal(later)).isEqualTo(Refusal.RUN_FINISHED);
    assertThat(driver.folded).containsExactly(id("a"));
    assertThat(driver.ended).containsExactly(id("a"));
  }

  @Test
  void whoAsksOnlyForALoadedRunNeverWaitsForAWorker() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", null, batch(0, 0));
    driver.work();
    driver.workers.atOnce = false;
    driver.writer.atOnce = false;
    driver.post(new Request.Rewind(id("a"), 0, null));
    driver.work();
    CompletableFuture<Outcome<RunDescription>> whileAppending =
        driver.offer(new Request.Read<>(id("a"), Run::describe, true));
    driver.work();
    driver.writer.runAll();
    driver.work();
    CompletableFuture<Outcome<RunDescription>> whileReading =
        driver.offer(new Request.Read<>(id("a"), Run::describe, true));
    driver.work();

    assertThat(driver.workers.tasks).as("the run is to be read").hasSize(1);
    assertThat(refusal(whileReading)).isEqualTo(Refusal.UNKNOWN_RUN);
    assertThat(refusal(whileAppending)).isEqualTo(Refusal.UNKNOWN_RUN);
  }

  @Test
  void lateBatchesAreTold() {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.post("a", null, batch(3, 0));
    driver.post("a", null, batch(1, 0));
    driver.work();

    assertThat(driver.late).isEqualTo(1);
    assertThat(driver.statistics("a").run().lateBatches()).isEqualTo(1);
  }

  // The thread's loop

  @Test
  void stoppingAnswersEverythingAndSavesEveryRun() throws Exception {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.create("b");
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int step = 0; step < 10; step++) {
      answers.add(driver.score("a", null, batch(step, 0)));
      answers.add(driver.score("b", "k" + step % 5, batch(step, 0)));
    }
    driver.shard.stop();

    driver.shard.run();

    assertThat(answers).allMatch(CompletableFuture::isDone);
    assertThat(driver.newestSnapshot("a")).isEqualTo(11);
    assertThat(driver.newestSnapshot("b")).isEqualTo(6);
  }

  @Test
  void aDefectOfOursLeavesNobodyWaitingAndTheJournalIsReadAgain() throws JournalException {
    ShardDriver driver = new ShardDriver();
    driver.create("a");
    driver.create("b");
    driver.post("a", null, batch(5, 0));
    driver.post("b", null, batch(5, 0));
    driver.work();
    driver.defect = new IllegalStateException("a defect");
    List<CompletableFuture<Outcome<Scored>>> answers =
        List.of(
            driver.score("a", null, batch(1, 0)),
            driver.score("a", null, batch(1, 1)),
            driver.score("b", null, batch(5, 1)),
            driver.score("b", null, batch(6, 1)));
    driver.shard.stop();

    driver.shard.run();

    assertThat(answers.stream().map(ShardDriver::refusal)).containsOnly(Refusal.OUTCOME_UNKNOWN);
    assertThat(driver.shard.queuedLosses()).isZero();
  }
}
