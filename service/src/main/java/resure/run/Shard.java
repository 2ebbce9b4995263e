package resure.run;

import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.compute.Compute;
import resure.compute.ComputeSource;
import resure.compute.DeviceException;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.OutcomeUnknownException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.RunId;
import resure.statistics.BatchMoments;

/**
 * One thread that owns the live state of a subset of the runs. It drains its queue into a group
 * (runs mixed; never two steps of one run), weighs the group, hands it to the writer as one durable
 * append, and when that returned applies the entries and answers. While a group is being written
 * the next one gathers and is weighed, as far as its runs have nothing in flight.
 *
 * <p>All fields but the queue and its bound belong to the thread that calls {@link #doWork}. What
 * may block (reading the journal, saving snapshots) is done by workers, appending by the writer;
 * both only ever put a result back into the queue.
 */
final class Shard implements Runnable {

  /**
   * Batches of a run after which its state is saved, so that opening it reads no more than this.
   */
  static final int SNAPSHOT_EVERY = 1000;

  /**
   * Losses after which a group is closed: bounds the time that the first of it waits for the rest.
   */
  private static final int GROUP_LOSSES = 1 << 18;

  private static final int MAX_LOST_RACES = 3;
  private static final long HOUSEKEEPING_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Logger LOG = LoggerFactory.getLogger(Shard.class);

  private final Journal journal;
  private final ComputeSource computes;
  private final Executor writer;
  private final Executor workers;
  private final Recoveries recoveries;
  private final RunLimits limits;
  private final int maxLoaded;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RunListener listener;

  /** Is told of each write that failed, before anybody is answered; by any thread. */
  private final Consumer<JournalException> storeFailed;

  /** Requests and results; bounded by {@code room} and by one result for each busy slot. */
  private final LinkedBlockingQueue<Object> inbox = new LinkedBlockingQueue<>();

  private final Semaphore room;

  private final Map<RunId, Slot> slots = new LinkedHashMap<>(16, 0.75f, true);
  private final ArrayDeque<Slot> runnable = new ArrayDeque<>();
  private final List<Pick> picks = new ArrayList<>();
  private List<InFlight> gathering = new ArrayList<>();
  private Compute compute;

  /** Of the group that is being applied, to be given when the listener has been told of it. */
  private final List<Runnable> answers = new ArrayList<>();

  private int gatheringLosses;
  private long weighNanos;
  private boolean writing;
  private boolean stopping;
  private long housekeepingDue;

  /** Gives a worker's recovery of a run; each worker has its own. */
  interface Recoveries {
    @Nullable Run recover(RunKey key) throws JournalException;
  }

  /** What the shard knows of one run, from the first request to the end of its idle time. */
  private static final class Slot {
    final RunId id;
    final ArrayDeque<Request<?>> waiting = new ArrayDeque<>();
    @Nullable Run run;

    /** Being read, or with entries in flight: its requests wait. */
    boolean busy;

    boolean queued;
    long snapshotSequence;
    long publishedStep = OpenSteps.NONE;
    long lastUsed;

    /** A rewind that is durable and is answered when the run has been read again. */
    Request.@Nullable Rewind rewinding;

    Slot(RunId id) {
      this.id = id;
    }
  }

  private record Pick(Slot slot, Run run, Request.Score request, long sequence) {}

  /**
   * {@code run} is as it was when the entry was made, and its journal ended at {@code after}; null
   * for its creation.
   */
  private record InFlight(
      Slot slot,
      Request<?> request,
      RunKey key,
      Head after,
      long sequence,
      JournalEntry entry,
      @Nullable Run run) {

    InFlight(Slot slot, Request<?> request, Run run, long sequence, JournalEntry entry) {
      this(slot, request, run.key(), run.head(), sequence, entry, run);
    }
  }

  /** {@code heads} of the runs that did not conflict. */
  private record Written(
      List<InFlight> group,
      Map<RunKey, Head> heads,
      @Nullable JournalException failure,
      long nanos,
      long weighNanos) {}

  private record Loaded(Slot slot, @Nullable Run run, @Nullable JournalException failure) {}

  private record Stop() {}

  Shard(
      Journal journal,
      ComputeSource computes,
      Executor writer,
      Executor workers,
      Recoveries recoveries,
      RunLimits limits,
      int maxLoaded,
      InstantSource clock,
      LongSupplier nanoTime,
      RunListener listener,
      Consumer<JournalException> storeFailed) {
    this.journal = journal;
    this.computes = computes;
    this.writer = writer;
    this.workers = workers;
    this.recoveries = recoveries;
    this.limits = limits;
    this.maxLoaded = maxLoaded;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.listener = listener;
    this.storeFailed = storeFailed;
    compute = computes.open();
    room = new Semaphore(limits.queuedLosses());
    housekeepingDue = nanoTime.getAsLong() + HOUSEKEEPING_NANOS;
  }

  /** Puts a request into the queue; false when there is no room for it. Any thread. */
  boolean offer(Request<?> request) {
    return room.tryAcquire(request.cost()) && inbox.add(request);
  }

  /** Losses that wait or are in flight, about. Any thread. */
  int queuedLosses() {
    return limits.queuedLosses() - room.availablePermits();
  }

  /** Answers what is there, saves all state, and ends the thread. Any thread. */
  void stop() {
    inbox.add(new Stop());
  }

  @Override
  public void run() {
    while (!stopping || !idle()) {
      try {
        if (doWork() == 0) {
          Object next = inbox.poll(HOUSEKEEPING_NANOS, TimeUnit.NANOSECONDS);
          if (next != null) {
            take(next);
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (RuntimeException e) {
        // A defect of ours: nothing in memory can be trusted, everything in the journal can.
        LOG.error("A shard failed; its runs are read again from the journal", e);
        forgetEverything();
      }
    }
    slots.values().forEach(slot -> snapshot(slot, 1, Runnable::run));
    compute.close();
  }

  private boolean idle() {
    return inbox.isEmpty() && room.availablePermits() == limits.queuedLosses();
  }

  /** Does what can be done without waiting; returns how much that was. Owner thread. */
  int doWork() {
    int work = 0;
    for (Object next = inbox.poll(); next != null; next = inbox.poll()) {
      take(next);
      work++;
    }
    work += serveRunnable();
    keepHouse();
    return work;
  }

  private void take(Object next) {
    switch (next) {
      // Never waits for a run that is being read: the worker that asks may be the one to read it.
      case Request.Read<?> read when read.onlyLoaded && !loaded(read.id) ->
          answer(read, Outcome.refused(Refusal.UNKNOWN_RUN));
      case Request<?> request -> {
        Slot slot = slots.computeIfAbsent(request.id, Slot::new);
        slot.lastUsed = nanoTime.getAsLong();
        slot.waiting.add(request);
        wake(slot);
      }
      case Written written -> {
        writing = false;
        write();
        try {
          finish(written);
        } catch (RuntimeException e) {
          answers.clear();
          for (InFlight inFlight : written.group) {
            answer(inFlight.request, Outcome.refused(Refusal.OUTCOME_UNKNOWN));
          }
          throw e;
        }
      }
      case Loaded loaded -> finish(loaded);
      case Stop _ -> stopping = true;
      default -> throw new IllegalStateException("unknown message");
    }
  }

  private boolean loaded(RunId id) {
    Slot slot = slots.get(id);
    return slot != null && slot.run != null;
  }

  private void wake(Slot slot) {
    if (!slot.busy && !slot.queued && !slot.waiting.isEmpty()) {
      slot.queued = true;
      runnable.add(slot);
    }
  }

  private int serveRunnable() {
    int served = 0;
    while (!runnable.isEmpty() && gatheringLosses < GROUP_LOSSES) {
      Slot slot = runnable.poll();
      slot.queued = false;
      serve(slot);
      served++;
    }
    if (!picks.isEmpty()) {
      try {
        weigh();
      } catch (DeviceException e) {
        replaceCompute(e);
        giveBack();
      }
    }
    write();
    return served;
  }

  private void serve(Slot slot) {
    while (!slot.busy && !slot.waiting.isEmpty() && gatheringLosses < GROUP_LOSSES) {
      Run run = slot.run;
      Request<?> request = slot.waiting.element();
      if (run == null) {
        load(slot);
        continue;
      }
      if (request instanceof Request.Score) {
        pick(slot, run);
        continue;
      }
      slot.waiting.remove();
      switch (request) {
        case Request.Create create -> answerExisting(create, run);
        case Request.Rewind rewind -> rewind(slot, run, rewind);
        case Request.Finish finish -> finish(slot, run, finish);
        case Request.Delete delete -> append(slot, run, delete, new JournalEntry.Deleted(now()));
        case Request.Read<?> read -> look(read, run);
        case Request.Score _ -> throw new IllegalStateException("picked above");
      }
    }
    wake(slot);
    if (slot.run == null && !slot.busy && !slot.queued) {
      slots.remove(slot.id);
    }
  }

  private <T> void look(Request.Read<T> read, Run run) {
    T seen;
    try {
      seen = read.look.apply(run);
    } catch (RuntimeException e) {
      answer(read, Outcome.refused(Refusal.RUN_DAMAGED));
      throw e;
    }
    answer(read, Outcome.done(seen));
  }

  private void answerExisting(Request.Create create, Run run) {
    answer(create, run.existing(create.wanted));
  }

  private void rewind(Slot slot, Run run, Request.Rewind rewind) {
    if (run.attempts().isPast(rewind.attempt)) {
      answer(rewind, Outcome.refused(Refusal.STALE_ATTEMPT));
    } else if (run.stepping() == Run.Stepping.WITHOUT_STEPS) {
      answer(rewind, Outcome.refused(Refusal.RUN_WITHOUT_STEPS));
    } else if (run.attempts().repeats(rewind.nextStep, rewind.attempt)) {
      answer(rewind, Outcome.done(run.describe()));
    } else {
      append(slot, run, rewind, new JournalEntry.Rewound(now(), rewind.nextStep, rewind.attempt));
    }
  }

  private void finish(Slot slot, Run run, Request.Finish finish) {
    if (run.finished()) {
      answer(finish, Outcome.done(run.describe()));
    } else {
      append(slot, run, finish, new JournalEntry.Finished(now()));
    }
  }

  /** Takes the batches of one step that wait at the head, refusing or replaying what must be. */
  private void pick(Slot slot, Run run) {
    Request.Score first = null;
    int taken = 0;
    Set<String> keys = Set.of();
    while (slot.waiting.peek() instanceof Request.Score score
        && (first == null || score.joins(first))
        && gatheringLosses < GROUP_LOSSES) {
      if (score.key != null) {
        if (keys.contains(score.key)) {
          break;
        }
        if (answeredByKey(run, score, score.key)) {
          slot.waiting.remove();
          continue;
        }
      }
      Refusal refusal = run.refuses(score.batch, limits.pendingBatches(), taken);
      if (refusal != null) {
        slot.waiting.remove();
        answer(score, Outcome.refused(refusal));
        continue;
      }
      slot.waiting.remove();
      if (score.key != null) {
        keys = keys.isEmpty() ? new HashSet<>() : keys;
        keys.add(score.key);
      }
      first = score;
      taken++;
      gatheringLosses += score.cost();
      picks.add(new Pick(slot, run, score, run.sequence() + taken));
    }
    slot.busy = taken > 0;
  }

  /** Answers a batch whose key is known, or whose key cannot be looked up. */
  private boolean answeredByKey(Run run, Request.Score score, String key) {
    try {
      long sequence = journal.find(run.key(), key);
      if (sequence == 0) {
        return false;
      }
      RunKey runKey = run.key();
      workers.execute(() -> replay(runKey, sequence, score));
    } catch (JournalException e) {
      answer(score, refusedBy(e));
    }
    return true;
  }

  /** Answers from the entry that has the key. On a worker. */
  private void replay(RunKey run, long sequence, Request.Score score) {
    try {
      List<StoredEntry> read = journal.read(run, sequence, 1);
      if (read.isEmpty()) {
        // Deleted meanwhile.
        answer(score, Outcome.refused(Refusal.UNKNOWN_RUN));
      } else if (read.getFirst().entry() instanceof JournalEntry.Batch batch) {
        answer(
            score,
            batch.batch().sameObservations(score.batch)
                ? Outcome.done(new Scored(sequence, batch.batch(), batch.weights(), true))
                : Outcome.refused(Refusal.KEY_REUSED));
      } else {
        answer(score, Outcome.refused(Refusal.RUN_DAMAGED));
      }
    } catch (JournalException e) {
      answer(score, refusedBy(e));
    }
  }

  private void weigh() {
    long start = nanoTime.getAsLong();
    fold();
    List<Weighing> weighings = new ArrayList<>(picks.size());
    for (Pick pick : picks) {
      weighings.add(pick.run.weighing(pick.request.batch));
    }
    List<RawWeights> raw = compute.weigh(weighings);
    for (int i = 0; i < picks.size(); i++) {
      Pick pick = picks.get(i);
      JournalEntry.Batch entry =
          new JournalEntry.Batch(
              now(),
              pick.request.key,
              pick.request.batch,
              pick.run.weights(pick.request.batch, raw.get(i)));
      gathering.add(new InFlight(pick.slot, pick.request, pick.run, pick.sequence, entry));
    }
    picks.clear();
    weighNanos += nanoTime.getAsLong() - start;
  }

  /** Folds, for all runs at once, what the steps of the picked batches close. */
  private void fold() {
    List<Run> runs = new ArrayList<>();
    List<Folding> foldings = new ArrayList<>();
    do {
      runs.clear();
      foldings.clear();
      Run last = null;
      for (Pick pick : picks) {
        // A run's picks are adjacent, and of one step.
        Folding folding = pick.run == last ? null : pick.run.unfolded(pick.request.batch);
        if (folding != null) {
          runs.add(pick.run);
          foldings.add(folding);
        }
        last = pick.run;
      }
      List<Reference> folded = foldings.isEmpty() ? List.of() : compute.fold(foldings);
      for (int i = 0; i < folded.size(); i++) {
        runs.get(i).folded(folded.get(i));
      }
    } while (!foldings.isEmpty());
  }

  /**
   * The device failed: all runs are read again from the journal when they are next asked for, on
   * what the supplier now gives. What is being written has its weights and is answered as ever.
   */
  private void replaceCompute(DeviceException failure) {
    LOG.error("A compute device failed; its runs are read again from the journal", failure);
    listener.deviceFailed();
    slots.values().forEach(this::drop);
    compute.close();
    compute = computes.replace(failure);
  }

  /** Puts what was picked, and not yet weighed, back to the head of its run's requests. */
  private void giveBack() {
    for (Pick pick : picks.reversed()) {
      pick.slot.waiting.addFirst(pick.request);
      gatheringLosses -= pick.request.cost();
      pick.slot.busy = false;
    }
    picks.forEach(pick -> wake(pick.slot));
    picks.clear();
  }

  private void append(Slot slot, Run run, Request<?> request, JournalEntry entry) {
    slot.busy = true;
    gatheringLosses += request.cost();
    gathering.add(new InFlight(slot, request, run, run.sequence() + 1, entry));
  }

  /** Hands what has gathered to the writer, unless it is at work. */
  private void write() {
    if (writing || gathering.isEmpty()) {
      return;
    }
    List<InFlight> group = gathering;
    long weighed = weighNanos;
    gathering = new ArrayList<>();
    gatheringLosses = 0;
    weighNanos = 0;
    writing = true;
    writer.execute(() -> inbox.add(write(group, weighed)));
  }

  /** Appends a group. On the writer's thread. */
  private Written write(List<InFlight> group, long weighed) {
    long start = nanoTime.getAsLong();
    try {
      Map<RunKey, Head> heads = journal.append(appends(group));
      return new Written(group, heads, null, nanoTime.getAsLong() - start, weighed);
    } catch (JournalException e) {
      noteFailure(e);
      return new Written(group, Map.of(), e, nanoTime.getAsLong() - start, weighed);
    } catch (RuntimeException e) {
      // A defect of ours; without a result the shard would wait for this group for ever.
      LOG.error("An append failed for a reason that is none of the store's", e);
      return new Written(
          group,
          Map.of(),
          new OutcomeUnknownException("a defect", e),
          nanoTime.getAsLong() - start,
          weighed);
    }
  }

  /** One for each run; a run's entries are adjacent in its group. */
  private static List<Append> appends(List<InFlight> group) {
    List<Append> appends = new ArrayList<>();
    for (int from = 0, to; from < group.size(); from = to) {
      InFlight first = group.get(from);
      List<JournalEntry> entries = new ArrayList<>();
      for (to = from; to < group.size() && group.get(to).key.equals(first.key); to++) {
        entries.add(group.get(to).entry);
      }
      appends.add(new Append(first.key, first.after, entries));
    }
    return appends;
  }

  private void noteFailure(JournalException failure) {
    // Any other failure is of a store that is known to have failed, or of one run.
    if (failure instanceof OutcomeUnknownException) {
      storeFailed.accept(failure);
    }
  }

  private void finish(Written written) {
    int batches = 0;
    int observations = 0;
    Iterator<BatchMoments> moments = reduce(written).iterator();
    for (InFlight inFlight : written.group) {
      Slot slot = inFlight.slot;
      slot.busy = false;
      if (written.failure != null) {
        fail(inFlight, written.failure);
      } else if (!written.heads.containsKey(inFlight.key)) {
        loseRace(inFlight);
      } else {
        apply(inFlight, Objects.requireNonNull(written.heads.get(inFlight.key)), moments);
        if (inFlight.request instanceof Request.Score score) {
          batches++;
          observations += score.batch.observations();
        }
      }
    }
    for (InFlight inFlight : written.group) {
      Run run = inFlight.slot.run;
      Head head = written.heads.get(inFlight.key);
      if (run != null && head != null && run.key().equals(inFlight.key)) {
        run.reached(head);
      }
    }
    if (batches > 0) {
      listener.groupApplied(
          batches, observations, compute.backend(), written.weighNanos, written.nanos);
    }
    for (InFlight inFlight : written.group) {
      publish(inFlight.slot);
    }
    // Whoever has an answer finds it in the metrics too.
    answers.forEach(Runnable::run);
    answers.clear();
    for (InFlight inFlight : written.group) {
      snapshot(inFlight.slot, SNAPSHOT_EVERY, workers);
      wake(inFlight.slot);
    }
  }

  /** Reduces, at once, the batches of a group that {@link #apply} will take. */
  private List<BatchMoments> reduce(Written written) {
    List<Weighing> weighings = new ArrayList<>();
    if (written.failure == null) {
      for (InFlight inFlight : written.group) {
        if (inFlight.slot.run != null
            && inFlight.entry instanceof JournalEntry.Batch batch
            && written.heads.containsKey(inFlight.key)) {
          weighings.add(inFlight.slot.run.weighing(batch.batch()));
        }
      }
    }
    try {
      return weighings.isEmpty() ? List.of() : compute.reduce(weighings);
    } catch (DeviceException e) {
      replaceCompute(e);
      return List.of();
    }
  }

  private void fail(InFlight inFlight, JournalException failure) {
    if (failure instanceof OutcomeUnknownException) {
      // Memory and journal may differ now: the journal says what was recorded.
      drop(inFlight.slot);
    }
    answer(inFlight.request, refusedBy(failure));
  }

  /** Another writer was faster: the run is read again and the request served again. */
  private void loseRace(InFlight inFlight) {
    drop(inFlight.slot);
    if (++inFlight.request.lostRaces > MAX_LOST_RACES) {
      answer(
          inFlight.request,
          new Outcome.Refused<>(Refusal.STORE_UNAVAILABLE, "other writers were faster each time"));
    } else {
      inFlight.slot.waiting.addFirst(inFlight.request);
    }
  }

  private void apply(InFlight inFlight, Head head, Iterator<BatchMoments> moments) {
    Slot slot = inFlight.slot;
    Run run = slot.run;
    long sequence = inFlight.sequence;
    JournalEntry entry = inFlight.entry;
    switch (inFlight.request) {
      case Request.Score score -> {
        JournalEntry.Batch batch = (JournalEntry.Batch) entry;
        if (run != null) {
          run.apply(sequence, entry, moments.next());
        }
        if (batch.weights().late()) {
          listener.lateBatch();
        }
        // Now, since the next batch of the group would be in it too.
        TurnStatistics statistics =
            score.withStatistics && run != null ? run.turnStatistics() : null;
        answerLater(
            score,
            Outcome.done(new Scored(sequence, batch.batch(), batch.weights(), false, statistics)));
      }
      case Request.Create create -> {
        Run created = Run.created(inFlight.key, (JournalEntry.Created) entry, head, compute);
        slot.run = created;
        slot.snapshotSequence = sequence;
        answerLater(create, Outcome.done(new Created(created.describe(), true)));
      }
      case Request.Rewind rewind -> {
        if (run == null || run.holds(rewind.nextStep)) {
          drop(slot);
          slot.rewinding = rewind;
          load(slot);
        } else {
          run.apply(sequence, entry);
          answerLater(rewind, Outcome.done(run.describe()));
        }
      }
      case Request.Finish finish -> {
        // Also when it was dropped meanwhile: finishing and describing need no device.
        Run finished = Objects.requireNonNull(inFlight.run);
        finished.apply(sequence, entry);
        listener.ended(finished.key());
        answerLater(finish, Outcome.done(finished.describe()));
      }
      case Request.Delete delete -> {
        drop(slot);
        answerLater(delete, Outcome.done(Objects.requireNonNull(inFlight.run).describe()));
      }
      case Request.Read<?> _ -> throw new IllegalStateException("reads are not appended");
    }
  }

  private <T> void answerLater(Request<T> request, Outcome<T> outcome) {
    answers.add(() -> answer(request, outcome));
  }

  private void load(Slot slot) {
    // The worker that would read this run may be the one that waits for such an answer.
    slot.waiting.removeIf(
        request -> {
          boolean onlyLoaded = request instanceof Request.Read<?> read && read.onlyLoaded;
          if (onlyLoaded) {
            answer(request, Outcome.refused(Refusal.UNKNOWN_RUN));
          }
          return onlyLoaded;
        });
    if (slot.waiting.isEmpty() && slot.rewinding == null) {
      return;
    }
    slot.busy = true;
    workers.execute(() -> inbox.add(load(slot, slot.id)));
  }

  /** Reads a run from the journal. On a worker. */
  private Loaded load(Slot slot, RunId id) {
    long start = nanoTime.getAsLong();
    try {
      RunKey key = journal.lookup(id);
      Run run = key == null ? null : recoveries.recover(key);
      if (run != null) {
        listener.recovered(nanoTime.getAsLong() - start);
      }
      return new Loaded(slot, run, null);
    } catch (JournalException e) {
      return new Loaded(slot, null, e);
    } catch (RuntimeException e) {
      // What cannot be applied was written by a defect; without a result the run would wait for
      // ever.
      return new Loaded(slot, null, new CorruptJournalException("the run cannot be rebuilt", e));
    }
  }

  private void finish(Loaded loaded) {
    Slot slot = loaded.slot;
    if (slots.get(slot.id) != slot) {
      // Forgotten while it was read; whoever asked has been answered.
      return;
    }
    slot.busy = false;
    Request.Rewind rewinding = slot.rewinding;
    slot.rewinding = null;
    if (loaded.failure != null) {
      if (loaded.failure instanceof CorruptJournalException) {
        LOG.error("The records of run {} are damaged", slot.id.name(), loaded.failure);
      }
      if (rewinding != null) {
        answer(rewinding, Outcome.refused(Refusal.OUTCOME_UNKNOWN));
      }
      for (Request<?> request : slot.waiting) {
        answer(request, refusedBy(loaded.failure));
      }
      slot.waiting.clear();
      slots.remove(slot.id);
      return;
    }
    if (loaded.run == null) {
      absent(slot, rewinding);
      return;
    }
    Run run = loaded.run.moveTo(compute);
    slot.run = run;
    slot.snapshotSequence = run.sequence();
    if (rewinding != null) {
      slot.snapshotSequence = 0;
      snapshot(slot, 1, workers);
      answer(rewinding, Outcome.done(run.describe()));
    }
    publish(slot);
    wake(slot);
  }

  /** There is no run of this name: the first request to create one does. */
  private void absent(Slot slot, Request.@Nullable Rewind rewinding) {
    if (rewinding != null) {
      answer(rewinding, Outcome.refused(Refusal.UNKNOWN_RUN));
    }
    while (!slot.waiting.isEmpty()) {
      Request<?> request = slot.waiting.remove();
      if (request instanceof Request.Create create) {
        slot.busy = true;
        RunSettings settings = create.wanted.complete();
        RunKey key = new RunKey(slot.id, Incarnation.next(clock.millis()));
        JournalEntry entry =
            new JournalEntry.Created(
                now(), settings.configuration(), settings.labels(), create.start);
        gathering.add(new InFlight(slot, create, key, Head.NONE, 1, entry, null));
        return;
      }
      answer(request, Outcome.refused(Refusal.UNKNOWN_RUN));
    }
    slots.remove(slot.id);
  }

  private void publish(Slot slot) {
    Run run = slot.run;
    if (run != null && !run.finished() && run.newestStep() != slot.publishedStep) {
      slot.publishedStep = run.newestStep();
      listener.folded(run.key(), run.referenceTriples(), run.foldedTotals());
    }
  }

  /** Saves a run's state when at least {@code atLeast} entries are not in a snapshot. */
  private void snapshot(Slot slot, int atLeast, Executor executor) {
    Run run = slot.run;
    if (run == null || run.sequence() - slot.snapshotSequence < atLeast) {
      return;
    }
    slot.snapshotSequence = run.sequence();
    RunKey key = run.key();
    Snapshot snapshot = SnapshotFormat.encode(run.state());
    executor.execute(
        () -> {
          try {
            journal.save(key, snapshot);
          } catch (JournalException e) {
            noteFailure(e);
            LOG.warn("A snapshot was not saved; opening the run will take longer", e);
          }
        });
  }

  private void keepHouse() {
    long now = nanoTime.getAsLong();
    if (now - housekeepingDue < 0 && slots.size() <= maxLoaded) {
      return;
    }
    housekeepingDue = now + HOUSEKEEPING_NANOS;
    Iterator<Slot> leastRecentlyUsed = slots.values().iterator();
    while (leastRecentlyUsed.hasNext()) {
      Slot slot = leastRecentlyUsed.next();
      if (slots.size() <= maxLoaded && now - slot.lastUsed < limits.idleAfter().toNanos()) {
        return;
      }
      if (!slot.busy && slot.waiting.isEmpty()) {
        // A short tail is read faster than a snapshot is written.
        snapshot(slot, SNAPSHOT_EVERY / 10, workers);
        leastRecentlyUsed.remove();
        drop(slot);
      }
    }
  }

  private void drop(Slot slot) {
    Run run = slot.run;
    if (run != null) {
      slot.run = null;
      slot.publishedStep = OpenSteps.NONE;
      listener.ended(run.key());
      run.release();
    }
  }

  private void forgetEverything() {
    for (Slot slot : slots.values()) {
      drop(slot);
      slot.waiting.forEach(r -> answer(r, Outcome.refused(Refusal.OUTCOME_UNKNOWN)));
      slot.waiting.clear();
    }
    picks.forEach(pick -> answer(pick.request, Outcome.refused(Refusal.OUTCOME_UNKNOWN)));
    gathering.forEach(i -> answer(i.request, Outcome.refused(Refusal.OUTCOME_UNKNOWN)));
    slots.clear();
    runnable.clear();
    picks.clear();
    gathering.clear();
    gatheringLosses = 0;
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MILLIS);
  }

  private static <T> Outcome<T> refusedBy(JournalException failure) {
    return Outcome.refused(
        switch (failure) {
          case OutcomeUnknownException _ -> Refusal.OUTCOME_UNKNOWN;
          case CorruptJournalException _ -> Refusal.RUN_DAMAGED;
          default -> Refusal.STORE_UNAVAILABLE;
        });
  }

  /** Completes a request, once. Any thread. */
  private <T> void answer(Request<T> request, Outcome<T> outcome) {
    if (request.outcome.complete(outcome)) {
      room.release(request.cost());
    }
  }
}
