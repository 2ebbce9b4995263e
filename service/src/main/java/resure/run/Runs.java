package resure.run;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.compute.Compute;
import resure.compute.ComputeSource;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.journal.StoredEntry;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.observation.StartFrom;

/**
 * The front door: every run of the service, by name. Each request goes to the shard that owns its
 * run and comes back as one future, completed on that shard's thread (so its dependents must not
 * block). Safe for use by any thread.
 */
public final class Runs implements AutoCloseable {

  private static final int WORKERS = 2;

  /** They wait for the network, mostly. */
  private static final int WORKERS_OF_SHARED = 8;

  /** Names that one request for a page looks at, matching or not. */
  private static final int NAMES_A_PAGE = 1000;

  private static final long SWEEP_MINUTES = 60;

  /** Looks at no more than some hundred runs a second. */
  private static final long SWEEP_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  /** Runs that may wait to be trimmed. */
  private static final int WAITING_TRIMS = 1000;

  /** Evaluations that are kept of a run. */
  public static final int KEPT_EVALUATIONS = Evaluations.MOST;

  /** Runs that are looked at together. */
  public static final int SURVEYED_RUNS = 1000;

  /** Requests to look at many runs that may wait. */
  private static final int WAITING_SURVEYS = 16;

  private static final long STOP_SECONDS = 25;
  private static final long DRAIN_SECONDS = 10;
  private static final long CHECK_MILLIS = 1000;
  private static final Logger LOG = LoggerFactory.getLogger(Runs.class);

  private final Journal journal;
  private final Supplier<Compute> recoveryComputes;
  private final RunFollower follower;
  private final List<Shard> shards = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<ExecutorService> writers = new ArrayList<>();
  private final ExecutorService workers;
  private final ExecutorService trims;

  /** Looks at many runs, so that who waits for one does not wait for them. */
  private final ExecutorService surveys =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(WAITING_SURVEYS),
          named("resure-survey"));

  private final ScheduledExecutorService checker =
      Executors.newSingleThreadScheduledExecutor(named("resure-check"));
  private final ScheduledFuture<?> checks;
  private final ScheduledExecutorService sweeper =
      Executors.newSingleThreadScheduledExecutor(named("resure-idle"));
  private final InstantSource clock;
  private final Creations creations = new Creations();

  /** Set by {@link #drain} and {@link #close}; afterwards nothing is taken. */
  private volatile boolean stopping;

  /** What is wrong with the store, as last known; null when nothing is. */
  private volatile @Nullable JournalException storeFault;

  /**
   * Starts the threads.
   *
   * @param journal the truth; closed with this
   * @param computes gives each shard its backend, and another one when its device has failed
   * @param recoveryComputes makes one for each recovery, which folds one batch at a time and must
   *     not disturb a device; never closed, so on the heap
   * @param durability with {@code FSYNC}, or a shared journal, appends get a thread of their own,
   *     since they wait for the disk or the network
   * @param follower is told what happens to the runs; closed with this
   */
  public Runs(
      Journal journal,
      ComputeSource computes,
      Supplier<Compute> recoveryComputes,
      Durability durability,
      RunLimits limits,
      InstantSource clock,
      RunListener listener,
      RunFollower follower) {
    this.journal = journal;
    this.recoveryComputes = recoveryComputes;
    this.follower = follower;
    this.clock = clock;
    workers =
        Executors.newFixedThreadPool(
            journal.shared() ? WORKERS_OF_SHARED : WORKERS, named("resure-worker"));
    trims =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING_TRIMS),
            named("resure-trim"),
            // The run's next snapshot tries again.
            new ThreadPoolExecutor.DiscardPolicy());
    // Event loops need the other half; more shards only make smaller groups.
    int count = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    for (int i = 0; i < count; i++) {
      Shard shard =
          new Shard(
              journal,
              computes,
              durability == Durability.FSYNC || journal.shared() ? writer(i) : Runnable::run,
              workers,
              this::recover,
              this::past,
              this::trim,
              limits,
              Math.max(1, limits.loadedRuns() / count),
              clock,
              System::nanoTime,
              listener,
              follower,
              this::noteFault);
      shards.add(shard);
      Thread thread = new Thread(shard, "resure-shard-" + i);
      threads.add(thread);
      thread.start();
    }
    checks =
        checker.scheduleWithFixedDelay(
            this::checkStore, CHECK_MILLIS, CHECK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private Executor writer(int shard) {
    ExecutorService writer = Executors.newSingleThreadExecutor(named("resure-writer-" + shard));
    writers.add(writer);
    return writer;
  }

  private static ThreadFactory named(String name) {
    return Thread.ofPlatform().name(name).daemon().factory();
  }

  private @Nullable Run recover(RunKey key) throws JournalException {
    return new Recovery(journal, recoveryComputes.get()).recover(key);
  }

  private RunPast past(Run run) {
    return new RecordedPast(
        () -> new Recovery(journal, recoveryComputes.get()),
        run.key(),
        run.head(),
        run.rewinds().copy());
  }

  /** Has dropped what can be, some time: one run after the other, by one thread. */
  private void trim(Trimming.Wanted wanted) {
    trims.execute(
        () -> {
          try {
            Trimming.Cut cut = new Trimming(journal, recoveryComputes.get()).find(wanted);
            if (cut != null && !stopping) {
              var _ = offer(new Request.Trim(wanted.key(), cut));
            }
          } catch (JournalException | RuntimeException e) {
            LOG.warn(
                "What could be dropped of {} was not found out", wanted.key().incarnation(), e);
          }
        });
  }

  /** Asks the store whether it is well, which is also what makes it come back. */
  private void checkStore() {
    try {
      journal.check();
      if (storeFault != null) {
        LOG.info("The store is back");
      }
      storeFault = null;
    } catch (JournalException e) {
      noteFault(e);
    }
  }

  /**
   * Readiness falls with the write that failed, not with the next check, which may find that all is
   * well again.
   */
  private void noteFault(JournalException fault) {
    if (storeFault == null) {
      LOG.error("The store is unavailable; no batch is taken until it is back", fault);
    }
    storeFault = fault;
  }

  /**
   * About how many bytes the entries of a tenant's runs are, found out some time; null where that
   * failed, or too much waits.
   */
  public CompletableFuture<@Nullable Long> storedBytes(String tenant) {
    try {
      return CompletableFuture.supplyAsync(() -> measured(tenant), surveys);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.completedFuture(null);
    }
  }

  private @Nullable Long measured(String tenant) {
    try {
      return new StoredBytes(journal).of(tenant);
    } catch (JournalException e) {
      LOG.debug("What {} stores is measured another time", tenant, e);
      return null;
    }
  }

  /** From now on deletes, some time, the runs to which nothing was recorded for so long. */
  public void deleteIdle(Duration after) {
    IdleRuns idle =
        new IdleRuns(
            journal, after, clock, System::nanoTime, this::<Boolean>offer, this::pauseBetweenRuns);
    var _ =
        sweeper.scheduleWithFixedDelay(
            () -> {
              try {
                idle.sweep();
              } catch (JournalException e) {
                LOG.debug("The next sweep for idle runs tries again", e);
              } catch (RuntimeException e) {
                LOG.error("A sweep for idle runs failed", e);
              }
            },
            SWEEP_MINUTES,
            SWEEP_MINUTES,
            TimeUnit.MINUTES);
  }

  private boolean pauseBetweenRuns() {
    LockSupport.parkNanos(SWEEP_PAUSE_NANOS);
    return !stopping;
  }

  /** What is wrong with the store, as last known; null when nothing is. */
  public @Nullable JournalException storeFault() {
    return storeFault;
  }

  /**
   * Whether this process can do what another could: a store that all of them share is away for all.
   */
  public boolean ready() {
    return storeFault == null || journal.shared();
  }

  /** Losses that wait or are in flight in all shards, about. */
  public int queuedLosses() {
    return shards.stream().mapToInt(Shard::queuedLosses).sum();
  }

  /**
   * Makes the run, or finds that it is there with settings that agree. Whose statistics a new run
   * begins with is looked up before it is made, and never again.
   *
   * @param actor who asks, which is recorded; null for nobody in particular
   * @param most runs that the tenant may have; 0 for any number
   */
  public CompletableFuture<Outcome<Created>> create(
      RunId id, WantedSettings wanted, @Nullable String actor, int most) {
    if (most == 0 && wanted.complete().startFrom() == null) {
      return offer(new Request.Create(id, wanted).by(actor));
    }
    CompletableFuture<Outcome<Outcome<Created>>> looked = read(id, run -> run.existing(wanted));
    return looked.thenCompose(
        outcome ->
            switch (outcome) {
              case Outcome.Done<Outcome<Created>> done ->
                  CompletableFuture.completedFuture(done.value());
              case Outcome.Refused<Outcome<Created>> refused
                  when refused.refusal() == Refusal.UNKNOWN_RUN ->
                  most == 0
                      ? createAbsent(id, wanted, actor)
                      : createWhereThereIsRoom(id, wanted, actor, most);
              case Outcome.Refused<Outcome<Created>> refused ->
                  CompletableFuture.completedFuture(
                      new Outcome.Refused<>(refused.refusal(), refused.detail()));
            });
  }

  private CompletableFuture<Outcome<Created>> createWhereThereIsRoom(
      RunId id, WantedSettings wanted, @Nullable String actor, int most) {
    List<String> before = creations.begin(id);
    return CompletableFuture.supplyAsync(() -> room(id, before, most), workers)
        .thenCompose(
            refused ->
                refused == null
                    ? createAbsent(id, wanted, actor)
                    : CompletableFuture.completedFuture(Outcome.refused(refused)))
        .whenComplete((outcome, failure) -> creations.end(id));
  }

  /** Why one more run may not be made; null when it may. On a worker. */
  private @Nullable Refusal room(RunId id, List<String> before, int most) {
    try {
      return Creations.hasRoom(journal, id, before, most) ? null : Refusal.RUNS_FULL;
    } catch (JournalException e) {
      return Refusal.STORE_UNAVAILABLE;
    }
  }

  private CompletableFuture<Outcome<Created>> createAbsent(
      RunId id, WantedSettings wanted, @Nullable String actor) {
    RunSettings settings = wanted.complete();
    StartFrom startFrom = settings.startFrom();
    if (startFrom == null) {
      return offer(new Request.Create(id, wanted).by(actor));
    }
    return CompletableFuture.supplyAsync(
            () ->
                start(
                    new RunId(id.tenant(), startFrom.run()),
                    startFrom,
                    settings.configuration().maxTurns()),
            workers)
        .thenCompose(start -> create(id, wanted, actor, start));
  }

  private CompletableFuture<Outcome<Created>> create(
      RunId id, WantedSettings wanted, @Nullable String actor, Outcome<Start> start) {
    return switch (start) {
      case Outcome.Done<Start> done ->
          offer(new Request.Create(id, wanted, done.value()).by(actor));
      case Outcome.Refused<Start> refused ->
          CompletableFuture.completedFuture(
              new Outcome.Refused<>(refused.refusal(), refused.detail()));
    };
  }

  /** Looks up what a new run begins with. On a worker. */
  private Outcome<Start> start(RunId other, StartFrom asked, int slots) {
    try {
      return new Starts(journal, new Recovery(journal, recoveryComputes.get()))
          .find(other, asked, slots);
    } catch (CorruptJournalException | RuntimeException e) {
      // What is whole and cannot be applied was written by a defect: damaged all the same.
      LOG.error("The records of run {} are damaged", other.name(), e);
      return Outcome.refused(Refusal.START_DAMAGED);
    } catch (JournalException e) {
      return Outcome.refused(Refusal.STORE_UNAVAILABLE);
    }
  }

  /** Weighs a batch and records it; done when it is durable. {@code key} makes a retry safe. */
  public CompletableFuture<Outcome<Scored>> score(
      RunId id, @Nullable String key, ObservationBatch batch) {
    return offer(new Request.Score(id, key, batch));
  }

  /**
   * The same, answered with what the turns are like once the batch is applied; for a repeated key,
   * with what they are like now. The batch is answered without where that cannot be had.
   */
  public CompletableFuture<Outcome<Scored>> scoreWithStatistics(
      RunId id, @Nullable String key, ObservationBatch batch) {
    return offer(new Request.Score(id, key, batch, true))
        .thenCompose(
            outcome ->
                outcome instanceof Outcome.Done<Scored> done && done.value().statistics() == null
                    ? withStatisticsOfNow(id, done)
                    : CompletableFuture.completedFuture(outcome));
  }

  private CompletableFuture<Outcome<Scored>> withStatisticsOfNow(
      RunId id, Outcome.Done<Scored> scored) {
    return read(id, Run::turnStatistics)
        .thenApply(
            outcome ->
                outcome instanceof Outcome.Done<TurnStatistics> now
                    ? Outcome.done(scored.value().with(now.value()))
                    : scored);
  }

  /** The run as it is, at a sequence of at least {@code atLeast}. */
  public CompletableFuture<Outcome<RunDescription>> describe(RunId id, long atLeast) {
    return offer(new Request.Read<>(id, Run::describe, atLeast, false));
  }

  /** The run's statistics as they are, at a sequence of at least {@code atLeast}. */
  public CompletableFuture<Outcome<RunStatistics>> statistics(RunId id, long atLeast) {
    return offer(new Request.Read<>(id, Run::statistics, atLeast, false));
  }

  /**
   * Forgets every batch of {@code nextStep} and later; {@code attempt} fences off those before it.
   *
   * @param actor who asks, which is recorded; null for nobody in particular
   */
  public CompletableFuture<Outcome<RunDescription>> rewind(
      RunId id, long nextStep, @Nullable String attempt, @Nullable String actor) {
    return offer(new Request.Rewind(id, nextStep, attempt).by(actor));
  }

  /**
   * Says that the training is over.
   *
   * @param actor who asks, which is recorded; null for nobody in particular
   */
  public CompletableFuture<Outcome<RunDescription>> finish(RunId id, @Nullable String actor) {
    return offer(new Request.Finish(id).by(actor));
  }

  /**
   * Records a score of the model after so many steps; done with the one there is when it says the
   * same.
   */
  public CompletableFuture<Outcome<Evaluated>> evaluate(
      RunId id, long step, String benchmark, double score) {
    return offer(new Request.Evaluate(id, step, benchmark, score));
  }

  /** The run's evaluations that stand, in order of sequence. */
  public CompletableFuture<Outcome<List<Evaluation>>> evaluations(RunId id, long atLeast) {
    return offer(new Request.Read<>(id, Run::evaluations, atLeast, false));
  }

  /**
   * The evaluations of each run of a tenant that has some, by name; of those runs only that have
   * all of the labels. Runs that are not in memory are read for the occasion only, one after the
   * other.
   */
  public CompletableFuture<Outcome<List<RunEvaluations>>> evaluations(
      String tenant, Map<String, String> labels) {
    if (stopping) {
      return CompletableFuture.completedFuture(Outcome.refused(Refusal.STOPPING));
    }
    try {
      return CompletableFuture.supplyAsync(() -> survey(tenant, labels), surveys);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.completedFuture(Outcome.refused(Refusal.QUEUE_FULL));
    }
  }

  private Outcome<List<RunEvaluations>> survey(String tenant, Map<String, String> labels) {
    List<RunEvaluations> found = new ArrayList<>();
    try {
      List<RunKey> keys;
      String after = null;
      do {
        keys = journal.list(tenant, after, NAMES_A_PAGE);
        for (RunKey key : keys) {
          if (stopping) {
            return Outcome.refused(Refusal.STOPPING);
          }
          List<Evaluation> evaluations =
              labelled(key, labels) ? lookBriefly(key, Run::evaluations) : null;
          if (evaluations != null && !evaluations.isEmpty()) {
            if (found.size() == SURVEYED_RUNS) {
              return Outcome.refused(Refusal.TOO_MANY_RUNS);
            }
            found.add(new RunEvaluations(key.id().name(), evaluations));
          }
          after = key.id().name();
        }
      } while (keys.size() == NAMES_A_PAGE);
      return Outcome.done(found);
    } catch (JournalException e) {
      return Outcome.refused(Refusal.STORE_UNAVAILABLE);
    }
  }

  /** What a run was created with is read faster than the run. */
  private boolean labelled(RunKey key, Map<String, String> labels) throws JournalException {
    if (labels.isEmpty()) {
      return true;
    }
    List<StoredEntry> first = journal.read(key, 1, 1);
    return !first.isEmpty()
        && first.getFirst().entry() instanceof JournalEntry.Created created
        && created.labels().entrySet().containsAll(labels.entrySet());
  }

  /** Removes the run with all that belongs to it. */
  public CompletableFuture<Outcome<RunDescription>> delete(RunId id) {
    return offer(new Request.Delete(id));
  }

  /**
   * The recorded batches of steps {@code fromStep} to {@code toStep}, or of all when both are null,
   * at a sequence of at least {@code atLeast}.
   */
  public CompletableFuture<Outcome<Export>> export(
      RunId id, @Nullable Long fromStep, @Nullable Long toStep, long atLeast) {
    boolean bySteps = fromStep != null || toStep != null;
    long from = fromStep == null ? Long.MIN_VALUE : fromStep;
    long to = toStep == null ? Long.MAX_VALUE : toStep;
    CompletableFuture<Outcome<Outcome<Export>>> looked =
        offer(
            new Request.Read<>(
                id,
                run ->
                    bySteps && run.stepping() == Run.Stepping.WITHOUT_STEPS
                        ? Outcome.refused(Refusal.RUN_WITHOUT_STEPS)
                        : Outcome.done(new Export(journal, run, from, to)),
                atLeast,
                false));
    return looked.thenApply(Runs::flat);
  }

  /** What is recorded of the run. */
  public CompletableFuture<Outcome<RunRecord>> record(RunId id) {
    return read(
        id, run -> RunRecord.of(run, new Export(journal, run, Long.MIN_VALUE, Long.MAX_VALUE)));
  }

  /**
   * Whether batches of {@code step} or before that stood at {@code sequence} have been removed.
   *
   * @param key which creation of the run; it is unknown when the name is another's by now
   * @param onlyLoaded whether a run that is not in memory is not asked, but unknown
   */
  public CompletableFuture<Outcome<Boolean>> rewound(
      RunKey key, long step, long sequence, boolean onlyLoaded) {
    CompletableFuture<Outcome<Outcome<Boolean>>> looked =
        offer(
            new Request.Read<>(
                key.id(),
                run ->
                    run.key().equals(key)
                        ? Outcome.done(run.rewinds().wentBackTo(step, sequence))
                        : Outcome.refused(Refusal.UNKNOWN_RUN),
                onlyLoaded));
    return looked.thenApply(Runs::flat);
  }

  private static <T> Outcome<T> flat(Outcome<Outcome<T>> outcome) {
    return switch (outcome) {
      case Outcome.Done<Outcome<T>> done -> done.value();
      case Outcome.Refused<Outcome<T>> refused ->
          new Outcome.Refused<>(refused.refusal(), refused.detail());
    };
  }

  /**
   * A page of a tenant's runs, by name. Runs that are not in memory are read for the occasion only.
   *
   * @param after name after which to begin; null for the beginning
   * @param limit most runs to give
   * @param matches which runs to give
   */
  public CompletableFuture<Outcome<RunPage>> list(
      String tenant, @Nullable String after, int limit, Predicate<RunDescription> matches) {
    if (stopping) {
      return CompletableFuture.completedFuture(Outcome.refused(Refusal.STOPPING));
    }
    return CompletableFuture.supplyAsync(() -> page(tenant, after, limit, matches), workers);
  }

  private Outcome<RunPage> page(
      String tenant, @Nullable String after, int limit, Predicate<RunDescription> matches) {
    try {
      List<RunKey> keys = journal.list(tenant, after, NAMES_A_PAGE);
      List<RunDescription> found = new ArrayList<>();
      for (RunKey key : keys) {
        RunDescription run = lookBriefly(key, Run::describe);
        if (run != null && matches.test(run)) {
          found.add(run);
          if (found.size() == limit) {
            return Outcome.done(
                new RunPage(found, key.equals(keys.getLast()) ? more(keys) : key.id().name()));
          }
        }
      }
      return Outcome.done(new RunPage(found, more(keys)));
    } catch (JournalException e) {
      return Outcome.refused(Refusal.STORE_UNAVAILABLE);
    }
  }

  private static @Nullable String more(List<RunKey> keys) {
    return keys.size() == NAMES_A_PAGE ? keys.getLast().id().name() : null;
  }

  private <T> @Nullable T lookBriefly(RunKey key, Function<Run, T> look) throws JournalException {
    try {
      Outcome<T> loaded = offer(new Request.Read<>(key.id(), look, true)).join();
      if (loaded instanceof Outcome.Done<T> done) {
        return done.value();
      }
    } catch (CompletionException e) {
      throw new IllegalStateException("a shard gave up", e);
    }
    Run run = recover(key);
    if (run == null) {
      return null;
    }
    T seen = look.apply(run);
    run.release();
    return seen;
  }

  private <T> CompletableFuture<Outcome<T>> read(RunId id, Function<Run, T> look) {
    return offer(new Request.Read<>(id, look, false));
  }

  private <T> CompletableFuture<Outcome<T>> offer(Request<T> request) {
    if (stopping) {
      request.outcome.complete(Outcome.refused(Refusal.STOPPING));
    } else if (!shards.get(Math.floorMod(request.id.hashCode(), shards.size())).offer(request)) {
      request.outcome.complete(Outcome.refused(Refusal.QUEUE_FULL));
    }
    return request.outcome;
  }

  /**
   * Takes nothing more from now on, and waits until what was taken is answered, or for too long.
   * Blocking.
   */
  public void drain() {
    stopping = true;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRAIN_SECONDS);
    while (queuedLosses() > 0 && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }
  }

  /** Takes nothing more, answers what is there, saves every run's state, and closes the journal. */
  @Override
  public void close() {
    stopping = true;
    checks.cancel(true);
    checker.shutdownNow();
    shards.forEach(Shard::stop);
    try {
      for (Thread thread : threads) {
        if (!thread.join(Duration.ofSeconds(STOP_SECONDS))) {
          LOG.error("{} did not stop in time; what it holds was not answered", thread.getName());
        }
      }
      follower.close();
      writers.forEach(ExecutorService::shutdown);
      workers.shutdown();
      sweeper.shutdownNow();
      surveys.shutdownNow();
      trims.shutdownNow();
      if (!trims.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Trimming did not stop in time");
      }
      if (!workers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Workers did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    journal.close();
  }
}
