package resure.projection;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.RunEvent;
import resure.run.RunEvents;
import resure.run.RunFollower;
import resure.run.RunPast;

/**
 * Writes the rows of all runs' read models, behind what is applied: what a run in memory tells
 * waits some seconds, or until all that waits is much, and goes to each {@link Projection} at once.
 * Where something is missing (rows were lost, are of another history, or more was told than may
 * wait) the journal tells it again, one run after the other, on a thread of its own. Safe for use
 * by any thread.
 *
 * <p>Whoever writes compares and sets the run's mark, so that several processes may do it: one that
 * finds the mark moved passes over what is written already.
 */
public final class ReadModels implements RunFollower {

  /** Bytes of events that may wait, of all runs. */
  static final long MOST_WAITING_BYTES = 64L << 20;

  private static final int READERS = 2;

  /** Those who ask and wait for a reader; others are told to come again. */
  private static final int WAITING_READERS = 256;

  /** How long who asks waits for rows that are behind. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long WRITE_AFTER_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long RETRY_AFTER_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final int MOST_TRIES = 10;

  /** How many times as long as it works the reteller rests while much is told. */
  private static final int ASIDE = 4;

  private static final long STOP_SECONDS = 10;
  private static final long LOG_EVERY_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final Logger LOG = LoggerFactory.getLogger(ReadModels.class);

  private final RunRows rows;
  private final boolean shared;
  private final List<Projection> projections;
  private final RunFeed.Budget budget;
  private final ConcurrentMap<RunKey, Following> following = new ConcurrentHashMap<>();

  /** Whether {@link #writeLargest} will be called. */
  private final AtomicBoolean makingRoom = new AtomicBoolean();

  private final ScheduledThreadPoolExecutor writer =
      new ScheduledThreadPoolExecutor(1, named("resure-rows"));

  /** Who asks waits for the disk, and goes through a run's rows: for as long as there are many. */
  private final ThreadPoolExecutor readers =
      new ThreadPoolExecutor(
          READERS,
          READERS,
          0,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(WAITING_READERS),
          named("resure-rows-reader"));

  private final ExecutorService reteller =
      Executors.newSingleThreadExecutor(named("resure-retell"));

  /**
   * Starts the threads.
   *
   * @param shared whether other processes may write these rows, too
   */
  public ReadModels(RunRows rows, boolean shared, List<Projection> projections) {
    this(rows, shared, projections, MOST_WAITING_BYTES);
  }

  ReadModels(RunRows rows, boolean shared, List<Projection> projections, long mostWaitingBytes) {
    this.rows = rows;
    this.shared = shared;
    this.projections = List.copyOf(projections);
    budget = new RunFeed.Budget(new AtomicLong(), mostWaitingBytes);
  }

  private static ThreadFactory named(String name) {
    return Thread.ofPlatform().name(name).daemon().factory();
  }

  @Override
  public RunEvents follow(RunKey run, Head head, long newestStep, RunPast past) {
    Following followed = new Following(run, head, newestStep, past);
    following.put(run, followed);
    return followed.feed;
  }

  /**
   * Looks something up when the rows are written up to a sequence, or when that has taken too long.
   */
  public <T> CompletableFuture<Outcome<Looked<T>>> ask(
      RunKey run, long sequence, RowsLook<T> look) {
    CompletableFuture<Outcome<Looked<T>>> answer = new CompletableFuture<>();
    try {
      readers.execute(() -> answer.complete(look(run, sequence, look)));
    } catch (RejectedExecutionException e) {
      answer.complete(
          Outcome.refused(readers.isShutdown() ? Refusal.STOPPING : Refusal.QUEUE_FULL));
    }
    return answer;
  }

  private <T> Outcome<Looked<T>> look(RunKey run, long sequence, RowsLook<T> look) {
    Following followed = following.get(run);
    try {
      try {
        return found(run, sequence, look, followed);
      } catch (CorruptJournalException e) {
        if (followed == null) {
          return Outcome.refused(Refusal.STORE_UNAVAILABLE);
        }
        // As those of an earlier release are: few runs have so many that it takes long.
        followed.damaged();
        return found(run, sequence, look, followed);
      }
    } catch (JournalException e) {
      return Outcome.refused(Refusal.STORE_UNAVAILABLE);
    } catch (RuntimeException e) {
      LOG.error("Rows of run {} could not be looked at", run.id().name(), e);
      return Outcome.refused(Refusal.RUN_DAMAGED);
    }
  }

  private <T> Outcome<Looked<T>> found(
      RunKey run, long sequence, RowsLook<T> look, @Nullable Following followed)
      throws JournalException {
    if (followed != null) {
      followed.await(sequence);
    }
    RowsMark mark = rows.mark(run);
    T found = look.at(rows, mark);
    return Outcome.done(new Looked<>(found, mark == null ? 0 : mark.sequence(), sequence));
  }

  private void makeRoom() {
    if (makingRoom.compareAndSet(false, true)) {
      after(0, this::writeLargest);
    }
  }

  /** On the writer's thread. */
  private void after(long nanos, Runnable work) {
    try {
      var _ = writer.schedule(work, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // Stopping: the journal has it all.
    }
  }

  private record Waiting(Following run, long bytes) {}

  /**
   * Writes those that have most waiting, as a write of much costs less of a batch; then whoever
   * else waits for the writer has a turn. On the writer's thread.
   */
  private void writeLargest() {
    makingRoom.set(false);
    List<Waiting> waiting = new ArrayList<>();
    for (Following run : following.values()) {
      waiting.add(new Waiting(run, run.waiting()));
    }
    waiting.sort(Comparator.comparingLong(Waiting::bytes).reversed());
    long least = waiting.isEmpty() ? 0 : waiting.getFirst().bytes() / 2;
    for (Waiting each : waiting) {
      if (each.bytes <= least || !budget.isMuch()) {
        break;
      }
      each.run.write();
    }
    if (least > 0 && budget.isMuch()) {
      makeRoom();
    }
  }

  /** Writes what was told. Blocking, not for long. */
  @Override
  public void close() {
    readers.shutdown();
    reteller.shutdownNow();
    try {
      writer
          .submit(() -> following.values().forEach(Following::write))
          .get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("Read models were not written in time; the journal will be read again for them", e);
    }
    writer.shutdownNow();
    try {
      // Whoever closes the store next must find nobody at it.
      if (!writer.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)
          || !reteller.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)
          || !readers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Threads of read models did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One run in memory. The writer's thread and the reteller's hand it to each other. */
  private final class Following implements RunFeed.Wishes {

    private final RunKey run;
    private final RunPast past;
    private final RunFeed feed;

    /** Whether {@link #writeDue} will be called. */
    private final AtomicBoolean timed = new AtomicBoolean();

    /** As last known; whoever writes finds out when it is not that any more. */
    private @Nullable RowsMark mark;

    private boolean known;

    /** While set, the reteller has it, and nothing is written by others. Guarded by the monitor. */
    private boolean retold;

    private long retoldSince;

    /** Up to where rows are written, as far as this process knows. Guarded by the monitor. */
    private long written;

    /** Whether the rows cannot be read. Guarded by the monitor. */
    private boolean damaged;

    private boolean over;

    Following(RunKey run, Head head, long newestStep, RunPast past) {
      this.run = run;
      this.past = past;
      feed = new RunFeed(head, newestStep, budget, this);
    }

    @Override
    public void writeSoon() {
      if (timed.compareAndSet(false, true)) {
        after(WRITE_AFTER_NANOS, this::writeDue);
      }
    }

    /** What was written meanwhile makes what came after it due later. */
    private void writeDue() {
      timed.set(false);
      long waited = feed.waitedNanos();
      if (waited >= WRITE_AFTER_NANOS) {
        write();
      } else if (waited >= 0 && timed.compareAndSet(false, true)) {
        after(WRITE_AFTER_NANOS - waited, this::writeDue);
      }
    }

    @Override
    public void makeRoom() {
      ReadModels.this.makeRoom();
    }

    /** Bytes that {@link #write} would write. */
    long waiting() {
      synchronized (this) {
        if (retold) {
          return 0;
        }
      }
      return feed.bytes();
    }

    @Override
    public void ended() {
      synchronized (this) {
        over = true;
      }
      writeNow();
    }

    private void writeNow() {
      after(0, this::write);
    }

    /** The rows cannot be read: they are built again. */
    void damaged() {
      LOG.warn("The rows of run {} are damaged, and are built again", run.id().name());
      synchronized (this) {
        damaged = true;
        written = 0;
      }
      writeNow();
    }

    private synchronized boolean isDamaged() {
      return damaged;
    }

    private synchronized void forgetDamage() {
      damaged = false;
    }

    /**
     * Waits until the rows are written up to a sequence, or for too long: what is told again for
     * long already is not waited for by each.
     */
    void await(long sequence) {
      synchronized (this) {
        if (written >= sequence) {
          return;
        }
      }
      writeNow();
      long now = System.nanoTime();
      synchronized (this) {
        long deadline = (retold ? Math.min(now, retoldSince) : now) + PATIENCE_NANOS;
        long left = deadline - System.nanoTime();
        while (written < sequence && !over && left > 0) {
          try {
            TimeUnit.NANOSECONDS.timedWait(this, left);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
          }
          left = deadline - System.nanoTime();
        }
      }
    }

    private void reached(RowsMark now) {
      mark = now;
      known = true;
      reached(now.sequence());
    }

    private synchronized void reached(long sequence) {
      written = sequence;
      notifyAll();
    }

    /** On the writer's thread. */
    private void write() {
      synchronized (this) {
        if (retold) {
          return;
        }
      }
      RunFeed.Told told = feed.take();
      boolean whole;
      try {
        whole = !isDamaged() && writeWhole(told);
      } catch (CorruptJournalException e) {
        damaged();
        whole = false;
      } catch (JournalException e) {
        LOG.debug("Read models of a run were not written", e);
        whole = false;
      } catch (RuntimeException e) {
        LOG.error("Read models of run {} were not written", run.id().name(), e);
        whole = false;
      }
      boolean ended;
      synchronized (this) {
        ended = over;
        retold = !whole && !ended;
        retoldSince = System.nanoTime();
      }
      if (ended) {
        forget();
      } else if (!whole) {
        feed.rest();
        retellNext();
      }
    }

    /** Whether the rows say everything that was told. */
    private boolean writeWhole(RunFeed.Told told) throws JournalException {
      for (int tries = 0; tries < MOST_TRIES; tries++) {
        RowsMark now = known ? mark : rows.mark(run);
        boolean fresh = now == null && told.start().sequence() == 1;
        if (now == null ? !fresh : past.stale(now) || !continues(now, told)) {
          return false;
        }
        if (now != null && now.sequence() >= told.end().sequence()) {
          reached(now);
          return true;
        }
        if (now == null && told.events().isEmpty()) {
          reached(told.start().sequence());
          return true;
        }
        RowsMark next = project(now, told);
        if (next != null) {
          reached(next);
          return true;
        }
        known = false;
      }
      return false;
    }

    /** Whether what was told goes on from where the rows end. */
    private boolean continues(RowsMark now, RunFeed.Told told) {
      if (!known && !shared && now.sequence() > told.start().sequence()) {
        // Nobody else wrote it: the journal has lost what it is of.
        return false;
      }
      return now.sequence() == told.start().sequence()
          ? now.head().equals(told.start())
          : now.sequence() == told.end().sequence()
              ? now.head().equals(told.end())
              : now.sequence() > told.start().sequence();
    }

    /** Writes what is not written yet; null when another has moved the mark, or the run is gone. */
    @Nullable RowsMark project(@Nullable RowsMark now, RunFeed.Told told) throws JournalException {
      List<RunEvent> events = told.after(now == null ? 0 : now.sequence());
      RowsEdit edit = new RowsEdit(rows, run, now);
      if (!events.isEmpty()) {
        for (Projection projection : projections) {
          projection.project(events, edit);
        }
      }
      long from =
          now != null && (now.from() > 0 || events.isEmpty())
              ? now.from()
              : events.getFirst().sequence();
      RowsMark next = new RowsMark(told.end(), told.newestStep(), from);
      return rows.write(run, now, next, edit.changes()) ? next : null;
    }

    /** As soon as the reteller is done with those before. */
    private void retellNext() {
      try {
        reteller.execute(this::retell);
      } catch (RejectedExecutionException e) {
        // Stopping: the journal has it all.
      }
    }

    /** On the reteller's thread. */
    private void retell() {
      boolean done;
      try {
        done = retellAll();
        if (done) {
          // Then what has come meanwhile, since when nothing is passed over.
          feed.resume();
          done = retellAll();
        }
      } catch (JournalException e) {
        LOG.warn(
            "The read models of run {} could not be built from its journal", run.id().name(), e);
        done = false;
      } catch (RuntimeException e) {
        LOG.error("The read models of run {} could not be built", run.id().name(), e);
        done = false;
      }
      if (!done) {
        synchronized (this) {
          if (over) {
            forget();
            return;
          }
        }
        feed.rest();
        after(RETRY_AFTER_NANOS, this::retellNext);
        return;
      }
      synchronized (this) {
        retold = false;
      }
      writeNow();
    }

    /** Whether the rows say what the journal does, up to its end, or the run is gone. */
    private boolean retellAll() throws JournalException {
      for (int tries = 0; tries < MOST_TRIES; tries++) {
        RowsMark now = rows.mark(run);
        if (now == null || now.sequence() == 0 || past.stale(now) || isDamaged()) {
          if (!rows.clear(run, now, RunPast.NOTHING)) {
            continue;
          }
          forgetDamage();
          now = RunPast.NOTHING;
        }
        Retold retold = new Retold(now);
        switch (past.retell(now, retold)) {
          case REACHED -> {
            return true;
          }
          case GONE -> {
            return true;
          }
          case STOPPED -> {
            if (isOver()) {
              return true;
            }
          }
          case STALE -> {}
        }
      }
      return false;
    }

    private void forget() {
      feed.close();
      following.remove(run, this);
    }

    private synchronized boolean isOver() {
      return over;
    }

    /** Writes what is told again, in pieces. */
    private final class Retold implements RunPast.Listener {

      private final RunFeed pieces;
      private RowsMark now;
      private long logged = System.nanoTime();
      private long begun = logged;

      Retold(RowsMark now) {
        this.now = now;
        Following.this.reached(now);
        pieces =
            new RunFeed(
                now.head(),
                now.newestStep(),
                new RunFeed.Budget(new AtomicLong(), Long.MAX_VALUE),
                RunFeed.Wishes.NONE);
      }

      @Override
      public void happened(RunEvent event) {
        if (event.sequence() > now.sequence()) {
          pieces.happened(event);
        }
      }

      @Override
      public void reached(Head head, long newestStep) {
        if (head.sequence() > now.sequence()) {
          pieces.reached(head, newestStep);
        }
      }

      @Override
      public void ended() {}

      @Override
      public boolean pause() throws JournalException {
        RunFeed.Told told = pieces.take();
        if (told.end().sequence() > now.sequence()) {
          RowsMark next;
          try {
            next = project(now, told);
          } catch (CorruptJournalException e) {
            damaged();
            return false;
          }
          if (next == null) {
            return false;
          }
          now = next;
          Following.this.reached(next);
          log();
        }
        standAside();
        return !isOver() && !Thread.currentThread().isInterrupted();
      }

      /** Leaves the processors to those who score, while they tell more than is written at once. */
      private void standAside() {
        if (budget.isTight()) {
          try {
            TimeUnit.NANOSECONDS.sleep(ASIDE * (System.nanoTime() - begun));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }
        begun = System.nanoTime();
      }

      private void log() {
        long time = System.nanoTime();
        if (time - logged > LOG_EVERY_NANOS) {
          logged = time;
          LOG.info(
              "The read models of run {} are built from its journal: entry {} of {}",
              run.id().name(),
              now.sequence(),
              feed.end().sequence());
        }
      }
    }
  }
}
