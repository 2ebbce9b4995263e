package resure.run;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import resure.compute.ComputeSource;
import resure.compute.jvm.JvmCompute;
import resure.drift.TurnDrift;
import resure.journal.InMemoryJournal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.observation.Weights;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/**
 * A shard on the test's own thread: whoever calls {@link #work} is its thread, the clock is moved
 * by hand.
 */
final class ShardDriver implements RunListener {

  static final RunLimits LIMITS =
      new RunLimits(100, 10_000, 1000, Duration.ofMinutes(10), Duration.ofSeconds(1));

  /** Runs tasks when told to, or at once. */
  static final class HandExecutor implements Executor {
    final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    boolean atOnce = true;

    @Override
    public void execute(Runnable task) {
      if (atOnce) {
        task.run();
      } else {
        tasks.add(task);
      }
    }

    /** Runs one of those that wait; false when none does. */
    boolean runOne(Random random) {
      if (tasks.isEmpty()) {
        return false;
      }
      List<Runnable> waiting = new ArrayList<>(tasks);
      Runnable chosen = waiting.remove(random.nextInt(waiting.size()));
      tasks.clear();
      tasks.addAll(waiting);
      chosen.run();
      return true;
    }

    void runAll() {
      while (!tasks.isEmpty()) {
        tasks.remove().run();
      }
    }
  }

  final InMemoryJournal journal;
  final HandExecutor writer = new HandExecutor();
  final HandExecutor workers = new HandExecutor();
  final Shard shard;

  /** Batches of each group that was applied. */
  final List<Integer> groups = new ArrayList<>();

  final List<RunId> folded = new ArrayList<>();
  final List<RunId> ended = new ArrayList<>();

  /** Alarms that were told as new. */
  long newAlarms;

  private final Map<RunKey, Long> alarms = new HashMap<>();
  int recovered;
  int late;
  long trimmed;
  int retired;
  int deviceFailures;

  /** Thrown by the next call of this listener. */
  @Nullable RuntimeException defect;

  private long nanos;

  /** What the shard said of the store, in order. */
  final List<JournalException> storeFailures = new ArrayList<>();

  ShardDriver() {
    this(new InMemoryJournal(), LIMITS);
  }

  ShardDriver(InMemoryJournal journal, RunLimits limits) {
    this(journal, limits, key -> new Recovery(journal, new JvmCompute()).recover(key));
  }

  ShardDriver(InMemoryJournal journal, RunLimits limits, RunReader.Recoveries recoveries) {
    this(journal, limits, recoveries, JvmCompute::new);
  }

  ShardDriver(InMemoryJournal journal, ComputeSource computes) {
    this(journal, LIMITS, key -> new Recovery(journal, new JvmCompute()).recover(key), computes);
  }

  ShardDriver(
      InMemoryJournal journal,
      RunLimits limits,
      RunReader.Recoveries recoveries,
      ComputeSource computes) {
    this.journal = journal;
    InstantSource clock = this::now;
    shard =
        new Shard(
            journal,
            computes,
            writer,
            workers,
            recoveries,
            this::past,
            this::trim,
            limits,
            limits.loadedRuns(),
            clock,
            () -> nanos,
            this,
            RunFollower.NONE,
            storeFailures::add);
  }

  private RunPast past(Run run) {
    return new RecordedPast(
        () -> new Recovery(journal, new JvmCompute()), run.key(), run.head(), run.rewinds().copy());
  }

  private void trim(Trimming.Wanted wanted) {
    try {
      Trimming.Cut cut = new Trimming(journal, new JvmCompute()).find(wanted);
      if (cut != null) {
        post(new Request.Trim(wanted.key(), cut));
      }
    } catch (JournalException e) {
      throw new AssertionError(e);
    }
  }

  /** Does all that can be done now. */
  void work() {
    while (shard.doWork() > 0) {
      // Goes on until there is nothing left.
    }
  }

  Instant now() {
    return Instant.parse("2026-01-31T12:00:00.5Z").plusNanos(nanos);
  }

  long nanos() {
    return nanos;
  }

  void pass(Duration time) {
    nanos += time.toNanos();
    work();
  }

  <T> CompletableFuture<Outcome<T>> offer(Request<T> request) {
    if (!shard.offer(request)) {
      request.outcome.complete(Outcome.refused(Refusal.QUEUE_FULL));
    }
    return request.outcome;
  }

  CompletableFuture<Outcome<Scored>> score(
      String run, @Nullable String key, ObservationBatch batch) {
    return offer(new Request.Score(id(run), key, batch));
  }

  /** Scores without looking at the answer. */
  void post(String run, @Nullable String key, ObservationBatch batch) {
    var _ = score(run, key, batch);
  }

  /** Offers without looking at the answer. */
  void post(Request<?> request) {
    var _ = offer(request);
  }

  /** Sequence of the newest snapshot; 0 when there is none. */
  long newestSnapshot(String run) throws JournalException {
    Snapshot snapshot =
        journal.snapshot(Objects.requireNonNull(journal.lookup(id(run))), Long.MAX_VALUE);
    return snapshot == null ? 0 : snapshot.sequence();
  }

  <T> Outcome<T> done(Request<T> request) {
    CompletableFuture<Outcome<T>> answer = offer(request);
    work();
    return outcome(answer);
  }

  /** The answer, which must be there. */
  static <T> Outcome<T> outcome(CompletableFuture<Outcome<T>> answer) {
    if (!answer.isDone()) {
      throw new AssertionError("not answered");
    }
    return answer.join();
  }

  static <T> T value(CompletableFuture<Outcome<T>> answer) {
    if (outcome(answer) instanceof Outcome.Done<T> done) {
      return done.value();
    }
    throw new AssertionError(answer.join());
  }

  static @Nullable Refusal refusal(CompletableFuture<? extends Outcome<?>> answer) {
    if (!answer.isDone()) {
      throw new AssertionError("not answered");
    }
    return answer.join() instanceof Outcome.Refused<?> refused ? refused.refusal() : null;
  }

  void create(String run) {
    create(run, Configuration.DEFAULT.withWarmUp(2));
  }

  void create(String run, Configuration configuration) {
    create(run, configuration, Retention.ALL);
  }

  void create(String run, Configuration configuration, Retention retention) {
    Outcome<Created> created = done(new Request.Create(id(run), wanted(configuration, retention)));
    if (!(created instanceof Outcome.Done<Created> done) || !done.value().isNew()) {
      throw new AssertionError(created);
    }
  }

  static WantedSettings wanted(Configuration configuration) {
    return wanted(configuration, Retention.ALL);
  }

  static WantedSettings wanted(Configuration configuration, Retention retention) {
    return new WantedSettings() {
      @Override
      public RunSettings complete() {
        return new RunSettings(configuration, Map.of()).withRetention(retention);
      }

      @Override
      public @Nullable String conflict(RunSettings existing) {
        return existing.configuration().equals(configuration) ? null : "/warmUp";
      }
    };
  }

  RunStatistics statistics(String run) {
    Outcome<RunStatistics> answer = done(new Request.Read<>(id(run), Run::statistics, false));
    if (answer instanceof Outcome.Done<RunStatistics> done) {
      return done.value();
    }
    throw new AssertionError(answer);
  }

  List<String> bits(String run) {
    Outcome<List<String>> answer = done(new Request.Read<>(id(run), RecordedRun::bits, false));
    if (answer instanceof Outcome.Done<List<String>> done) {
      return done.value();
    }
    throw new AssertionError(answer);
  }

  boolean loaded(String run) {
    return done(new Request.Read<>(id(run), Run::describe, true)) instanceof Outcome.Done;
  }

  static RunId id(String run) {
    return new RunId(RunId.DEFAULT_TENANT, run);
  }

  @Override
  public void retired() {
    retired++;
  }

  @Override
  public void trimmed(long entries) {
    trimmed += entries;
  }

  private void maybeFail() {
    RuntimeException now = defect;
    defect = null;
    if (now != null) {
      throw now;
    }
  }

  @Override
  public void groupApplied(
      int batches, int observations, String backend, long weighNanos, long appendNanos) {
    groups.add(batches);
  }

  @Override
  public void deviceFailed() {
    deviceFailures++;
  }

  @Override
  public void taken(RunKey run, ObservationBatch batch, Weights weights, Instant at) {
    if (weights.late()) {
      maybeFail();
      late++;
    }
  }

  @Override
  public void recovered(long elapsed) {
    recovered++;
  }

  @Override
  public void folded(
      RunKey run,
      long step,
      @Nullable Instant lastBatchAt,
      MomentsTable reference,
      Totals totals,
      List<TurnDrift> drift) {
    folded.add(run.id());
    long raised = drift.stream().mapToLong(TurnDrift::alarms).sum();
    Long before = alarms.put(run, raised);
    newAlarms += before == null ? 0 : raised - before;
  }

  @Override
  public void ended(RunKey run) {
    ended.add(run.id());
    alarms.remove(run);
  }
}
