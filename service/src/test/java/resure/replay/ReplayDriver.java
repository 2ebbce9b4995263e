package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.InMemoryJournal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.run.Export;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.RunFollower;
import resure.run.RunLimits;
import resure.run.RunListener;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.Scored;
import resure.run.WantedSettings;
import resure.weighting.Configuration;

/**
 * Replays over real runs in a journal in memory, with trials that a test leads: each waits for its
 * leave at half of its way, then fails as it is told or says how many losses there are.
 */
final class ReplayDriver implements AutoCloseable, Trials, ReplayListener {

  private static final Duration DEADLINE = Duration.ofSeconds(30);

  final InMemoryJournal journal;

  /** Losses weighed. */
  final AtomicLong weighed = new AtomicLong();

  /** Plans in the order in which their trials began. */
  final List<ReplayPlan> begun = new ArrayList<>();

  Runs runs;
  Replays replays;
  volatile boolean held;
  volatile @Nullable RuntimeException defect;
  volatile @Nullable JournalException storeFailure;
  volatile @Nullable Error error;

  /** Turns that each result has. */
  volatile int turns = 1;

  ReplayDriver() {
    this(new InMemoryJournal());
  }

  ReplayDriver(InMemoryJournal journal) {
    this.journal = journal;
    runs = newRuns();
    replays = newReplays();
  }

  private Runs newRuns() {
    return new Runs(
        journal,
        JvmCompute::new,
        JvmCompute::new,
        Durability.OS,
        new RunLimits(1000, 1_000_000, 1000, Duration.ofHours(1), Duration.ofSeconds(1)),
        InstantSource.system(),
        RunListener.NONE,
        RunFollower.NONE);
  }

  private Replays newReplays() {
    try {
      return new Replays(journal, runs, this, InstantSource.fixed(Entries.AT), this);
    } catch (JournalException e) {
      throw new AssertionError(e);
    }
  }

  /** Stops the service and starts it again. */
  void restart() {
    stop();
    journal.reopen();
    runs = newRuns();
    replays = newReplays();
  }

  void stop() {
    replays.close();
    runs.close();
  }

  @Override
  public void close() {
    held = false;
    stop();
  }

  @Override
  public List<ReplayResult> run(
      ReplayPlan plan, Passes passes, Executor executor, int threads, Progress progress)
      throws JournalException {
    synchronized (begun) {
      begun.add(plan);
    }
    progress.at(0.5);
    while (held) {
      LockSupport.parkNanos(1_000_000);
      progress.at(0.5);
    }
    throwWhatIsTold();
    long losses = 0;
    Export batches = passes.open();
    for (List<Scored> some = batches.next(); !some.isEmpty(); some = batches.next()) {
      for (Scored scored : some) {
        losses += scored.batch().observations();
      }
    }
    progress.at(1);
    List<ReplayResult> results = new ArrayList<>();
    for (int i = 0; i < plan.configurations().size(); i++) {
      List<TurnTally> perTurn = new ArrayList<>();
      for (int turn = 0; turn < turns; turn++) {
        perTurn.add(new TurnTally(turn, new Tally(losses, i, i, 0)));
      }
      results.add(
          new ReplayResult(i, new Tally(losses, i, i, 0), perTurn, List.of(), Double.NaN, null));
    }
    return results;
  }

  private void throwWhatIsTold() throws JournalException {
    if (defect != null) {
      throw defect;
    }
    if (storeFailure != null) {
      throw storeFailure;
    }
    if (error != null) {
      throw error;
    }
  }

  @Override
  public void weighed(long count) {
    weighed.addAndGet(count);
  }

  static RunId id(String name) {
    return new RunId(RunId.DEFAULT_TENANT, name);
  }

  /** A run with two steps of four losses each. */
  RunId newRun(String name) {
    RunId id = id(name);
    value(runs.create(id, new AsTheyAre(), null, 0));
    score(id, 0);
    score(id, 1);
    return id;
  }

  void score(RunId run, long step) {
    ObservationBatch batch = Batches.of(step, 0, new double[] {1, 2}, new double[] {2, 3});
    value(runs.score(run, null, batch));
  }

  RunKey key(RunId run) {
    try {
      RunKey key = journal.lookup(run);
      assertThat(key).isNotNull();
      return key;
    } catch (JournalException e) {
      throw new AssertionError(e);
    }
  }

  /** Asks for a replay of so many configurations, which differ in warm-up. */
  Outcome<Started> ask(RunId run, int configurations, Bad... bad) {
    List<Configuration> all = new ArrayList<>();
    for (int i = 0; i < configurations; i++) {
      all.add(Configuration.DEFAULT.withWarmUp(2 + i));
    }
    ReplayPlan plan =
        new ReplayPlan(
            all,
            List.of(bad),
            bad.length > 0,
            List.of(new RankBy(Measure.MEAN_WEIGHT, null, null)));
    return replays.start(run, () -> record -> plan).join();
  }

  /** Asks for one that must be accepted. */
  Replay start(RunId run, int configurations) {
    if (ask(run, configurations) instanceof Outcome.Done<Started> done
        && done.value() instanceof Started.Accepted accepted) {
      return accepted.replay();
    }
    throw new AssertionError("not accepted");
  }

  Replay find(RunId run, String replay) {
    return value(replays.find(run, replay, 10_000)).replay();
  }

  List<Tried> results(RunId run, String replay, int limit) {
    try {
      List<Tried> all = new ArrayList<>();
      Results results = value(replays.find(run, replay, limit)).results();
      for (List<Tried> some = results.next(); !some.isEmpty(); some = results.next()) {
        all.addAll(some);
      }
      return all;
    } catch (JournalException e) {
      throw new AssertionError(e);
    }
  }

  Replay awaitEnd(RunId run, String replay) {
    await().atMost(DEADLINE).until(() -> find(run, replay).state() != Replay.State.RUNNING);
    return find(run, replay);
  }

  void awaitHalf(RunId run, String replay) {
    await().atMost(DEADLINE).until(() -> find(run, replay).progress() == 0.5);
  }

  void awaitNoneUnfinished() {
    await().atMost(DEADLINE).until(() -> replays.unfinished() == 0);
  }

  static <T> T value(CompletableFuture<Outcome<T>> outcome) {
    return switch (outcome.join()) {
      case Outcome.Done<T> done -> done.value();
      case Outcome.Refused<T> refused -> throw new AssertionError(refused);
    };
  }

  static <T> @Nullable Refusal refusal(Outcome<T> outcome) {
    return outcome instanceof Outcome.Refused<T> refused ? refused.refusal() : null;
  }

  /** Default settings. */
  private static final class AsTheyAre implements WantedSettings {
    @Override
    public RunSettings complete() {
      return RunSettings.DEFAULT;
    }

    @Override
    public @Nullable String conflict(RunSettings existing) {
      return null;
    }
  }
}
