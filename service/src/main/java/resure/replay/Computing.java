package resure.replay;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.run.DroppedException;
import resure.run.Export;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.RunRecord;
import resure.run.Runs;

/**
 * Computes one replay after the other, on a thread that the trial's own threads work for. Whatever
 * becomes of a replay is kept before anybody is told; while the store is away that waits. Nothing
 * that goes wrong with one of them stops the next.
 */
final class Computing implements AutoCloseable {

  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long RETRY_MILLIS = 500;
  private static final long STOP_SECONDS = 20;

  /** How often the others are told; the lease lets a slow store or a long pause pass. */
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Logger LOG = LoggerFactory.getLogger(Computing.class);

  private static final String REWOUND =
      "The run was rewound to a step of this replay, so that some of its batches are gone. Ask for"
          + " a replay of what stands now.";

  private static final String DROPPED =
      "The run's retention has dropped some of the losses that this replay was to be tried on. Ask"
          + " for a replay of what is left.";

  private static final String DEFECT = "This is a defect of the service; its log says more.";

  private static final String STORE_FAILED =
      "The store failed while the batches were read. Ask again.";

  private final Journal journal;
  private final Runs runs;
  private final Trials trials;
  private final InstantSource clock;
  private final ReplayListener listener;
  private final Consumer<Unfinished> ended;

  /** Half, as shards have: of what live scoring shares with it, a processor's time is not all. */
  private final int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);

  private final ExecutorService computer =
      Executors.newSingleThreadExecutor(LowestPriority.threads("resure-replay-"));
  private final ExecutorService executor =
      Executors.newFixedThreadPool(threads, LowestPriority.threads("resure-trial-"));

  /** Of this process's claims. */
  private final String owner = UUID.randomUUID().toString();

  private volatile @Nullable Unfinished current;
  private volatile boolean stopping;

  /**
   * Does nothing yet.
   *
   * @param ended is told of each replay whose end is decided and kept
   */
  Computing(
      Journal journal,
      Runs runs,
      Trials trials,
      InstantSource clock,
      ReplayListener listener,
      Consumer<Unfinished> ended) {
    this.journal = journal;
    this.runs = runs;
    this.trials = trials;
    this.clock = clock;
    this.listener = listener;
    this.ended = ended;
  }

  /** Whether it has nothing to do. */
  boolean idle() {
    return current == null;
  }

  void add(Unfinished replay) {
    computer.execute(
        () -> {
          current = replay;
          try {
            compute(replay);
          } catch (InterruptedException e) {
            // Nobody does; it would leave the replay unfinished, as at a stop.
            Thread.currentThread().interrupt();
          } finally {
            current = null;
          }
        });
  }

  private void compute(Unfinished replay) throws InterruptedException {
    if (stopping) {
      return;
    }
    try {
      replay.requireWanted();
      if (!claim(replay)) {
        // Another process computes it, or it has ended.
        drop(replay);
        return;
      }
      Pieces.discardLeft(journal, replay.run(), replay.id(), 0);
      byte[] request = journal.content(replay.request());
      Export batches = request == null ? null : batches(replay);
      if (request == null || batches == null) {
        drop(replay);
        return;
      }
      ReplayPlan plan = ReplayFormat.plan(request);
      List<ReplayResult> results =
          trials.run(plan, batches::again, executor, threads, progress(replay));
      // What was removed while it was read would show as losses that never were.
      if (batches(replay) == null) {
        drop(replay);
        return;
      }
      replay.advance(1);
      keep(replay, Pieces.cut(Ranking.order(results, plan.rankBy()), plan.configurations()));
    } catch (CancellationException e) {
      interrupted(replay, e);
    } catch (ChangedRecordsException e) {
      failChanged(replay, e);
    } catch (DroppedException e) {
      fail(replay, DROPPED);
    } catch (CorruptJournalException e) {
      LOG.error("Replay {} failed", replay.id(), e);
      fail(replay, "A record of the run or of this replay is damaged; the service's log names it.");
    } catch (JournalException e) {
      if (!stopping) {
        LOG.error("Replay {} failed", replay.id(), e);
        fail(replay, STORE_FAILED);
      }
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      if (!stopping) {
        LOG.error("Replay {} failed", replay.id(), e);
        fail(
            replay,
            e instanceof OutOfMemoryError
                ? "The service's memory does not suffice. Ask for fewer configurations at once."
                : DEFECT);
      }
    }
  }

  /** Its end is decided by whoever interrupted it, unless that was a rewind, or nobody. */
  private void interrupted(Unfinished replay, CancellationException why)
      throws InterruptedException {
    if (replay.rewound()) {
      fail(replay, REWOUND);
    } else if (replay.wanted() && !stopping) {
      LOG.error("Replay {} failed", replay.id(), why);
      fail(replay, DEFECT);
    }
  }

  /** Looks what has become of the run. */
  private void failChanged(Unfinished replay, ChangedRecordsException changed)
      throws InterruptedException {
    try {
      if (batches(replay) == null) {
        drop(replay);
      } else {
        LOG.error("Replay {} failed", replay.id(), changed);
        fail(replay, "The records of the run changed while they were read. Ask again.");
      }
    } catch (CancellationException e) {
      interrupted(replay, e);
    } catch (DroppedException e) {
      fail(replay, DROPPED);
    } catch (JournalException e) {
      LOG.error("Replay {} failed", replay.id(), e);
      fail(replay, STORE_FAILED);
    }
  }

  /**
   * The batches that the replay is of; null when its run is gone.
   *
   * @throws CancellationException when some of them are, or nobody wants them any more
   */
  private @Nullable Export batches(Unfinished replay)
      throws JournalException, InterruptedException {
    ReplayFormat.Asked asked = replay.asked();
    while (true) {
      replay.requireWanted();
      if (!replay.run().equals(journal.lookup(replay.run().id()))) {
        return null;
      }
      switch (runs.rewound(replay.run(), asked.newestStep(), asked.sequence(), false).join()) {
        case Outcome.Done<Boolean> rewound when rewound.value() -> replay.interruptAsRewound();
        case Outcome.Done<Boolean> _ -> {
          // Whoever rewinds from now on is found by the next look.
          if (runs.record(replay.run().id()).join() instanceof Outcome.Done<RunRecord> done
              && done.value().key().equals(replay.run())) {
            if (!done.value().batches().wholeFrom().equals(asked.wholeFrom())) {
              throw new DroppedException();
            }
            return done.value().batches().upTo(asked.sequence());
          }
        }
        case Outcome.Refused<Boolean> refused -> {
          if (refused.refusal() == Refusal.RUN_DAMAGED) {
            throw new CorruptJournalException("the run is damaged");
          }
        }
      }
      // Busy, away, or just deleted: this can wait.
      replay.requireWanted();
      TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
    }
  }

  private Progress progress(Unfinished replay) {
    ReplayFormat.Asked asked = replay.asked();
    double all = (double) asked.configurations() * asked.observations();
    return new Progress() {
      private long weighed;
      private long looked = System.nanoTime();
      private long told = System.nanoTime() - TELL_NANOS;
      private @Nullable CompletableFuture<Outcome<Boolean>> look;

      @Override
      public void at(double fraction) {
        replay.advance(fraction);
        long done = (long) (all * fraction);
        listener.weighed(done - weighed);
        weighed = done;
        try {
          tell(fraction);
        } catch (JournalException e) {
          // The claim lasts for a while, and the store may come back.
          LOG.debug("Nothing was told of replay {}", replay.id(), e);
        }
        look();
        replay.requireWanted();
      }

      // Tells the others, who take it up when nothing is told for long.
      private void tell(double fraction) throws JournalException {
        if (!journal.shared() || System.nanoTime() - told < TELL_NANOS) {
          return;
        }
        told = System.nanoTime();
        if (claim(replay)) {
          journal.keep(replay.progressDocument(), ReplayFormat.progress(fraction));
        } else {
          replay.interrupt("it was cancelled, or another process computes it");
          drop(replay);
        }
      }

      private void look() {
        CompletableFuture<Outcome<Boolean>> asking = look;
        if (asking != null && asking.isDone()) {
          look = null;
          if (asking.join() instanceof Outcome.Done<Boolean> rewound && rewound.value()) {
            replay.interruptAsRewound();
          }
        }
        if (look == null && System.nanoTime() - looked > LOOK_NANOS) {
          looked = System.nanoTime();
          look = runs.rewound(replay.run(), asked.newestStep(), asked.sequence(), true);
          if (isGone()) {
            replay.interrupt("the run is gone");
            drop(replay);
          }
        }
      }

      private boolean isGone() {
        try {
          return !replay.run().equals(journal.lookup(replay.run().id()));
        } catch (JournalException e) {
          // Reading will tell, or the store comes back.
          return false;
        }
      }
    };
  }

  private boolean claim(Unfinished replay) throws JournalException {
    return claim(replay.request());
  }

  /** Whether the replay is this process's to compute, now and for a while. */
  boolean claim(Document request) throws JournalException {
    return journal.claim(request, owner, LEASE);
  }

  private interface Storing {
    void now() throws JournalException;
  }

  /** Does what can be repeated, until the store takes it. */
  private void insist(Unfinished replay, Storing storing) throws InterruptedException {
    while (!stopping) {
      try {
        storing.now();
        return;
      } catch (JournalException e) {
        LOG.warn("Replay {} waits for the store: {}", replay.id(), e.getMessage());
        TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
      }
    }
  }

  private void keep(Unfinished replay, List<List<Tried>> pieces) throws InterruptedException {
    int results = 0;
    for (int i = 0; i < pieces.size(); i++) {
      replay.requireWanted();
      requireClaim(replay);
      byte[] piece = ReplayFormat.piece(pieces.get(i));
      int number = i;
      insist(replay, () -> journal.keep(Pieces.document(replay.run(), replay.id(), number), piece));
      results += pieces.get(i).size();
    }
    int kept = results;
    insist(replay, () -> end(replay, Replay.State.DONE, null, kept, pieces.size()));
  }

  /** Pieces are those of the process that has the claim. */
  private void requireClaim(Unfinished replay) throws InterruptedException {
    insist(
        replay,
        () -> {
          if (!claim(replay)) {
            drop(replay);
          }
        });
    replay.requireWanted();
  }

  private void fail(Unfinished replay, String detail) throws InterruptedException {
    insist(replay, () -> end(replay, Replay.State.FAILED, detail, 0, 0));
  }

  /**
   * Cancels a replay.
   *
   * @return false when it has ended before
   */
  boolean cancel(Unfinished replay) throws JournalException {
    return end(replay, Replay.State.CANCELLED, null, 0, 0);
  }

  /** Keeps how a replay ended, if that is not decided yet; can be repeated after a failure. */
  private boolean end(
      Unfinished replay, Replay.State state, @Nullable String detail, int results, int pieces)
      throws JournalException {
    synchronized (replay) {
      if (replay.ended()) {
        if (state == Replay.State.DONE) {
          journal.discard(Pieces.documents(replay.run(), replay.id(), pieces));
        }
        return false;
      }
      ReplayFormat.Asked asked = replay.asked();
      Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
      Replay end =
          new Replay(
              replay.id(),
              state,
              state == Replay.State.DONE ? 1 : 0,
              asked.configurations(),
              asked.createdAt(),
              now,
              asked.sequence(),
              asked.wholeFrom(),
              detail);
      byte[] content = ReplayFormat.end(new ReplayFormat.Ended(end, results, pieces));
      if (!journal.move(replay.request(), DocumentKind.REPLAY, content) && pieces > 0) {
        // An earlier try was written after all, that of a cancellation perhaps, or the run is gone.
        byte[] kept = journal.content(replay.end());
        if (kept == null || ReplayFormat.ended(replay.id(), kept).pieces() == 0) {
          journal.discard(Pieces.documents(replay.run(), replay.id(), pieces));
        }
      }
      if (journal.shared()) {
        journal.discard(List.of(replay.progressDocument()));
      }
      replay.markEnded();
    }
    replay.interrupt("it has ended");
    ended.accept(replay);
    return true;
  }

  /**
   * Forgets a replay: its run is gone, and its documents with it, or it is none of this process's.
   */
  void drop(Unfinished replay) {
    synchronized (replay) {
      replay.markEnded();
    }
    replay.interrupt("it is not to be computed here");
    ended.accept(replay);
  }

  @Override
  public void close() {
    stopping = true;
    Unfinished computed = current;
    if (computed != null) {
      computed.interrupt("the service stops");
    }
    // What waits there ends as soon as it begins.
    computer.shutdown();
    try {
      if (!computer.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("A replay did not stop in time");
      }
      executor.shutdown();
      if (!executor.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("The threads of a replay did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
