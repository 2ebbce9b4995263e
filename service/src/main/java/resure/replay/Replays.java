package resure.replay;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.OutcomeUnknownException;
import resure.journal.RunKey;
import resure.observation.RunId;
import resure.run.DroppedException;
import resure.run.Export;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.RunRecord;
import resure.run.Runs;
import resure.run.Scored;
import resure.run.WholeFrom;

/**
 * The front door of replays: asked for, found, listed, removed. What may block is done by workers
 * of its own; one replay at a time is computed, the others wait in the order in which they were
 * asked for. All its threads have the lowest priority. Safe for use by any thread.
 *
 * <p>A replay is a document of its run from the moment in which it is accepted; only when it has
 * ended, its results are documents too. What had not ended when the process did is begun again by
 * the next one. Of several processes on one journal the one computes a replay that has claimed it;
 * those that have nothing to do look for what nobody computes.
 */
public final class Replays implements AutoCloseable {

  /** Most unfinished replays of a run. */
  public static final int UNFINISHED_OF_A_RUN = 16;

  /** Most unfinished replays. */
  public static final int UNFINISHED = 64;

  /** Most replays that a run keeps, unfinished ones included. */
  public static final int KEPT = 1000;

  /** Most configurations of a replay. */
  public static final int CONFIGURATIONS = 10_000;

  /** Most sums ({@link RunRecord#sums}) in a replay's results: some 33 MB in the store. */
  public static final int SUMS = 1_000_000;

  private static final int WORKERS = 2;
  private static final int WAITING_REQUESTS = 64;

  /** Bodies of megabytes wait with them. */
  private static final int WAITING_STARTS = 8;

  private static final long STOP_SECONDS = 20;
  private static final long LOOK_SECONDS = 2;
  private static final Logger LOG = LoggerFactory.getLogger(Replays.class);

  private final Journal journal;
  private final Runs runs;
  private final InstantSource clock;
  private final ExecutorService workers;
  private final Computing computing;
  private final Semaphore starts = new Semaphore(WAITING_STARTS);
  private final Map<String, Unfinished> unfinished = new ConcurrentSkipListMap<>();

  /** Guarded by the monitor. */
  private long lastMillis;

  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(LowestPriority.threads("resure-replay-look-"));

  private volatile boolean stopping;

  /**
   * Starts the threads, and takes up what had not ended.
   *
   * @param journal where replays are kept; not closed with this
   * @param runs whose batches are tried
   * @throws JournalException when the store cannot say what had not ended
   */
  public Replays(
      Journal journal, Runs runs, Trials trials, InstantSource clock, ReplayListener listener)
      throws JournalException {
    this.journal = journal;
    this.runs = runs;
    this.clock = clock;
    workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING_REQUESTS),
            LowestPriority.threads("resure-replay-worker-"));
    computing = new Computing(journal, runs, trials, clock, listener, this::forget);
    unclaimed().forEach(this::resume);
    if (journal.shared()) {
      var _ =
          looking.scheduleWithFixedDelay(
              this::takeUp, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
    }
  }

  /** Those that this process does not know of, in the order in which they were asked for. */
  private List<Document> unclaimed() throws JournalException {
    List<Document> left = new ArrayList<>(journal.documents(DocumentKind.REPLAY_RUNNING));
    left.removeIf(request -> unfinished.containsKey(request.id()));
    left.sort(Comparator.comparing(Document::id));
    return left;
  }

  /** Takes up one that nobody computes, when there is nothing else to do. */
  private void takeUp() {
    try {
      for (Document request : unclaimed()) {
        if (!computing.idle() || stopping) {
          return;
        }
        if (computing.claim(request)) {
          resume(request);
          return;
        }
      }
    } catch (JournalException e) {
      LOG.debug("The store cannot say what is to be computed", e);
    }
  }

  private void resume(Document request) {
    Unfinished replay = read(request);
    if (replay != null) {
      unfinished.put(replay.id(), replay);
      computing.add(replay);
    }
  }

  /** One that has not ended, as it was asked for; null when it has. */
  private @Nullable Unfinished read(Document request) {
    ReplayFormat.Asked asked;
    try {
      byte[] content = journal.content(request);
      if (content == null) {
        return null;
      }
      asked = ReplayFormat.asked(content);
    } catch (JournalException e) {
      LOG.error("The request for replay {} cannot be read", request.id(), e);
      // Shown as failed: it cannot be read when its turn comes either.
      asked =
          new ReplayFormat.Asked(Incarnation.time(request.id()), 0, 0, 0, WholeFrom.BEGINNING, 0);
    }
    return new Unfinished(request.run(), request.id(), asked);
  }

  private void forget(Unfinished replay) {
    unfinished.remove(replay.id());
  }

  /** Replays that wait or are being computed. */
  public int unfinished() {
    return unfinished.size();
  }

  private <T> CompletableFuture<Outcome<T>> submit(Callable<Outcome<T>> task) {
    CompletableFuture<Outcome<T>> outcome = new CompletableFuture<>();
    try {
      workers.execute(
          () -> {
            try {
              outcome.complete(task.call());
            } catch (CorruptJournalException e) {
              LOG.error("A record is damaged", e);
              outcome.complete(Outcome.refused(Refusal.RUN_DAMAGED));
            } catch (OutcomeUnknownException e) {
              outcome.complete(Outcome.refused(Refusal.OUTCOME_UNKNOWN));
            } catch (JournalException e) {
              outcome.complete(Outcome.refused(Refusal.STORE_UNAVAILABLE));
            } catch (Throwable e) {
              // The caller's to answer.
              outcome.completeExceptionally(e);
            }
          });
    } catch (RejectedExecutionException e) {
      outcome.complete(Outcome.refused(stopping ? Refusal.STOPPING : Refusal.REPLAYS_BUSY));
    }
    return outcome;
  }

  /**
   * Accepts a replay of the run as it is now; done when it is durable.
   *
   * @param body asked on a worker, before anything else, for what reads the plan; what the one or
   *     the other throws is the future's failure
   */
  public CompletableFuture<Outcome<Started>> start(
      RunId id, Callable<Function<RunRecord, ReplayPlan>> body) {
    if (!starts.tryAcquire()) {
      return CompletableFuture.completedFuture(Outcome.refused(Refusal.REPLAYS_BUSY));
    }
    CompletableFuture<Outcome<Started>> started =
        submit(
            () -> {
              Function<RunRecord, ReplayPlan> reader = body.call();
              while (true) {
                try {
                  return start(id, reader);
                } catch (DroppedException e) {
                  // Of what is left, then: runs drop something now and then, not all the time.
                }
              }
            });
    // Not what whenComplete gives: that would wrap what the body throws.
    CompletableFuture<?> _ = started.whenComplete((outcome, failure) -> starts.release());
    return started;
  }

  private Outcome<Started> start(RunId id, Function<RunRecord, ReplayPlan> reader)
      throws JournalException {
    return switch (runs.record(id).join()) {
      case Outcome.Refused<RunRecord> refused ->
          new Outcome.Refused<>(refused.refusal(), refused.detail());
      case Outcome.Done<RunRecord> done -> start(done.value(), reader.apply(done.value()));
    };
  }

  private Outcome<Started> start(RunRecord run, ReplayPlan plan) throws JournalException {
    long observations =
        run.batches().wholeFrom().trimmed() ? observations(run) : run.observations();
    if (observations == 0) {
      return Outcome.refused(Refusal.NO_OBSERVATIONS);
    }
    Refusal full = full(run.key());
    if (full != null) {
      return Outcome.refused(full);
    }
    if (plan.labelled()) {
      Occurrence occurrence = new Occurrence(plan.bad());
      occurrence.read(run.batches().again(), () -> stopping);
      if (stopping) {
        return Outcome.refused(Refusal.STOPPING);
      }
      Started.UnknownLabels unknown = occurrence.unknown(plan.bad());
      if (unknown != null) {
        // Of a run that is gone nothing can be read.
        return run.key().equals(journal.lookup(run.key().id()))
            ? Outcome.done(unknown)
            : Outcome.refused(Refusal.UNKNOWN_RUN);
      }
    }
    return accept(run, plan, observations);
  }

  /** What is left in a run that has dropped some. */
  private static long observations(RunRecord run) throws JournalException {
    long observations = 0;
    Export batches = run.batches().again();
    for (List<Scored> some = batches.next(); !some.isEmpty(); some = batches.next()) {
      for (Scored scored : some) {
        observations += scored.batch().observations();
      }
    }
    return observations;
  }

  /** One at a time, or the bounds would be passed. */
  private synchronized Outcome<Started> accept(RunRecord run, ReplayPlan plan, long observations)
      throws JournalException {
    Refusal full = full(run.key());
    if (full != null) {
      return Outcome.refused(full);
    }
    // Ids ascend strictly, so that the newest is first in a list.
    Instant now = clock.instant();
    lastMillis = Math.max(lastMillis + 1, now.toEpochMilli());
    ReplayFormat.Asked asked =
        new ReplayFormat.Asked(
            Instant.ofEpochMilli(now.toEpochMilli()),
            run.sequence(),
            run.newestStep(),
            observations,
            run.batches().wholeFrom(),
            plan.configurations().size());
    Unfinished replay = new Unfinished(run.key(), Incarnation.next(lastMillis).toString(), asked);
    if (!journal.keep(replay.request(), ReplayFormat.request(asked, plan))) {
      return Outcome.refused(Refusal.UNKNOWN_RUN);
    }
    unfinished.put(replay.id(), replay);
    computing.add(replay);
    return Outcome.done(new Started.Accepted(replay.replay()));
  }

  /** Which bound does not let another replay of the run in; null when all do. */
  private @Nullable Refusal full(RunKey run) throws JournalException {
    List<Unfinished> here = List.copyOf(unfinished.values());
    Set<Document> there = new HashSet<>(journal.documents(DocumentKind.REPLAY_RUNNING));
    for (Unfinished replay : here) {
      if (!there.contains(replay.request())) {
        // Its run was deleted while it waited, or another process has ended it.
        computing.drop(replay);
      }
    }
    long ofRun = there.stream().filter(request -> request.run().equals(run)).count();
    if (ofRun >= UNFINISHED_OF_A_RUN || there.size() >= UNFINISHED) {
      return Refusal.TOO_MANY_REPLAYS;
    }
    return journal.documents(run, DocumentKind.REPLAY).size() + ofRun >= KEPT
        ? Refusal.REPLAYS_FULL
        : null;
  }

  /** One that has not ended, as far as it has come; null when it has. */
  private @Nullable Replay running(Document request) throws JournalException {
    Unfinished here = unfinished.get(request.id());
    if (here != null && here.run().equals(request.run()) && here.progress() > 0) {
      return here.replay();
    }
    Unfinished elsewhere = read(request);
    if (elsewhere == null) {
      return null;
    }
    byte[] progress = journal.content(elsewhere.progressDocument());
    return elsewhere.replay(progress == null ? 0 : ReplayFormat.progress(progress));
  }

  /** The replays of a run, newest first. */
  public CompletableFuture<Outcome<List<Replay>>> list(RunId id) {
    return submit(
        () -> {
          RunKey run = journal.lookup(id);
          if (run == null) {
            return Outcome.refused(Refusal.UNKNOWN_RUN);
          }
          // The unfinished first: what ends meanwhile is met twice rather than never.
          List<Replay> replays = new ArrayList<>();
          Set<String> met = new HashSet<>();
          for (Document request : journal.documents(run, DocumentKind.REPLAY_RUNNING)) {
            Replay replay = running(request);
            if (replay != null) {
              replays.add(replay);
              met.add(replay.id());
            }
          }
          for (Document end : journal.documents(run, DocumentKind.REPLAY)) {
            ReplayFormat.Ended ended = met.contains(end.id()) ? null : ended(end);
            if (ended != null) {
              replays.add(ended.replay());
            }
          }
          replays.sort(Comparator.comparing(Replay::id).reversed());
          return Outcome.done(replays);
        });
  }

  /** How a replay has ended; null when it has not, or there is none. */
  private ReplayFormat.@Nullable Ended ended(Document end) throws JournalException {
    try {
      byte[] content = journal.content(end);
      return content == null ? null : ReplayFormat.ended(end.id(), content);
    } catch (CorruptJournalException e) {
      LOG.error("Replay {} is damaged", end.id(), e);
      Instant createdAt = Incarnation.time(end.id());
      return new ReplayFormat.Ended(
          new Replay(
              end.id(),
              Replay.State.FAILED,
              0,
              0,
              createdAt,
              createdAt,
              0,
              WholeFrom.BEGINNING,
              "What was kept of this replay is damaged. Remove it and ask again."),
          0,
          0);
    }
  }

  /**
   * A replay of a run.
   *
   * @param limit most results to give
   */
  public CompletableFuture<Outcome<Found>> find(RunId id, String replay, int limit) {
    return submit(
        () -> {
          RunKey run = journal.lookup(id);
          if (run == null) {
            return Outcome.refused(Refusal.UNKNOWN_RUN);
          }
          Replay running = running(new Document(run, DocumentKind.REPLAY_RUNNING, replay));
          ReplayFormat.Ended ended =
              running != null
                  ? new ReplayFormat.Ended(running, 0, 0)
                  : ended(new Document(run, DocumentKind.REPLAY, replay));
          return ended == null
              ? Outcome.refused(Refusal.UNKNOWN_REPLAY)
              : Outcome.done(new Found(ended.replay(), new Results(journal, run, ended, limit)));
        });
  }

  /** Cancels a replay that is unfinished, and removes one that has ended. */
  public CompletableFuture<Outcome<Boolean>> remove(RunId id, String replay) {
    return submit(
        () -> {
          RunKey run = journal.lookup(id);
          if (run == null) {
            return Outcome.refused(Refusal.UNKNOWN_RUN);
          }
          Unfinished here = unfinished.get(replay);
          Unfinished running =
              here != null && here.run().equals(run)
                  ? here
                  : read(new Document(run, DocumentKind.REPLAY_RUNNING, replay));
          if (running != null && computing.cancel(running)) {
            return Outcome.done(true);
          }
          Document end = new Document(run, DocumentKind.REPLAY, replay);
          ReplayFormat.Ended ended = ended(end);
          if (ended == null) {
            return Outcome.refused(Refusal.UNKNOWN_REPLAY);
          }
          List<Document> documents = new ArrayList<>(Pieces.documents(run, replay, ended.pieces()));
          documents.add(end);
          journal.discard(documents);
          return Outcome.done(true);
        });
  }

  /** Stops computing and takes nothing more; what is unfinished is taken up at the next start. */
  @Override
  public void close() {
    stopping = true;
    looking.shutdown();
    computing.close();
    workers.shutdown();
    try {
      if (!workers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Requests for replays did not end in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
