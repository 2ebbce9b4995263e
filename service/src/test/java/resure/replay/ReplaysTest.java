package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static resure.replay.ReplayDriver.refusal;
import static resure.replay.ReplayDriver.value;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.InMemoryJournal.Failure;
import resure.journal.Incarnation;
import resure.journal.JournalUnavailableException;
import resure.journal.RunKey;
import resure.observation.RunId;
import resure.run.Outcome;
import resure.run.Refusal;

/** The life of a replay, whatever its trial does. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplaysTest {

  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final ReplayDriver driver = new ReplayDriver();

  @AfterEach
  void close() {
    driver.close();
  }

  private List<Document> documents(RunId run, DocumentKind kind) throws Exception {
    return driver.journal.documents(driver.key(run), kind);
  }

  @Test
  void aReplayRunsThenIsDoneWithItsResultsBestFirst() throws Exception {
    driver.held = true;
    RunId run = driver.newRun("sft-42");

    Replay asked = driver.start(run, 3);
    assertThat(asked.state()).isEqualTo(Replay.State.RUNNING);
    assertThat(asked.progress()).isZero();
    assertThat(asked.configurations()).isEqualTo(3);
    assertThat(asked.sequence()).isEqualTo(3);
    driver.awaitHalf(run, asked.id());
    assertThat(driver.replays.unfinished()).isEqualTo(1);
    driver.held = false;
    Replay done = driver.awaitEnd(run, asked.id());

    assertThat(done.state()).isEqualTo(Replay.State.DONE);
    assertThat(done.progress()).isEqualTo(1);
    assertThat(done.createdAt()).isEqualTo(asked.createdAt());
    assertThat(done.finishedAt()).isNotNull();
    assertThat(driver.results(run, asked.id(), 10_000))
        .extracting(tried -> tried.result().index())
        .containsExactly(2, 1, 0);
    assertThat(driver.results(run, asked.id(), 1).getFirst().configuration().warmUp()).isEqualTo(4);
    assertThat(driver.weighed.get()).isEqualTo(3 * 8);
    assertThat(driver.replays.unfinished()).isZero();
    assertThat(documents(run, DocumentKind.REPLAY_RUNNING)).isEmpty();
  }

  @Test
  void oneIsComputedAtATimeTheOthersWaitInOrderAndTheNewestIsListedFirst() {
    driver.held = true;
    RunId one = driver.newRun("one");
    RunId two = driver.newRun("two");
    List<String> ofOne = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      ofOne.add(driver.start(one, i).id());
      driver.start(two, 10 + i);
    }
    driver.awaitHalf(one, ofOne.getFirst());
    for (String waiting : ofOne.subList(1, 3)) {
      assertThat(driver.find(one, waiting).state()).isEqualTo(Replay.State.RUNNING);
      assertThat(driver.find(one, waiting).progress()).isZero();
    }
    assertThat(value(driver.replays.list(one)))
        .extracting(Replay::id)
        .containsExactlyElementsOf(ofOne.reversed());
    assertThat(ofOne).isSorted();
    driver.held = false;
    driver.awaitNoneUnfinished();

    assertThat(driver.begun)
        .extracting(plan -> plan.configurations().size())
        .containsExactly(1, 11, 2, 12, 3, 13);
    assertThat(value(driver.replays.list(one)))
        .extracting(Replay::id)
        .containsExactlyElementsOf(ofOne.reversed());
    assertThat(refusal(driver.replays.find(two, ofOne.getFirst(), 1).join()))
        .as("another run's")
        .isEqualTo(Refusal.UNKNOWN_REPLAY);
  }

  @Test
  void oneThatRunsIsCancelledAndStaysListedOneThatHasEndedIsRemoved() throws Exception {
    driver.held = true;
    RunId run = driver.newRun("run");
    String computed = driver.start(run, 1).id();
    String waiting = driver.start(run, 2).id();
    driver.awaitHalf(run, computed);

    for (String replay : List.of(waiting, computed)) {
      assertThat(value(driver.replays.remove(run, replay))).isTrue();
      assertThat(driver.find(run, replay).state()).isEqualTo(Replay.State.CANCELLED);
      assertThat(driver.find(run, replay).finishedAt()).isNotNull();
    }
    driver.awaitNoneUnfinished();
    driver.held = false;
    String third = driver.start(run, 3).id();
    driver.awaitEnd(run, third);
    assertThat(driver.begun)
        .as("the one that waited never began")
        .extracting(plan -> plan.configurations().size())
        .containsExactly(1, 3);
    for (String replay : List.of(waiting, computed, third)) {
      assertThat(value(driver.replays.remove(run, replay))).isTrue();
      assertThat(refusal(driver.replays.remove(run, replay).join()))
          .isEqualTo(Refusal.UNKNOWN_REPLAY);
    }
    for (DocumentKind kind : DocumentKind.values()) {
      assertThat(documents(run, kind)).as("%s", kind).isEmpty();
    }
  }

  @Test
  void aRestartTakesUpWhatHadNotEndedOfWhatWasThereThen() throws Exception {
    driver.held = true;
    RunId run = driver.newRun("run");
    Replay first = driver.start(run, 2);
    Replay second = driver.start(run, 1);
    driver.awaitHalf(run, first.id());
    driver.score(run, 2);

    driver.restart();

    assertThat(driver.replays.unfinished()).isEqualTo(2);
    assertThat(driver.find(run, second.id()).createdAt()).isEqualTo(second.createdAt());
    driver.awaitHalf(run, first.id());
    driver.held = false;
    for (Replay replay : List.of(first, second)) {
      Replay done = driver.awaitEnd(run, replay.id());
      assertThat(done.state()).isEqualTo(Replay.State.DONE);
      assertThat(done.sequence()).isEqualTo(3);
      assertThat(driver.results(run, replay.id(), 1).getFirst().result().all().observations())
          .as("the third step came later")
          .isEqualTo(8);
    }
    assertThat(driver.begun.get(1)).as("the same plan").isEqualTo(driver.begun.getFirst());
    driver.restart();
    assertThat(driver.find(run, first.id()).state()).isEqualTo(Replay.State.DONE);
    assertThat(driver.results(run, first.id(), 10)).hasSize(2);
  }

  @Test
  void ofTwoProcessesOneComputesAndTheOtherSaysHowFarItIs() throws Exception {
    driver.journal.share();
    driver.held = true;
    RunId run = driver.newRun("run");
    String computed = driver.start(run, 2).id();
    driver.awaitHalf(run, computed);
    String waiting = driver.start(run, 1).id();
    try (ReplayDriver other = new ReplayDriver(driver.journal)) {
      // It takes up what nobody computes, and only that.
      other.awaitEnd(run, waiting);
      assertThat(other.begun).extracting(plan -> plan.configurations().size()).containsExactly(1);
      other.awaitHalf(run, computed);
      assertThat(value(other.replays.list(run)))
          .extracting(Replay::state)
          .containsExactly(Replay.State.DONE, Replay.State.RUNNING);

      assertThat(value(other.replays.remove(run, computed))).isTrue();
      assertThat(other.find(run, computed).state()).isEqualTo(Replay.State.CANCELLED);
      driver.awaitNoneUnfinished();
      assertThat(driver.find(run, computed).state()).isEqualTo(Replay.State.CANCELLED);
      assertThat(driver.begun).hasSize(1);
      assertThat(documents(run, DocumentKind.REPLAY_PROGRESS)).isEmpty();
    }
  }

  @Test
  void whatAProcessHasClaimedIsTakenUpWhenItsTimeIsOverAndNotEarlier() throws Exception {
    driver.journal.share();
    driver.held = true;
    RunId run = driver.newRun("run");
    String replay = driver.start(run, 1).id();
    driver.awaitHalf(run, replay);
    driver.stop();
    driver.journal.reopen();
    try (ReplayDriver other = new ReplayDriver(driver.journal)) {
      other.awaitNoneUnfinished();
      assertThat(other.find(run, replay).state()).isEqualTo(Replay.State.RUNNING);
      assertThat(other.begun).isEmpty();

      driver.journal.expireClaims();

      assertThat(other.awaitEnd(run, replay).state()).isEqualTo(Replay.State.DONE);
      assertThat(other.results(run, replay, 10)).hasSize(1);
    }
    driver.journal.reopen();
  }

  @Test
  void piecesThatADeadProcessLeftAreReplaced() throws Exception {
    driver.held = true;
    RunId run = driver.newRun("run");
    Replay replay = driver.start(run, 1);
    driver.awaitHalf(run, replay.id());
    driver.stop();
    driver.journal.reopen();
    for (int piece = 0; piece < 3; piece++) {
      driver.journal.keep(Pieces.document(driver.key(run), replay.id(), piece), new byte[] {1});
    }
    driver.held = false;
    driver.restart();
    driver.awaitEnd(run, replay.id());

    assertThat(driver.results(run, replay.id(), 10)).hasSize(1);
    assertThat(documents(run, DocumentKind.REPLAY_RESULTS)).hasSize(1);
  }

  @Test
  void aRewindThatRemovesSomeOfItsBatchesMakesItFailAndAnotherDoesNot() {
    driver.held = true;
    RunId run = driver.newRun("run");
    driver.score(run, 2);
    Replay whole = driver.start(run, 1);
    driver.awaitHalf(run, whole.id());
    driver.score(run, 3);
    value(driver.runs.rewind(run, 3, null, null));
    driver.score(run, 3);
    driver.held = false;
    assertThat(driver.awaitEnd(run, whole.id()).state()).isEqualTo(Replay.State.DONE);
    assertThat(driver.results(run, whole.id(), 1).getFirst().result().all().observations())
        .isEqualTo(12);

    driver.held = true;
    Replay computed = driver.start(run, 1);
    Replay waiting = driver.start(run, 1);
    driver.awaitHalf(run, computed.id());
    value(driver.runs.rewind(run, 3, null, null));

    for (Replay replay : List.of(computed, waiting)) {
      Replay failed = driver.awaitEnd(run, replay.id());
      assertThat(failed.state()).isEqualTo(Replay.State.FAILED);
      assertThat(failed.detail()).contains("rewound");
    }
  }

  @Test
  void aRewindAtTheVeryEndIsNoticedToo() {
    driver.held = true;
    RunId run = driver.newRun("run");
    Replay replay = driver.start(run, 1);
    driver.awaitHalf(run, replay.id());
    value(driver.runs.rewind(run, 1, null, null));
    driver.held = false;

    assertThat(driver.awaitEnd(run, replay.id()).state()).isEqualTo(Replay.State.FAILED);
    assertThat(driver.results(run, replay.id(), 1)).isEmpty();
  }

  @Test
  void aReplayGoesWithItsRunAndTheNextIsComputed() throws Exception {
    driver.held = true;
    RunId doomed = driver.newRun("doomed");
    RunId other = driver.newRun("other");
    Replay computed = driver.start(doomed, 1);
    Replay waiting = driver.start(doomed, 1);
    Replay next = driver.start(other, 1);
    driver.awaitHalf(doomed, computed.id());

    value(driver.runs.delete(doomed));

    assertThat(refusal(driver.replays.find(doomed, computed.id(), 1).join()))
        .isEqualTo(Refusal.UNKNOWN_RUN);
    driver.awaitHalf(other, next.id());
    assertThat(driver.replays.unfinished()).isEqualTo(1);
    RunId successor = driver.newRun("doomed");
    assertThat(value(driver.replays.list(successor))).isEmpty();
    for (Replay replay : List.of(computed, waiting)) {
      assertThat(refusal(driver.replays.find(successor, replay.id(), 1).join()))
          .isEqualTo(Refusal.UNKNOWN_REPLAY);
      assertThat(refusal(driver.replays.remove(successor, replay.id()).join()))
          .isEqualTo(Refusal.UNKNOWN_REPLAY);
    }
    assertThat(driver.journal.documents(DocumentKind.REPLAY)).isEmpty();
  }

  @Test
  void whateverATrialThrowsItFailsWithAReasonAndTheNextIsComputed() {
    RunId run = driver.newRun("run");

    driver.defect = new IllegalStateException("told to fail");
    assertFailed(run, "defect");
    driver.defect = null;
    driver.storeFailure = new JournalUnavailableException("told to fail");
    assertFailed(run, "store");
    driver.storeFailure = null;
    driver.error = new OutOfMemoryError("told to fail");
    assertFailed(run, "memory");
    driver.error = null;
    driver.defect = new ChangedRecordsException();
    assertFailed(run, "changed");
    driver.defect = null;

    assertThat(driver.awaitEnd(run, driver.start(run, 1).id()).state())
        .isEqualTo(Replay.State.DONE);
  }

  private void assertFailed(RunId run, String why) {
    Replay failed = driver.awaitEnd(run, driver.start(run, 1).id());
    assertThat(failed.state()).isEqualTo(Replay.State.FAILED);
    assertThat(failed.detail()).contains(why).doesNotContain("told to fail");
  }

  @Test
  void resultsAreNotLostWhenTheStoreFailsWhileTheyAreKept() {
    RunId run = driver.newRun("run");
    for (Failure failure : Failure.values()) {
      driver.held = true;
      Replay replay = driver.start(run, 2);
      driver.awaitHalf(run, replay.id());
      driver.journal.failNextDocument(failure);
      driver.held = false;

      await()
          .atMost(DEADLINE)
          .ignoreExceptionsInstanceOf(AssertionError.class)
          .until(() -> driver.find(run, replay.id()).state() == Replay.State.DONE);
      assertThat(driver.results(run, replay.id(), 10)).as("%s", failure).hasSize(2);
    }
  }

  @Test
  void aCancellationWhoseWriteFailedCanBeRepeated() {
    driver.held = true;
    RunId run = driver.newRun("run");
    for (Failure failure : Failure.values()) {
      Replay replay = driver.start(run, 1);
      driver.awaitHalf(run, replay.id());
      driver.journal.failNextDocument(failure);
      assertThat(refusal(driver.replays.remove(run, replay.id()).join()))
          .isIn(Refusal.STORE_UNAVAILABLE, Refusal.OUTCOME_UNKNOWN);

      await()
          .atMost(DEADLINE)
          .until(
              () ->
                  driver.replays.remove(run, replay.id()).join() instanceof Outcome.Done<Boolean>);
      assertThat(driver.find(run, replay.id()).state())
          .as("%s", failure)
          .isEqualTo(Replay.State.CANCELLED);
    }
  }

  @Test
  void aRunHasSoManyUnfinishedReplaysAndTheServiceToo() {
    driver.held = true;
    RunId run = driver.newRun("run");
    List<String> accepted = new ArrayList<>();
    for (int i = 0; i < Replays.UNFINISHED_OF_A_RUN; i++) {
      accepted.add(driver.start(run, 1).id());
    }
    assertThat(refusal(driver.ask(run, 1))).isEqualTo(Refusal.TOO_MANY_REPLAYS);
    value(driver.replays.remove(run, accepted.getLast()));
    driver.start(run, 1);

    RunId doomed = driver.newRun("doomed");
    driver.start(doomed, 1);
    int n = 0;
    while (driver.replays.unfinished() < Replays.UNFINISHED) {
      driver.start(driver.newRun("another-" + n++), 1);
    }
    RunId late = driver.newRun("late");
    assertThat(refusal(driver.ask(late, 1))).isEqualTo(Refusal.TOO_MANY_REPLAYS);
    value(driver.runs.delete(doomed));
    driver.start(late, 1);
    assertThat(driver.replays.unfinished()).isEqualTo(Replays.UNFINISHED);
  }

  @Test
  void soManyStartsWaitAndEachThatIsAnsweredMakesRoom() {
    RunId run = driver.newRun("run");
    CountDownLatch parse = new CountDownLatch(1);
    List<CompletableFuture<Outcome<Started>>> waiting = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      waiting.add(
          driver.replays.start(
              run,
              () -> {
                parse.await();
                throw new IllegalArgumentException("not a plan");
              }));
    }
    assertThat(refusal(driver.ask(run, 1))).isEqualTo(Refusal.REPLAYS_BUSY);
    parse.countDown();
    for (CompletableFuture<Outcome<Started>> each : waiting) {
      assertThat(each)
          .failsWithin(DEADLINE)
          .withThrowableThat()
          .havingCause()
          .withMessage("not a plan");
    }
    await().atMost(DEADLINE).until(() -> driver.ask(run, 1) instanceof Outcome.Done<Started>);
  }

  @Test
  void aRunKeepsSoManyReplaysAndIsToldToRemoveSome() throws Exception {
    RunId run = driver.newRun("run");
    RunKey key = driver.key(run);
    Replay replay = driver.awaitEnd(run, driver.start(run, 1).id());
    byte[] end = ReplayFormat.end(new ReplayFormat.Ended(replay, 0, 0));
    for (int i = 1; i < Replays.KEPT; i++) {
      driver.journal.keep(
          new Document(key, DocumentKind.REPLAY, Incarnation.next(i).toString()), end);
    }

    assertThat(refusal(driver.ask(run, 1))).isEqualTo(Refusal.REPLAYS_FULL);
    assertThat(value(driver.replays.list(run))).hasSize(Replays.KEPT);
    value(driver.replays.remove(run, replay.id()));
    driver.start(run, 1);
  }

  @Test
  void aRunWithoutObservationsOrThatIsNotThereHasNoReplay() {
    assertThat(refusal(driver.ask(ReplayDriver.id("nobody"), 1))).isEqualTo(Refusal.UNKNOWN_RUN);
    RunId run = driver.newRun("run");
    value(driver.runs.rewind(run, 0, null, null));
    assertThat(refusal(driver.ask(run, 1))).isEqualTo(Refusal.NO_OBSERVATIONS);
  }

  @Test
  void labelsOfWhatNeverOccursAreListed() {
    RunId run = driver.newRun("run");

    Outcome<Started> outcome =
        driver.ask(
            run,
            1,
            new Bad("d-0", null),
            new Bad("d-1", 1L),
            new Bad("d-1", 2L),
            new Bad("nobody", null),
            new Bad("nobody", 0L),
            new Bad("d-0", 1L));

    assertThat(outcome)
        .isEqualTo(
            Outcome.done(
                new Started.UnknownLabels(
                    2,
                    List.of(new Bad("d-1", 2L), new Bad("nobody", null), new Bad("nobody", 0L)),
                    3)));
    Bad[] many =
        IntStream.range(0, 250).mapToObj(i -> new Bad("no-" + i, null)).toArray(Bad[]::new);
    if (driver.ask(run, 1, many) instanceof Outcome.Done<Started> done
        && done.value() instanceof Started.UnknownLabels unknown) {
      assertThat(unknown.total()).isEqualTo(250);
      assertThat(unknown.unknown()).hasSize(100).endsWith(many[99]);
    } else {
      throw new AssertionError("accepted");
    }
    assertThat(driver.replays.unfinished()).isZero();
  }

  @Test
  void whatIsDamagedIsShownAsFailedAndCanBeRemoved() throws Exception {
    RunId run = driver.newRun("run");
    RunKey key = driver.key(run);
    String asked = Incarnation.next(1_000_000).toString();
    String ended = Incarnation.next(2_000_000).toString();
    driver.journal.keep(new Document(key, DocumentKind.REPLAY_RUNNING, asked), new byte[] {1, 2});
    driver.journal.keep(new Document(key, DocumentKind.REPLAY, ended), new byte[] {9});
    driver.restart();
    driver.awaitNoneUnfinished();

    for (String replay : List.of(asked, ended)) {
      assertThat(driver.find(run, replay).state()).isEqualTo(Replay.State.FAILED);
      assertThat(driver.find(run, replay).detail()).contains("damaged");
    }
    assertThat(driver.find(run, asked).createdAt().toEpochMilli()).isEqualTo(1_000_000);
    assertThat(value(driver.replays.list(run))).hasSize(2);
    for (String replay : List.of(asked, ended)) {
      assertThat(value(driver.replays.remove(run, replay))).isTrue();
    }
    assertThat(value(driver.replays.list(run))).isEmpty();
  }

  @Test
  void manyResultsAreKeptInPiecesAndGivenInOrderUpToALimit() throws Exception {
    RunId run = driver.newRun("run");
    driver.turns = 900;
    Replay replay = driver.start(run, 100);
    driver.awaitEnd(run, replay.id());

    assertThat(documents(run, DocumentKind.REPLAY_RESULTS)).hasSizeBetween(10, 20);
    List<Tried> all = driver.results(run, replay.id(), 10_000);
    assertThat(all)
        .extracting(tried -> tried.result().index())
        .containsExactlyElementsOf(IntStream.range(0, 100).map(i -> 99 - i).boxed().toList());
    assertThat(all).allMatch(tried -> tried.result().turns().size() == 900);
    for (int limit : List.of(1, 9, 10, 99, 100)) {
      assertThat(driver.results(run, replay.id(), limit)).isEqualTo(all.subList(0, limit));
    }
    value(driver.replays.remove(run, replay.id()));
    assertThat(documents(run, DocumentKind.REPLAY_RESULTS)).isEmpty();
  }

  @Test
  void stoppingDoesNotWaitForATrial() {
    driver.held = true;
    RunId run = driver.newRun("run");
    Replay replay = driver.start(run, 1);
    driver.start(run, 1);
    driver.awaitHalf(run, replay.id());

    long start = System.nanoTime();
    driver.replays.close();

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    assertThat(refusal(driver.replays.list(run).join())).isEqualTo(Refusal.STOPPING);
  }
}
