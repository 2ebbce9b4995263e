package resure.run;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static resure.run.ShardDriver.id;
import static resure.run.ShardDriver.outcome;
import static resure.run.ShardDriver.refusal;
import static resure.run.ShardDriver.value;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.api.StatisticsText;
import resure.compute.jvm.JvmCompute;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.InMemoryJournal;
import resure.journal.InMemoryJournal.Failure;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.weighting.Configuration;

/** Shards of several processes on one journal, turn by turn, on one thread. */
@Timeout(120)
class ReplicasTest {

  private static final Duration FRESHNESS = ShardDriver.LIMITS.freshness();

  private final InMemoryJournal journal = new InMemoryJournal();
  private ShardDriver one;
  private ShardDriver two;

  @BeforeEach
  void share() {
    journal.share();
    one = new ShardDriver(journal, ShardDriver.LIMITS);
    two = new ShardDriver(journal, ShardDriver.LIMITS);
    one.create("a");
  }

  private static ObservationBatch batch(long step, long rank) {
    return Batches.of(step, rank, new double[] {2 + rank, 1.5}, new double[] {1});
  }

  private static ObservationBatch of(String attempt, long step) {
    return Batches.of(step, 0, 0, attempt, new double[] {2, 1.5});
  }

  private static Scored scored(ShardDriver replica, String key, ObservationBatch batch) {
    CompletableFuture<Outcome<Scored>> answer = replica.score("a", key, batch);
    replica.work();
    return value(answer);
  }

  private static Refusal refused(ShardDriver replica, String key, ObservationBatch batch) {
    CompletableFuture<Outcome<Scored>> answer = replica.score("a", key, batch);
    replica.work();
    return requireNonNull(refusal(answer));
  }

  private RunKey run() throws JournalException {
    return requireNonNull(journal.lookup(id("a")));
  }

  // Reads

  @Test
  void aReadIsBehindByNoMoreThanTheFreshness() {
    scored(one, "k0", batch(0, 0));
    assertThat(two.statistics("a").run().sequence()).isEqualTo(2);
    scored(one, "k1", batch(1, 0));

    assertThat(two.statistics("a").run().sequence()).isEqualTo(2);
    two.pass(FRESHNESS.plusMillis(1));

    assertThat(two.statistics("a").run().sequence()).isEqualTo(3);
    assertThat(two.bits("a")).isEqualTo(one.bits("a"));
    assertThat(two.recovered).as("the tail is applied, nothing read again").isEqualTo(1);
  }

  @Test
  void aReadOfASequenceIsOfThatOneOrALaterOne() {
    two.statistics("a");
    long sequence = scored(one, "k0", batch(0, 0)).sequence();

    Outcome<RunDescription> read =
        two.done(new Request.Read<>(id("a"), Run::describe, sequence, false));
    Outcome<RunDescription> beyond =
        two.done(new Request.Read<>(id("a"), Run::describe, sequence + 1, false));

    assertThat(((Outcome.Done<RunDescription>) read).value().sequence()).isEqualTo(sequence);
    assertThat(beyond).isEqualTo(new Outcome.Refused<>(Refusal.SEQUENCE_NOT_REACHED, "2"));
  }

  @Test
  void aReadAfterTheRunWasDeletedElsewhereIsOfNoRun() {
    two.statistics("a");
    one.done(new Request.Delete(id("a")));

    two.pass(FRESHNESS.plusMillis(1));

    assertThat(two.done(new Request.Read<>(id("a"), Run::describe, false)))
        .isEqualTo(Outcome.refused(Refusal.UNKNOWN_RUN));
    assertThat(two.ended).containsExactly(id("a"));
  }

  @Test
  void anAlarmIsNewAtTheReplicaWhoseBatchRaisedItAndNowhereAgain() {
    for (long seed = 0; seed < 10; seed++) {
      String run = "drifting-" + seed;
      long before = one.newAlarms + two.newAlarms;
      one.create(run);
      Random random = new Random(seed);
      for (int step = 0; step < 60; step++) {
        double[][] losses = new double[8][1];
        for (double[] dialogue : losses) {
          dialogue[0] = (step < 40 ? 2 : 3) + 0.5 * random.nextGaussian();
        }
        ShardDriver replica = random.nextBoolean() ? one : two;
        replica.score(run, null, Batches.of(step, 0, losses));
        replica.work();
      }
      assertThat(one.newAlarms + two.newAlarms).as("seed %d", seed).isEqualTo(before + 1);

      ShardDriver restarted = new ShardDriver(journal, ShardDriver.LIMITS);
      restarted.score(run, null, Batches.of(60, 0, new double[] {3}));
      restarted.work();
      assertThat(restarted.statistics(run).drift().getFirst().alarms()).isEqualTo(1);
      assertThat(restarted.newAlarms).isZero();
    }
  }

  // Writes

  @Test
  void ranksOfAStepAtDifferentReplicasAreWeighedAsAtOne() throws JournalException {
    InMemoryJournal alone = new InMemoryJournal();
    ShardDriver single = new ShardDriver(alone, ShardDriver.LIMITS);
    single.create("a");
    Random random = new Random(3);
    for (int step = 0; step < 30; step++) {
      for (int rank = 0; rank < 4; rank++) {
        ObservationBatch batch = Batches.random(random, step, rank, 0, null);
        Scored expected = scored(single, step + "/" + rank, batch);
        Scored actual = scored(random.nextBoolean() ? one : two, step + "/" + rank, batch);

        assertThat(actual.weights().raw()).containsExactly(expected.weights().raw());
        assertThat(actual.sequence()).isEqualTo(expected.sequence());
      }
    }
    assertThat(one.offer(new Request.Finish(id("a")))).isNotDone();
    one.work();
    two.pass(FRESHNESS.plusMillis(1));
    assertThat(two.bits("a")).isEqualTo(single.bits("a"));
    assertThat(two.statistics("a").run().finishedAt()).isNotNull();
    assertThat(two.recovered).isEqualTo(1);
  }

  @Test
  void aKeyRecordedByAnotherReplicaIsAnsweredFromItsEntry() {
    two.statistics("a");
    Scored first = scored(one, "k", batch(0, 0));

    Scored again = scored(two, "k", batch(0, 0));

    assertThat(again.replayed()).isTrue();
    assertThat(again.sequence()).isEqualTo(first.sequence());
    assertThat(refused(two, "k", batch(0, 1))).isEqualTo(Refusal.KEY_REUSED);
  }

  @Test
  void theOthersOfAGroupWithAKnownKeyAreRecordedInTheirOrder() {
    two.statistics("a");
    scored(one, "k1", batch(0, 1));
    List<CompletableFuture<Outcome<Scored>>> answers = new ArrayList<>();
    for (int rank = 0; rank < 4; rank++) {
      answers.add(two.score("a", "k" + rank, batch(0, rank)));
    }

    two.work();

    assertThat(answers.stream().map(answer -> value(answer).sequence()))
        .containsExactly(3L, 2L, 4L, 5L);
    assertThat(answers.stream().map(answer -> value(answer).replayed()))
        .containsExactly(false, true, false, false);
  }

  @Test
  void aBatchIsNotRefusedByWhatAnotherReplicaHasChanged() {
    scored(one, "k0", of("job-1", 0));
    two.statistics("a");
    one.done(new Request.Rewind(id("a"), 5, "job-2"));

    assertThat(scored(two, "k1", of("job-2", 5)).sequence()).isEqualTo(4);
    assertThat(refused(one, null, of("job-1", 6))).isEqualTo(Refusal.STALE_ATTEMPT);

    one.done(new Request.Finish(id("a")));
    assertThat(refused(two, null, of("job-2", 6))).isEqualTo(Refusal.RUN_FINISHED);
    one.done(new Request.Rewind(id("a"), 6, null));
    assertThat(scored(two, null, of("job-2", 6)).sequence()).isEqualTo(7);
  }

  @Test
  void aRewindByAnotherReplicaIsSeenByTheNextBatch() {
    for (int step = 0; step < 6; step++) {
      scored(step % 2 == 0 ? one : two, "k" + step, batch(step, 0));
    }
    one.done(new Request.Rewind(id("a"), 3, "job-2"));

    Scored again = scored(two, "k4", batch(4, 0));

    assertThat(again.replayed()).isFalse();
    assertThat(again.sequence()).isEqualTo(9);
    one.pass(FRESHNESS.plusMillis(1));
    assertThat(one.bits("a")).isEqualTo(two.bits("a"));
    assertThat(one.statistics("a").totals().all().usable()).isEqualTo(12);
  }

  @Test
  void everyRanksRewindIsTheSameOneWhereverItIsSent() {
    scored(one, null, of("job-1", 0));
    two.statistics("a");
    Outcome<RunDescription> first = one.done(new Request.Rewind(id("a"), 0, "job-2"));
    Outcome<RunDescription> second = two.done(new Request.Rewind(id("a"), 0, "job-2"));
    scored(one, null, of("job-2", 0));
    Outcome<RunDescription> third = two.done(new Request.Rewind(id("a"), 0, "job-2"));

    assertThat(((Outcome.Done<RunDescription>) first).value().sequence()).isEqualTo(3);
    assertThat(((Outcome.Done<RunDescription>) second).value().sequence()).isEqualTo(3);
    assertThat(((Outcome.Done<RunDescription>) third).value().sequence()).isEqualTo(4);
    assertThat(two.done(new Request.Rewind(id("a"), 0, "job-1")))
        .isEqualTo(Outcome.refused(Refusal.STALE_ATTEMPT));
  }

  @Test
  void aNameThatAnotherReplicaFreedIsFreeAndOneThatItTookIsTaken() {
    two.statistics("a");
    one.done(new Request.Delete(id("a")));
    assertThat(refused(two, "k", batch(0, 0))).isEqualTo(Refusal.UNKNOWN_RUN);

    Outcome<Created> again =
        two.done(new Request.Create(id("a"), ShardDriver.wanted(Configuration.DEFAULT)));
    Outcome<Created> taken =
        one.done(
            new Request.Create(id("a"), ShardDriver.wanted(Configuration.DEFAULT.withWarmUp(9))));

    assertThat(((Outcome.Done<Created>) again).value().isNew()).isTrue();
    assertThat(taken).isEqualTo(new Outcome.Refused<>(Refusal.RUN_CONFLICT, "/warmUp"));
    assertThat(scored(one, "k", batch(0, 0)).sequence()).isEqualTo(2);
  }

  @Test
  void aBatchForARunThatWasDeletedAndMadeAgainElsewhereGoesToTheNewOne() throws Exception {
    scored(two, "k", batch(0, 0));
    RunKey old = run();
    one.done(new Request.Delete(id("a")));
    one.create("a");

    Scored scored = scored(two, "k", batch(0, 0));

    assertThat(scored.replayed()).isFalse();
    assertThat(scored.sequence()).isEqualTo(2);
    assertThat(run()).isNotEqualTo(old);
    assertThat(journal.read(run(), 1, Integer.MAX_VALUE)).hasSize(2);
  }

  @Test
  void aRequestThatComesWhileARunIsReadIsNotAnsweredFromBeforeItCame() {
    one.done(new Request.Delete(id("a")));
    two.workers.atOnce = false;
    CompletableFuture<Outcome<Scored>> before = two.score("a", null, batch(0, 0));
    two.work();
    two.workers.runAll();
    one.create("a");
    CompletableFuture<Outcome<Scored>> after = two.score("a", null, batch(0, 0));
    two.workers.atOnce = true;

    two.work();

    assertThat(refusal(before)).isEqualTo(Refusal.UNKNOWN_RUN);
    assertThat(value(after).sequence()).isEqualTo(2);
  }

  // Races

  @Test
  void whoLosesRaceAfterRaceKeepsTheOthersAway() throws JournalException {
    RunKey run = run();
    journal.interfere(
        () -> {
          try {
            Entries.append(journal, run, new JournalEntry.Finished(Entries.AT));
            Entries.append(journal, run, new JournalEntry.Rewound(Entries.AT, 100, null));
          } catch (JournalException e) {
            throw new AssertionError(e);
          }
        });

    Scored scored = scored(one, "k", batch(0, 0));

    assertThat(journal.exclusives()).isEqualTo(1);
    assertThat(scored.sequence()).isEqualTo(6);
    journal.interfere(null);
    assertThat(scored(one, "k2", batch(1, 0)).sequence()).isEqualTo(7);
    assertThat(scored(one, "k3", batch(2, 0)).sequence()).isEqualTo(8);
    assertThat(journal.exclusives()).as("nobody else was there").isEqualTo(2);
  }

  @Test
  void aStoreThatWasPutBackIsFoundAndTheRunIsReadAgain() throws JournalException {
    for (int step = 0; step < 6; step++) {
      scored(one, "k" + step, batch(step, 0));
    }
    two.statistics("a");
    journal.putBack(run(), 4);
    scored(new ShardDriver(journal, ShardDriver.LIMITS), "other", batch(9, 7));

    assertThat(scored(one, "k6", batch(10, 0)).sequence()).isEqualTo(6);
    two.pass(FRESHNESS.plusMillis(1));
    assertThat(two.bits("a")).isEqualTo(one.bits("a"));
    assertThat(two.statistics("a").totals().all().usable()).isEqualTo(3 * 3 + 6);
  }

  @Test
  void aStoreThatIsAwayIsSaidAndNothingIsAnsweredFromMemory() throws JournalException {
    scored(one, "k", of("job-1", 0));
    journal.failNextAppend(Failure.UNAVAILABLE);
    assertThat(refused(one, "k2", of("job-1", 1))).isEqualTo(Refusal.STORE_UNAVAILABLE);

    assertThat(refused(one, null, of("job-9", 1))).isEqualTo(Refusal.STORE_UNAVAILABLE);
    one.pass(FRESHNESS.plusMillis(1));
    assertThat(one.done(new Request.Read<>(id("a"), Run::describe, false)))
        .isEqualTo(Outcome.refused(Refusal.STORE_UNAVAILABLE));
    journal.check();

    assertThat(refused(one, null, of("job-9", 1))).isEqualTo(Refusal.STALE_ATTEMPT);
    assertThat(scored(one, "k2", of("job-1", 1)).sequence()).isEqualTo(3);
    assertThat(one.recovered).as("what is in memory is still right").isZero();
  }

  // Two releases at once

  @Test
  void whatALaterReleaseHasRecordedIsLeftToItsReplicasAndOtherRunsGoOn() throws JournalException {
    two.create("b");
    scored(one, "k0", batch(0, 0));
    two.statistics("a");
    journal.appendOfALaterRelease(run());
    Head head = journal.head(run());

    for (ShardDriver old : List.of(one, two, new ShardDriver(journal, ShardDriver.LIMITS))) {
      old.pass(FRESHNESS.plusMillis(1));
      assertThat(refused(old, "k1", batch(1, 0))).isEqualTo(Refusal.STORE_UNAVAILABLE);
      assertThat(old.done(new Request.Read<>(id("a"), Run::describe, false)))
          .isEqualTo(Outcome.refused(Refusal.STORE_UNAVAILABLE));
      assertThat(old.statistics("b").run().sequence()).isEqualTo(1);
      assertThat(old.storeFailures).isEmpty();
    }
    assertThat(journal.head(run())).as("nothing was appended").isEqualTo(head);
  }

  @Test
  void aSnapshotOfALaterReleaseIsPassedOver() throws JournalException {
    for (int step = 0; step < 6; step++) {
      scored(one, "k" + step, batch(step, 0));
    }
    Head head = requireNonNull(journal.head(run()));
    byte[] state =
        SnapshotFormat.encode(
                requireNonNull(new Recovery(journal, new JvmCompute()).recover(run())).state())
            .state();
    state[0]++;
    journal.save(run(), new Snapshot(head, state));

    ShardDriver three = new ShardDriver(journal, ShardDriver.LIMITS);
    assertThat(three.bits("a")).isEqualTo(one.bits("a"));
    assertThat(scored(three, "k9", batch(9, 0)).sequence()).isEqualTo(8);
  }

  // Metrics

  @Test
  void onlyTheLastAppenderSaysWhatARunIsLike() {
    scored(one, null, batch(0, 0));
    scored(one, null, batch(1, 0));
    two.statistics("a");
    assertThat(two.folded).isEmpty();
    int byOne = one.folded.size();

    scored(two, null, batch(2, 0));
    assertThat(two.folded).as("as it was, and as it is").containsExactly(id("a"), id("a"));
    one.pass(FRESHNESS.plusMillis(1));
    one.statistics("a");

    assertThat(one.ended).containsExactly(id("a"));
    assertThat(one.folded).hasSize(byOne);
    scored(one, null, batch(3, 0));
    assertThat(one.folded).hasSize(byOne + 2);
  }

  // All of it

  private record Sent(
      String key, ObservationBatch batch, CompletableFuture<Outcome<Scored>> answer) {}

  /** Three replicas, whose workers and writers run in any order. */
  @Test
  void inWhateverOrderThingsHappenNothingIsLostOrTwiceAndAllEndTheSame() throws Exception {
    for (int seed = 0; seed < 400; seed++) {
      try {
        happen(new Random(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static void happen(Random random) throws Exception {
    InMemoryJournal shared = new InMemoryJournal();
    shared.share();
    List<ShardDriver> replicas = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ShardDriver replica = new ShardDriver(shared, ShardDriver.LIMITS);
      replica.writer.atOnce = false;
      replica.workers.atOnce = false;
      replicas.add(replica);
    }
    Configuration configuration = Configuration.DEFAULT.withWarmUp(2).withLag(random.nextInt(3));
    List<Sent> sent = new ArrayList<>();
    long step = 0;
    for (int i = 0; i < 120; i++) {
      ShardDriver replica = replicas.get(random.nextInt(3));
      switch (random.nextInt(12)) {
        case 0 -> replica.post(new Request.Create(id("a"), ShardDriver.wanted(configuration)));
        case 1, 2, 3 -> {
          step += random.nextInt(2);
          ObservationBatch batch =
              Batches.random(
                  random, Math.max(0, step - random.nextInt(3)), random.nextInt(4), 0, null);
          String key = "k" + i;
          sent.add(new Sent(key, batch, replica.score("a", key, batch)));
        }
        case 4 -> {
          if (!sent.isEmpty()) {
            Sent again = sent.get(random.nextInt(sent.size()));
            sent.add(new Sent(again.key, again.batch, replica.score("a", again.key, again.batch)));
          }
        }
        case 5 -> {
          switch (random.nextInt(6)) {
            case 0 -> replica.post(new Request.Delete(id("a")));
            case 1, 2 ->
                replica.post(
                    new Request.Rewind(id("a"), Math.max(0, step - random.nextInt(4)), null));
            case 3 -> replica.post(new Request.Finish(id("a")));
            default -> replica.post(new Request.Read<>(id("a"), Run::describe, false));
          }
        }
        case 6 -> replica.pass(Duration.ofMillis(random.nextInt(1500)));
        case 7 -> {
          if (random.nextInt(5) == 0) {
            shared.failNextAppend(Failure.values()[random.nextInt(3)]);
          } else {
            shared.check();
          }
        }
        case 8 -> replica.writer.runOne(random);
        case 9, 10 -> replica.workers.runOne(random);
        default -> replica.work();
      }
    }
    settle(shared, replicas, random);
    check(shared, replicas, sent);
  }

  private static void settle(InMemoryJournal shared, List<ShardDriver> replicas, Random random)
      throws JournalException {
    boolean busy = true;
    while (busy) {
      busy = false;
      shared.check();
      for (ShardDriver replica : replicas) {
        replica.work();
        busy |= replica.writer.runOne(random) | replica.workers.runOne(random);
        replica.work();
      }
    }
    for (ShardDriver replica : replicas) {
      replica.writer.atOnce = true;
      replica.workers.atOnce = true;
      assertThat(replica.shard.queuedLosses()).isZero();
      replica.pass(FRESHNESS.plusMillis(1));
    }
  }

  private static void check(InMemoryJournal shared, List<ShardDriver> replicas, List<Sent> sent)
      throws Exception {
    RunKey run = shared.lookup(id("a"));
    Map<String, double[]> answered = new HashMap<>();
    for (Sent each : sent) {
      // Weights once answered for an entry are those of the entry.
      if (outcome(each.answer) instanceof Outcome.Done<Scored> done) {
        double[] weights = done.value().weights().raw();
        double[] first = answered.putIfAbsent(each.key + " " + done.value().sequence(), weights);
        assertThat(weights).containsExactly(first == null ? weights : first);
      }
    }
    if (run == null) {
      for (ShardDriver replica : replicas) {
        assertThat(replica.done(new Request.Read<>(id("a"), Run::describe, false)))
            .isEqualTo(Outcome.refused(Refusal.UNKNOWN_RUN));
      }
      return;
    }
    Map<String, Integer> standing = new HashMap<>();
    Run explained = null;
    for (StoredEntry stored : shared.read(run, 1, Integer.MAX_VALUE)) {
      if (stored.entry() instanceof JournalEntry.Batch batch) {
        standing.merge(requireNonNull(batch.key()), 1, Integer::sum);
      } else if (stored.entry() instanceof JournalEntry.Rewound) {
        standing.clear();
      }
      explained = explain(run, explained, stored);
    }
    assertThat(standing.values()).allMatch(times -> times == 1);
    String fold = StatisticsText.of(requireNonNull(FreshFold.statistics(shared, id("a"))));
    for (ShardDriver replica : replicas) {
      assertThat(StatisticsText.of(replica.statistics("a"))).isEqualTo(fold);
    }
  }

  /**
   * The order by sequence explains the weights: until a rewind, from which on only the fold does.
   */
  private static Run explain(RunKey key, Run run, StoredEntry stored) {
    if (stored.entry() instanceof JournalEntry.Created created) {
      return Run.created(key, created, stored.head(), new JvmCompute());
    }
    if (run == null
        || (stored.entry() instanceof JournalEntry.Rewound rewound
            && run.holds(rewound.nextStep()))) {
      return null;
    }
    if (stored.entry() instanceof JournalEntry.Batch batch) {
      assertThat(new JvmCompute().weigh(List.of(run.weighing(batch.batch()))).getFirst().values())
          .as("entry %d", stored.sequence())
          .containsExactly(batch.weights().raw());
    }
    run.apply(stored.sequence(), stored.entry());
    return run;
  }
}
