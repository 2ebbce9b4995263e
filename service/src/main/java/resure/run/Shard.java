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
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import resure.compute.Compute;
import resure.compute.ComputeSource;
import resure.compute.DeviceException;
import resure.compute.Weighing;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Exclusive;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.NewerFormatException;
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

  private static final int MAX_LOST_RACES = 5;

  /** Runs from which this shard keeps other processes away at once: each holds a connection. */
  private static final int MAX_EXCLUSIVE = 2;

  private static final long HOUSEKEEPING_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Logger LOG = LoggerFactory.getLogger(Shard.class);

  private final Journal journal;
  private final ComputeSource computes;
  private final Executor writer;
  private final Executor workers;
  private final RunReader reader;
  private final Function<Run, RunPast> pasts;
  private final Consumer<Trimming.Wanted> trimmer;
  private final RunLimits limits;
  private final int maxLoaded;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RunListener listener;
  private final RunFollower follower;

  /** Is told of each write that failed, before anybody is answered; by any thread. */
  private final Consumer<JournalException> storeFailed;

  /** Requests and results; bounded by {@code room} and by one result for each busy slot. */
  private final LinkedBlockingQueue<Object> inbox = new LinkedBlockingQueue<>();

  private final Semaphore room;

  private final Map<RunId, Slot> slots = new LinkedHashMap<>(16, 0.75f, true);
  private final ArrayDeque<Slot> runnable = new ArrayDeque<>();
  private final Picks picks = new Picks();
  private List<InFlight> gathering = new ArrayList<>();
  private Compute compute;

  /** Of the group that is being applied, to be given when the listener has been told of it. */
  private final List<Runnable> answers = new ArrayList<>();

  /** Those from whose run other processes are kept away. */
  private final List<Slot> exclusives = new ArrayList<>();

  private int wantedExclusives;
  private int gatheringLosses;
  private long weighNanos;
  private boolean writing;
  private boolean stopping;
  private long housekeepingDue;

  /**
   * What became of a group.
   *
   * @param heads of the runs that did not conflict
   * @param begun when it was handed to the journal
   * @param exclusive whether it was written beside the writer
   */
  private record Written(
      List<InFlight> group,
      Map<RunKey, Head> heads,
      @Nullable JournalException failure,
      long begun,
      long ended,
      long weighNanos,
      boolean exclusive) {}

  /** Appends a group to the journal. */
  private interface Appending {
    Map<RunKey, Head> append(List<Append> appends) throws JournalException;
  }

  private record Stop() {}

  Shard(
      Journal journal,
      ComputeSource computes,
      Executor writer,
      Executor workers,
      RunReader.Recoveries recoveries,
      Function<Run, RunPast> pasts,
      Consumer<Trimming.Wanted> trimmer,
      RunLimits limits,
      int maxLoaded,
      InstantSource clock,
      LongSupplier nanoTime,
      RunListener listener,
      RunFollower follower,
      Consumer<JournalException> storeFailed) {
    this.journal = journal;
    this.computes = computes;
    this.writer = writer;
    this.workers = workers;
    reader = new RunReader(journal, recoveries, nanoTime, listener);
    this.pasts = pasts;
    this.trimmer = trimmer;
    this.limits = limits;
    this.maxLoaded = maxLoaded;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.listener = listener;
    this.follower = follower;
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
      // Never waits for a worker: the one that asks may be the one to read the run.
      case Request.Read<?> read when read.onlyLoaded && !mayBeSeen(slots.get(read.id)) ->
          answer(read, Outcome.refused(Refusal.UNKNOWN_RUN));
      case Request<?> request -> {
        Slot slot = slots.computeIfAbsent(request.id, Slot::new);
        slot.lastUsed = nanoTime.getAsLong();
        slot.waiting.add(request);
        wake(slot);
      }
      case Written written -> {
        writing &= written.exclusive;
        write();
        try {
          finish(written);
        } catch (RuntimeException e) {
          answers.clear();
          for (InFlight inFlight : written.group) {
            answer(inFlight.request(), Outcome.refused(Refusal.OUTCOME_UNKNOWN));
          }
          throw e;
        }
      }
      case RunReader.Loaded loaded -> finish(loaded);
      case RunReader.CaughtUp caughtUp -> finish(caughtUp);
      case Stop _ -> stopping = true;
      default -> throw new IllegalStateException("unknown message");
    }
  }

  /** Whether the run is in memory, and no further behind its journal than may be read. */
  private boolean mayBeSeen(@Nullable Slot slot) {
    return slot != null
        && slot.run != null
        && !slot.withWorker
        && (!journal.shared()
            || nanoTime.getAsLong() - slot.seenAt <= limits.freshness().toNanos());
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
      long start = nanoTime.getAsLong();
      try {
        gathering.addAll(picks.weigh(compute, now()));
        weighNanos += nanoTime.getAsLong() - start;
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
      } else if (mustLookFirst(slot, run, request)) {
        catchUp(slot, run, List.of());
      } else if (request instanceof Request.Score) {
        pick(slot, run);
      } else {
        slot.waiting.remove();
        switch (request) {
          case Request.Create create -> answer(create, run.existing(create.wanted));
          case Request.Rewind rewind -> rewind(slot, run, rewind);
          case Request.Finish finish -> finish(slot, run, finish);
          case Request.Evaluate evaluate -> evaluate(slot, run, evaluate);
          case Request.Delete delete -> append(slot, run, delete, new JournalEntry.Deleted(now()));
          case Request.Trim trim -> trim(slot, run, trim);
          case Request.Retire retire -> retire(slot, run, retire);
          case Request.Read<?> read -> look(read, run);
          case Request.Score _ -> throw new IllegalStateException("picked above");
        }
      }
    }
    if (!slot.busy) {
      letOthersIn(slot);
    }
    wake(slot);
    if (slot.run == null && !slot.busy && !slot.queued) {
      slots.remove(slot.id);
    }
  }

  /**
   * Whether the journal must be looked at before the request is served: because it appends nothing
   * and other processes may have appended, or because they have been too fast for this one.
   */
  private boolean mustLookFirst(Slot slot, Run run, Request<?> request) {
    return switch (request) {
      case Request.Create _ -> !sure(request);
      case Request.Rewind rewind ->
          rewindsNothing(run, rewind)
              ? !sure(request)
              : wantsExclusive(slot) || (rewind.feasible == null && needsBeginning(run, rewind));
      case Request.Finish _ -> run.finished() ? !sure(request) : wantsExclusive(slot);
      case Request.Evaluate evaluate ->
          evaluatesNothing(run, evaluate) ? !sure(request) : wantsExclusive(slot);
      case Request.Read<?> read ->
          !sure(read) && !read.onlyLoaded && (!mayBeSeen(slot) || run.sequence() < read.atLeast);
      case Request.Delete _, Request.Score _, Request.Trim _, Request.Retire _ ->
          wantsExclusive(slot);
    };
  }

  private boolean sure(Request<?> request) {
    return !journal.shared() || request.checked;
  }

  private boolean wantsExclusive(Slot slot) {
    return slot.contended() && slot.exclusive == null && wantedExclusives < MAX_EXCLUSIVE;
  }

  private <T> void look(Request.Read<T> read, Run run) {
    if (run.sequence() < read.atLeast) {
      answer(
          read, new Outcome.Refused<>(Refusal.SEQUENCE_NOT_REACHED, Long.toString(run.sequence())));
      return;
    }
    T seen;
    try {
      seen = read.look.apply(run);
    } catch (RuntimeException e) {
      answer(read, Outcome.refused(Refusal.RUN_DAMAGED));
      throw e;
    }
    answer(read, Outcome.done(seen));
  }

  private static boolean rewindsNothing(Run run, Request.Rewind rewind) {
    return run.attempts().isPast(rewind.attempt)
        || run.stepping() == Run.Stepping.WITHOUT_STEPS
        || run.attempts().repeats(rewind.nextStep, rewind.attempt)
        || rewind.nextStep < run.wholeFrom().step();
  }

  private void rewind(Slot slot, Run run, Request.Rewind rewind) {
    if (run.attempts().isPast(rewind.attempt)) {
      answer(rewind, Outcome.refused(Refusal.STALE_ATTEMPT));
    } else if (run.stepping() == Run.Stepping.WITHOUT_STEPS) {
      answer(rewind, Outcome.refused(Refusal.RUN_WITHOUT_STEPS));
    } else if (run.attempts().repeats(rewind.nextStep, rewind.attempt)) {
      answer(rewind, Outcome.done(run.describe()));
    } else if (rewind.nextStep < run.wholeFrom().step()) {
      answer(rewind, tooOld(run));
    } else if (Boolean.FALSE.equals(rewind.feasible) && needsBeginning(run, rewind)) {
      LOG.error("Run {} has no good snapshot left to be rewound from", slot.id.name());
      answer(rewind, Outcome.refused(Refusal.RUN_DAMAGED));
    } else {
      append(
          slot,
          run,
          rewind,
          new JournalEntry.Rewound(now(), rewind.nextStep, rewind.attempt, rewind.actor));
    }
  }

  /**
   * Whether only an older snapshot can say what the run becomes: it is found before the rewind is
   * recorded, since nothing could be done about it afterwards.
   */
  private static boolean needsBeginning(Run run, Request.Rewind rewind) {
    return run.wholeFrom().trimmed() && run.holds(rewind.nextStep);
  }

  private static <T> Outcome<T> tooOld(Run run) {
    return new Outcome.Refused<>(Refusal.STEP_TOO_OLD, Long.toString(run.wholeFrom().step()));
  }

  private void trim(Slot slot, Run run, Request.Trim trim) {
    if (run.key().equals(trim.key) && trim.cut.suits(run)) {
      append(
          slot,
          run,
          trim,
          new JournalEntry.Trimmed(now(), trim.cut.step() + 1, trim.cut.sequence()));
    } else {
      // Rewound or trimmed meanwhile, by this process or another.
      answer(trim, Outcome.done(false));
    }
  }

  private void retire(Slot slot, Run run, Request.Retire retire) {
    if (run.key().equals(retire.key) && run.head().equals(retire.head)) {
      append(slot, run, retire, new JournalEntry.Deleted(now()));
    } else {
      answer(retire, Outcome.done(false));
    }
  }

  private void finish(Slot slot, Run run, Request.Finish finish) {
    if (run.finished()) {
      answer(finish, Outcome.done(run.describe()));
    } else {
      append(slot, run, finish, new JournalEntry.Finished(now(), finish.actor));
    }
  }

  private static boolean evaluatesNothing(Run run, Request.Evaluate evaluate) {
    return run.evaluationsFull()
        || run.evaluation(evaluate.step, evaluate.benchmark, evaluate.score) != null;
  }

  private void evaluate(Slot slot, Run run, Request.Evaluate evaluate) {
    Evaluation same = run.evaluation(evaluate.step, evaluate.benchmark, evaluate.score);
    if (same != null) {
      answer(evaluate, Outcome.done(new Evaluated(same, false)));
    } else if (run.evaluationsFull()) {
      answer(evaluate, Outcome.refused(Refusal.EVALUATIONS_FULL));
    } else {
      append(
          slot,
          run,
          evaluate,
          new JournalEntry.Evaluated(now(), evaluate.step, evaluate.benchmark, evaluate.score));
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
      if (score.key != null && keys.contains(score.key)) {
        break;
      }
      Long known = score.known;
      if (known != null && known != 0) {
        slot.waiting.remove();
        RunKey runKey = run.key();
        boolean bySteps = run.stepping() != Run.Stepping.WITHOUT_STEPS;
        workers.execute(() -> replay(runKey, known, bySteps, score));
        continue;
      }
      Refusal refusal = run.refuses(score.batch, limits.pendingBatches(), taken);
      if (refusal != null) {
        if (!sure(score) || (score.key != null && known == null)) {
          // What is picked goes first.
          if (taken == 0) {
            catchUp(slot, run, score.key == null ? List.of() : List.of(score));
            return;
          }
          break;
        }
        slot.waiting.remove();
        answer(score, refusal == Refusal.STEP_TOO_OLD ? tooOld(run) : Outcome.refused(refusal));
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
      picks.add(slot, run, score, run.sequence() + taken);
    }
    slot.busy = taken > 0;
  }

  /** Answers from the entry that has the key. On a worker. */
  private void replay(RunKey run, long sequence, boolean bySteps, Request.Score score) {
    try {
      List<StoredEntry> read = journal.read(run, sequence, 1);
      if (read.isEmpty()) {
        // Deleted meanwhile.
        answer(score, Outcome.refused(Refusal.UNKNOWN_RUN));
      } else if (read.getFirst().sequence() != sequence) {
        dropped(score, bySteps);
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

  /**
   * The batch that had the key was dropped. In a run by steps the key was forgotten with it, and
   * the run as it is now refuses the step.
   */
  private void dropped(Request.Score score, boolean bySteps) {
    if (bySteps) {
      score.known = null;
      score.checked = false;
      inbox.add(score);
    } else {
      answer(score, Outcome.refused(Refusal.STEP_TOO_OLD));
    }
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
    List<Picks.Pick> given = picks.takeAll();
    for (Picks.Pick pick : given.reversed()) {
      pick.slot().waiting.addFirst(pick.request());
      gatheringLosses -= pick.request().cost();
      pick.slot().busy = false;
    }
    given.forEach(pick -> wake(pick.slot()));
  }

  private void append(Slot slot, Run run, Request<?> request, JournalEntry entry) {
    slot.busy = true;
    gatheringLosses += request.cost();
    gathering.add(new InFlight(slot, request, run, run.sequence() + 1, entry));
  }

  /** Hands what has gathered to the writer, unless it is at work. */
  private void write() {
    writeExclusively();
    if (writing || gathering.isEmpty()) {
      return;
    }
    List<InFlight> group = gathering;
    long weighed = weighNanos;
    gathering = new ArrayList<>();
    gatheringLosses = 0;
    weighNanos = 0;
    writing = true;
    writer.execute(() -> inbox.add(write(group, weighed, false, journal::append)));
  }

  /** Writes what goes to runs from which other processes are kept away, each by itself. */
  private void writeExclusively() {
    for (Slot slot : List.copyOf(exclusives)) {
      List<InFlight> group =
          gathering.stream().filter(inFlight -> inFlight.slot() == slot).toList();
      if (group.isEmpty()) {
        continue;
      }
      gathering.removeAll(group);
      group.forEach(inFlight -> gatheringLosses -= inFlight.request().cost());
      Exclusive exclusive = Objects.requireNonNull(slot.exclusive);
      forget(slot);
      refuseOnlyLoaded(slot);
      slot.withWorker = true;
      workers.execute(
          () ->
              inbox.add(
                  write(
                      group,
                      0,
                      true,
                      appends -> {
                        try (exclusive) {
                          return exclusive.append(appends.getFirst());
                        }
                      })));
    }
  }

  private void letOthersIn(Slot slot) {
    Exclusive exclusive = slot.exclusive;
    if (exclusive != null) {
      forget(slot);
      workers.execute(exclusive::close);
    }
  }

  private void forget(Slot slot) {
    slot.exclusive = null;
    exclusives.remove(slot);
    wantedExclusives--;
  }

  /** Appends a group. On the writer's thread, or a worker's. */
  private Written write(
      List<InFlight> group, long weighed, boolean exclusive, Appending appending) {
    long begun = nanoTime.getAsLong();
    Map<RunKey, Head> heads = Map.of();
    JournalException failure = null;
    try {
      heads = appending.append(InFlight.appends(group));
    } catch (JournalException e) {
      noteFailure(e);
      failure = e;
    } catch (RuntimeException e) {
      // A defect of ours; without a result the shard would wait for this group for ever.
      LOG.error("An append failed for a reason that is none of the store's", e);
      failure = new OutcomeUnknownException("a defect", e);
    }
    return new Written(group, heads, failure, begun, nanoTime.getAsLong(), weighed, exclusive);
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
    Map<Slot, List<InFlight>> lost = new LinkedHashMap<>();
    for (InFlight inFlight : written.group) {
      Slot slot = inFlight.slot();
      slot.busy = false;
      slot.withWorker = false;
      Head head = written.heads.get(inFlight.key());
      if (written.failure != null) {
        fail(inFlight, written.failure);
      } else if (head == null) {
        lost.computeIfAbsent(slot, s -> new ArrayList<>()).add(inFlight);
      } else {
        slot.seenAt = written.begun;
        if (!slot.appendedHere) {
          slot.appendedHere = true;
          // What it was before is no news of ours.
          publish(slot);
        }
        apply(inFlight, head, moments);
        if (inFlight.request() instanceof Request.Score score) {
          batches++;
          observations += score.batch.observations();
        }
      }
    }
    for (InFlight inFlight : written.group) {
      Run run = inFlight.slot().run;
      Head head = written.heads.get(inFlight.key());
      if (run != null && head != null && run.key().equals(inFlight.key())) {
        run.reached(head);
      }
    }
    if (batches > 0) {
      listener.groupApplied(
          batches,
          observations,
          compute.backend(),
          written.weighNanos,
          written.ended - written.begun);
    }
    for (InFlight inFlight : written.group) {
      publish(inFlight.slot());
    }
    // Whoever has an answer finds it in the metrics too.
    answers.forEach(Runnable::run);
    answers.clear();
    lost.forEach(this::loseRace);
    for (InFlight inFlight : written.group) {
      snapshot(inFlight.slot(), SNAPSHOT_EVERY, workers);
      wake(inFlight.slot());
    }
  }

  /** Reduces, at once, the batches of a group that {@link #apply} will take. */
  private List<BatchMoments> reduce(Written written) {
    List<Weighing> weighings = new ArrayList<>();
    if (written.failure == null) {
      for (InFlight inFlight : written.group) {
        if (inFlight.slot().run != null
            && inFlight.entry() instanceof JournalEntry.Batch batch
            && written.heads.containsKey(inFlight.key())) {
          weighings.add(inFlight.slot().run.weighing(batch.batch()));
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
      drop(inFlight.slot());
    }
    answer(inFlight.request(), refusedBy(failure));
  }

  /**
   * Another process was faster, or a key is known: what there is now is looked at, and the requests
   * are served again, in the same order.
   */
  private void loseRace(Slot slot, List<InFlight> lost) {
    List<Request.Score> unsure = new ArrayList<>();
    slot.races++;
    for (InFlight inFlight : lost.reversed()) {
      Request<?> request = inFlight.request();
      if (++request.lostRaces > MAX_LOST_RACES) {
        answer(
            request,
            new Outcome.Refused<>(
                Refusal.STORE_UNAVAILABLE, "other writers were faster each time"));
        continue;
      }
      slot.waiting.addFirst(request);
      if (request instanceof Request.Score score && score.key != null) {
        unsure.add(score);
      }
    }
    if (slot.run != null) {
      catchUp(slot, slot.run, unsure);
    }
  }

  /**
   * Looks at what other processes have appended.
   *
   * @param unsure whose keys are looked up, too
   */
  private void catchUp(Slot slot, Run run, List<Request.Score> unsure) {
    refuseOnlyLoaded(slot);
    slot.busy = true;
    slot.withWorker = true;
    slot.markChecked();
    Head head = run.head();
    boolean exclusive = wantsExclusive(slot);
    if (exclusive) {
      wantedExclusives++;
    }
    Request.Rewind rewind =
        slot.waiting.peek() instanceof Request.Rewind next && needsBeginning(run, next)
            ? next
            : null;
    Rewinds rewinds = run.rewinds().copy();
    workers.execute(
        () -> {
          RunReader.CaughtUp caughtUp = reader.catchUp(slot, run, head, unsure, exclusive);
          if (rewind != null && caughtUp.failure() == null) {
            rewind.feasible = reader.canRewind(run.key(), rewinds, rewind.nextStep);
          }
          inbox.add(caughtUp);
        });
  }

  private void finish(RunReader.CaughtUp caughtUp) {
    Slot slot = caughtUp.slot();
    if (caughtUp.exclusive() != null) {
      slot.exclusive = caughtUp.exclusive();
      exclusives.add(slot);
    } else if (caughtUp.wantedExclusive()) {
      wantedExclusives--;
    }
    slot.withWorker = false;
    if (slots.get(slot.id) != slot) {
      // Forgotten while it was looked at; whoever asked has been answered.
      letOthersIn(slot);
      return;
    }
    slot.busy = false;
    caughtUp.known().forEach((score, sequence) -> score.known = sequence);
    if (slot.run == caughtUp.run()) {
      if (caughtUp.failure() != null) {
        notSeen(slot, caughtUp.failure());
      } else if (caughtUp.tail() == null) {
        drop(slot);
      } else {
        follow(slot, caughtUp.run(), caughtUp.tail(), caughtUp.asOf());
      }
    }
    if (slot.waiting.isEmpty() || slot.run == null) {
      letOthersIn(slot);
    }
    wake(slot);
  }

  private static void say(Slot slot, JournalException failure) {
    if (failure instanceof NewerFormatException) {
      LOG.warn(
          "Run {} is left to replicas of a newer release: {}",
          slot.id.name(),
          failure.getMessage());
    } else {
      LOG.error("The records of run {} are damaged", slot.id.name(), failure);
    }
  }

  /** Refuses what needed to know how the run is now. */
  private void notSeen(Slot slot, JournalException failure) {
    if (failure instanceof CorruptJournalException) {
      say(slot, failure);
      drop(slot);
    }
    Iterator<Request<?>> waiting = slot.waiting.iterator();
    while (waiting.hasNext()) {
      Request<?> request = waiting.next();
      if (request.checked) {
        waiting.remove();
        answer(request, refusedBy(failure));
      }
    }
  }

  /** Applies what other processes have appended. */
  private void follow(Slot slot, Run run, List<StoredEntry> tail, long asOf) {
    slot.seenAt = asOf;
    if (tail.isEmpty()) {
      slot.races = 0;
      return;
    }
    if (slot.appendedHere) {
      slot.appendedHere = false;
      slot.publishedStep = OpenSteps.NONE;
      listener.ended(run.key());
    }
    try {
      for (StoredEntry stored : tail) {
        if (stored.entry() instanceof JournalEntry.Rewound rewound
            && run.holds(rewound.nextStep())) {
          drop(slot);
          return;
        }
        run.apply(stored.sequence(), stored.entry());
        run.reached(stored.head());
      }
    } catch (DeviceException e) {
      replaceCompute(e);
    }
  }

  private void apply(InFlight inFlight, Head head, Iterator<BatchMoments> moments) {
    Slot slot = inFlight.slot();
    Run run = slot.run;
    long sequence = inFlight.sequence();
    JournalEntry entry = inFlight.entry();
    switch (inFlight.request()) {
      case Request.Score score -> {
        JournalEntry.Batch batch = (JournalEntry.Batch) entry;
        if (run != null) {
          run.apply(sequence, entry, moments.next());
        }
        listener.taken(inFlight.key(), batch.batch(), batch.weights(), batch.at());
        // Now, since the next batch of the group would be in it too.
        TurnStatistics statistics =
            score.withStatistics && run != null ? run.turnStatistics() : null;
        answerLater(
            score,
            Outcome.done(new Scored(sequence, batch.batch(), batch.weights(), false, statistics)));
      }
      case Request.Create create -> {
        Run created = Run.created(inFlight.key(), (JournalEntry.Created) entry, head, compute);
        slot.run = created;
        follow(created);
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
        Run finished = Objects.requireNonNull(inFlight.run());
        finished.apply(sequence, entry);
        listener.ended(finished.key());
        answerLater(finish, Outcome.done(finished.describe()));
      }
      case Request.Evaluate evaluate -> {
        // As with finishing.
        Run evaluated = Objects.requireNonNull(inFlight.run());
        evaluated.apply(sequence, entry);
        Evaluation evaluation =
            evaluated.evaluation(evaluate.step, evaluate.benchmark, evaluate.score);
        answerLater(
            evaluate, Outcome.done(new Evaluated(Objects.requireNonNull(evaluation), true)));
      }
      case Request.Trim trim -> {
        Run before = Objects.requireNonNull(inFlight.run());
        // Sequences start at 1, and the first entry stays.
        listener.trimmed(trim.cut.sequence() - Math.max(2, before.wholeFrom().sequence() - 1));
        if (run != null) {
          run.apply(sequence, entry);
        }
        answerLater(trim, Outcome.done(true));
      }
      case Request.Retire retire -> {
        listener.retired();
        drop(slot);
        answerLater(retire, Outcome.done(true));
      }
      case Request.Delete delete -> {
        drop(slot);
        answerLater(delete, Outcome.done(Objects.requireNonNull(inFlight.run()).describe()));
      }
      case Request.Read<?> _ -> throw new IllegalStateException("reads are not appended");
    }
  }

  private <T> void answerLater(Request<T> request, Outcome<T> outcome) {
    answers.add(() -> answer(request, outcome));
  }

  private void load(Slot slot) {
    refuseOnlyLoaded(slot);
    if (slot.waiting.isEmpty() && slot.rewinding == null) {
      return;
    }
    slot.busy = true;
    slot.markChecked();
    workers.execute(() -> inbox.add(reader.load(slot, slot.id)));
  }

  /** The worker that would look at the run may be the one that waits for such an answer. */
  private void refuseOnlyLoaded(Slot slot) {
    slot.waiting.removeIf(
        request -> {
          boolean onlyLoaded = request instanceof Request.Read<?> read && read.onlyLoaded;
          if (onlyLoaded) {
            answer(request, Outcome.refused(Refusal.UNKNOWN_RUN));
          }
          return onlyLoaded;
        });
  }

  private void finish(RunReader.Loaded loaded) {
    Slot slot = loaded.slot();
    if (slots.get(slot.id) != slot) {
      // Forgotten while it was read; whoever asked has been answered.
      return;
    }
    slot.busy = false;
    Request.Rewind rewinding = slot.rewinding;
    slot.rewinding = null;
    if (loaded.failure() != null) {
      if (loaded.failure() instanceof CorruptJournalException) {
        say(slot, loaded.failure());
      }
      if (rewinding != null) {
        answer(rewinding, Outcome.refused(Refusal.OUTCOME_UNKNOWN));
      }
      for (Request<?> request : slot.waiting) {
        answer(request, refusedBy(loaded.failure()));
      }
      slot.waiting.clear();
      slots.remove(slot.id);
      return;
    }
    if (loaded.run() == null) {
      absent(slot, rewinding);
      return;
    }
    Run run = loaded.run().moveTo(compute);
    slot.run = run;
    follow(run);
    slot.seenAt = loaded.asOf();
    slot.appendedHere = false;
    slot.snapshotSequence = run.sequence();
    if (rewinding != null) {
      slot.snapshotSequence = 0;
      snapshot(slot, 1, workers);
      answer(rewinding, Outcome.done(run.describe()));
    }
    publish(slot);
    wake(slot);
  }

  private void follow(Run run) {
    run.tell(follower.follow(run.key(), run.head(), run.newestStep(), pasts.apply(run)));
  }

  /** There is no run of this name: the first request to create one does. */
  private void absent(Slot slot, Request.@Nullable Rewind rewinding) {
    if (rewinding != null) {
      answer(rewinding, Outcome.refused(Refusal.UNKNOWN_RUN));
    }
    while (!slot.waiting.isEmpty() && sure(slot.waiting.element())) {
      Request<?> request = slot.waiting.remove();
      if (request instanceof Request.Create create) {
        slot.busy = true;
        RunSettings settings = create.wanted.complete();
        RunKey key = new RunKey(slot.id, Incarnation.next(clock.millis()));
        JournalEntry entry =
            new JournalEntry.Created(
                now(),
                settings.configuration(),
                settings.labels(),
                create.start,
                settings.retention(),
                create.actor);
        gathering.add(new InFlight(slot, create, key, Head.NONE, 1, entry, null));
        return;
      }
      answer(request, Outcome.refused(Refusal.UNKNOWN_RUN));
    }
    if (slot.waiting.isEmpty()) {
      slots.remove(slot.id);
    } else {
      wake(slot);
    }
  }

  private void publish(Slot slot) {
    Run run = slot.run;
    if (run != null
        && !run.finished()
        && (slot.appendedHere || !journal.shared())
        && run.newestStep() != slot.publishedStep) {
      slot.publishedStep = run.newestStep();
      listener.folded(
          run.key(),
          run.newestStep(),
          run.lastBatchAt(),
          run.referenceTriples(),
          run.foldedTotals(),
          run.drift());
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
    Trimming.Wanted wanted = stopping || run.droppable() < 0 ? null : Trimming.Wanted.of(run);
    executor.execute(
        () -> {
          try {
            journal.save(key, snapshot);
            if (wanted != null) {
              trimmer.accept(wanted);
            }
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
    letOthersIn(slot);
    // Of that creation of the run; the one that is read next may be another.
    slot.forgetKnown();
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
    picks
        .takeAll()
        .forEach(pick -> answer(pick.request(), Outcome.refused(Refusal.OUTCOME_UNKNOWN)));
    gathering.forEach(i -> answer(i.request(), Outcome.refused(Refusal.OUTCOME_UNKNOWN)));
    slots.clear();
    runnable.clear();
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
          // Another replica can serve it, or this one once it is of that release.
          case NewerFormatException _ -> Refusal.STORE_UNAVAILABLE;
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
