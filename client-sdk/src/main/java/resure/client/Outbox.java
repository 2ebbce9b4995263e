package resure.client;

import static resure.client.Timeline.FOREVER;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a training run has to tell the service, in order, one call at a time: that its run is to be
 * there, what it rewinds to, and its batches, oldest first. What fails for the service's sake is
 * tried again under the same key until it succeeds, with growing random waits and never before
 * {@code Retry-After}; what is refused is counted and left.
 *
 * <p>Two threads meet here. The trainer's offers batches and never waits inside; the sender's calls
 * {@link #doWork}, which never blocks. The monitor of this object guards the queue, the counts and
 * what is known of the service; fields under "the sender's own" need none. The outcome of a call is
 * dealt with under it, so that a rewind comes wholly before or after; a call is not begun under it,
 * since that writes a whole body.
 *
 * <p>A rewind begins another epoch: the outcome of a call of an earlier one is not looked at. But
 * it is waited for, so that no batch from before is on its way when the rewind is sent.
 */
final class Outbox {

  private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

  /** Of one attempt. Nobody waits that long for it; a slow answer is better than a repetition. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  /** How often remote mode asks for statistics, which it needs only when it falls back. */
  private static final long STATISTICS_NANOS = Duration.ofSeconds(1).toNanos();

  /**
   * Answers of no sense in a row after which a batch is dropped. The wait between them has grown to
   * a second by then; something about the batch itself may be what cannot be answered, and those
   * behind it must not wait for ever.
   */
  static final int MOST_SENSELESS = 20;

  /** At most this often the log says that the service is away. */
  private static final long LOG_NANOS = Duration.ofMinutes(1).toNanos();

  private final RunCalls calls;
  private final Settings settings;
  private final @Nullable String attempt;
  private final Mode mode;
  private final int capacity;
  private final Timeline time;
  private final Retries retries;

  // The sender's own.

  private @Nullable Call<?> inFlight;
  private long statisticsAsked;
  private final Set<ProblemType> logged = EnumSet.noneOf(ProblemType.class);
  private boolean saidAway;
  private @Nullable Long saidAwayAt;

  // Guarded by this.

  /** Calls that have failed in a row, for the service's sake. */
  private int failures;

  /** After a failure: when the next call may be begun. */
  private long notBefore;

  private boolean created;
  private @Nullable Long rewindTo;

  /** Whether the statistics are to be asked for before the next batch goes out; tried once. */
  private boolean refresh = true;

  /** Done when all that goes before batches is done, or has failed once. */
  private CompletableFuture<Void> setUp = new CompletableFuture<>();

  private long epoch;
  private final ArrayDeque<Delivery> waiting = new ArrayDeque<>();
  private @Nullable Delivery posting;
  private @Nullable Delivery waitedFor;
  private long waitedForUntil;

  /** Why the service is not expected to answer by a deadline; null while it is. */
  private @Nullable FallbackReason down;

  /** Why nothing is posted any more. */
  private @Nullable FallbackReason stopped;

  private @Nullable RuntimeException stoppedBy;

  /** Nanoseconds that the newest good answer to a batch took. */
  private long answerNanos;

  private @Nullable CompletableFuture<Void> drained;
  private long weighed;
  private long delivered;
  private long dropped;
  private long refused;
  private long recordedOtherwise;
  private final Map<FallbackReason, Long> toLocal = new EnumMap<>(FallbackReason.class);
  private final Map<FallbackReason, Long> toOne = new EnumMap<>(FallbackReason.class);

  /** Written under the monitor; read without by whoever weighs. */
  private volatile LocalReference reference;

  Outbox(
      RunCalls calls,
      Settings settings,
      @Nullable String attempt,
      Mode mode,
      int capacity,
      Timeline time,
      Retries retries) {
    this.calls = calls;
    this.settings = settings;
    this.attempt = attempt;
    this.mode = mode;
    this.capacity = capacity;
    this.time = time;
    this.retries = retries;
    this.reference = LocalReference.without(settings.complete());
    this.statisticsAsked = time.nanoTime() - STATISTICS_NANOS;
  }

  // The trainer's side.

  /** What to weigh against without the service. */
  LocalReference reference() {
    return reference;
  }

  /** Done when the run is there and its statistics have come, or at the first failure. */
  synchronized CompletableFuture<Void> setUp() {
    return setUp;
  }

  /**
   * Why an answer to a batch that is offered now cannot be expected within so many nanoseconds;
   * null where it can.
   */
  synchronized @Nullable FallbackReason hindrance(long within) {
    if (stopped != null) {
      return stopped;
    }
    if (down != null) {
      return down;
    }
    int ahead = queued();
    return ahead > 0 && (ahead + 1) * answerNanos > within ? FallbackReason.BEHIND : null;
  }

  /** Takes a batch whose step has gone on with {@code applied}. */
  synchronized void offer(Delivery delivery, Weighed applied) {
    attach(delivery, applied);
    count(applied);
    add(delivery);
  }

  /** Takes a batch whose step waits: until {@link Delivery#over}, or that time at the latest. */
  synchronized void offer(Delivery delivery, long until) {
    waitedFor = delivery;
    waitedForUntil = until;
    add(delivery);
  }

  /** The weights of a step that has waited, and no longer does. */
  synchronized Weighed settle(Delivery delivery) {
    if (waitedFor == delivery) {
      waitedFor = null;
    }
    if (delivery.scores != null) {
      return Weighed.answered(delivery.scores);
    }
    FallbackReason reason = delivery.hindered;
    if (reason == null) {
      reason = down == null ? FallbackReason.TIMEOUT : down;
      // Until an answer comes, no other step spends its deadline on finding that out.
      down = reason;
    }
    Weighed applied = reference.weigh(delivery.body, reason);
    attach(delivery, applied);
    count(applied);
    return applied;
  }

  private void attach(Delivery delivery, Weighed applied) {
    // Under shadow the service answers the same; left out, its would-be weights are recorded.
    if (!(created && reference.shadow())) {
      delivery.body = delivery.body.applied(applied.weights());
    }
  }

  private void count(Weighed applied) {
    if (applied.reason() != null) {
      (applied.by() == Weighed.By.LOCAL ? toLocal : toOne).merge(applied.reason(), 1L, Long::sum);
    }
  }

  private void add(Delivery delivery) {
    weighed++;
    if (stopped != null) {
      dropped++;
      end(delivery, stopped);
      return;
    }
    // One too many where a batch whose call failed has come back to a queue filled meanwhile.
    while (waiting.size() >= capacity) {
      dropped++;
      end(waiting.remove(), FallbackReason.BEHIND);
    }
    waiting.add(delivery);
    time.wake();
  }

  private static void end(Delivery delivery, FallbackReason why) {
    delivery.hindered = why;
    delivery.over.complete(null);
  }

  /**
   * Drops the queue and has the run rewound before anything else is sent.
   *
   * @return done when the run is rewound and its statistics have come, or at the first failure; at
   *     once while the service is away
   * @throws RuntimeException what ended all posting, where something did
   */
  CompletableFuture<Void> rewind(long nextStep) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    CompletableFuture<Void> before;
    synchronized (this) {
      if (stoppedBy != null) {
        throw stoppedBy;
      }
      epoch++;
      dropAll(FallbackReason.UNAVAILABLE);
      reference = reference.before(nextStep);
      rewindTo = nextStep;
      refresh = true;
      before = setUp;
      setUp = done;
      if (failures > 0) {
        done.complete(null);
      }
    }
    before.complete(null);
    time.wake();
    return done;
  }

  /** What has become of the batches. */
  synchronized Counts counts() {
    return new Counts(
        weighed, delivered, queued(), dropped, refused, recordedOtherwise, toLocal, toOne);
  }

  private int queued() {
    return waiting.size() + (posting == null ? 0 : 1);
  }

  /** Drops what is not delivered: how many that were. */
  private int dropAll(FallbackReason why) {
    int left = queued();
    dropped += left;
    if (posting != null) {
      end(posting, why);
      posting = null;
    }
    waiting.forEach(delivery -> end(delivery, why));
    waiting.clear();
    return left;
  }

  /** Done when nothing is left to send. */
  CompletableFuture<Void> drained() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    synchronized (this) {
      drained = done;
    }
    time.wake();
    return done;
  }

  /** Gives up what is left, after the sender has ended: how many batches that were. */
  int abandon() {
    Call<?> call = inFlight;
    if (call != null) {
      call.future().cancel(true);
    }
    synchronized (this) {
      epoch++;
      return dropAll(FallbackReason.UNAVAILABLE);
    }
  }

  // The sender's side.

  /** One call of the service with what becomes of it. */
  private record Call<T>(
      CompletableFuture<T> future, long epoch, Consumer<T> answered, Consumer<Throwable> failed) {

    void settle() {
      T value;
      try {
        value = future.join();
      } catch (CompletionException | CancellationException e) {
        failed.accept(e.getCause() == null ? e : e.getCause());
        return;
      }
      answered.accept(value);
    }
  }

  /** What a call is begun for, read off under the monitor. */
  private sealed interface Task {
    record Create() implements Task {}

    record Rewind(long nextStep) implements Task {}

    record Refresh() implements Task {}

    record Post(Delivery delivery, Batch body) implements Task {}
  }

  /**
   * Looks at the call that was under way, and begins the next where there is one and its time has
   * come. Never blocks.
   *
   * @return nanoseconds after which there is something to do again, if nothing wakes before
   */
  long doWork() {
    Call<?> call = inFlight;
    if (call != null) {
      if (!call.future().isDone()) {
        return FOREVER;
      }
      inFlight = null;
      synchronized (this) {
        if (call.epoch() == epoch) {
          call.settle();
        }
      }
    }
    long now = time.nanoTime();
    Task task;
    long current;
    long pause;
    synchronized (this) {
      current = epoch;
      pause = failures > 0 ? Math.max(0, notBefore - now) : 0;
      task = pause > 0 ? null : next();
      if (drained != null && (stopped != null || (queued() == 0 && rewindTo == null))) {
        drained.complete(null);
      }
    }
    if (task == null) {
      return pause > 0 ? pause : FOREVER;
    }
    Call<?> next = begun(task, current, now);
    inFlight = next;
    CompletableFuture<?> unused = next.future().whenComplete((answer, failure) -> time.wake());
    return FOREVER;
  }

  private @Nullable Task next() {
    if (stopped != null) {
      return null;
    }
    if (!created) {
      return new Task.Create();
    }
    if (rewindTo != null) {
      return new Task.Rewind(rewindTo);
    }
    if (refresh) {
      return new Task.Refresh();
    }
    posting = waiting.poll();
    return posting == null ? null : new Task.Post(posting, posting.body);
  }

  private Call<?> begun(Task task, long current, long now) {
    if (task instanceof Task.Rewind rewind) {
      return new Call<>(
          made(() -> calls.rewind(rewind.nextStep(), attempt, PATIENCE)),
          current,
          run -> rewound(),
          failure -> failedBeforeBatches(failure, false));
    }
    if (task instanceof Task.Post post) {
      boolean withStatistics =
          mode == Mode.LOCAL || !reference.known() || now - statisticsAsked >= STATISTICS_NANOS;
      statisticsAsked = withStatistics ? now : statisticsAsked;
      Delivery delivery = post.delivery();
      boolean bare = post.body().applied == null;
      return new Call<>(
          made(() -> calls.post(delivery.key, post.body(), withStatistics, PATIENCE)),
          current,
          scores -> delivered(delivery, bare, scores, now),
          failure -> failed(delivery, bare, failure));
    }
    if (task instanceof Task.Refresh) {
      statisticsAsked = now;
      return new Call<>(
          made(() -> calls.statistics(PATIENCE)),
          current,
          this::refreshed,
          failure -> refreshed(null));
    }
    return new Call<>(
        made(() -> calls.create(settings, PATIENCE)),
        current,
        this::created,
        failure -> failedBeforeBatches(failure, true));
  }

  private static <T> CompletableFuture<T> made(Supplier<CompletableFuture<T>> call) {
    try {
      return call.get();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void created(Run run) {
    up();
    created = true;
    reference = reference.under(run.configuration());
  }

  private void rewound() {
    up();
    rewindTo = null;
  }

  /** Statistics come with the answers to batches too: one attempt at asking for them is enough. */
  private void refreshed(@Nullable Statistics statistics) {
    refresh = false;
    if (statistics != null) {
      reference = reference.with(statistics);
    }
    setUp.complete(null);
  }

  private void failedBeforeBatches(Throwable failure, boolean creating) {
    if (failure instanceof IllegalArgumentException misuse) {
      stop(misuse, FallbackReason.REFUSED);
      setUp.completeExceptionally(misuse);
    } else if (failure instanceof ProblemException problem && refusal(problem)) {
      LOG.error("Refused: {}", problem.getMessage());
      if (creating || problem.type() == ProblemType.STALE_ATTEMPT) {
        stop(problem, reasonOf(problem));
      } else {
        up();
        rewindTo = null;
      }
      setUp.completeExceptionally(problem);
    } else {
      again(known(failure));
      setUp.complete(null);
    }
  }

  private void delivered(Delivery delivery, boolean bare, Scores scores, long begun) {
    up();
    posting = null;
    delivered++;
    Weights applied = delivery.body.applied;
    if (bare && applied != null && !applied.equals(scores.weights())) {
      recordedOtherwise++;
    }
    answerNanos = time.nanoTime() - begun;
    reference = reference.with(scores);
    delivery.scores = scores;
    delivery.over.complete(null);
  }

  private void failed(Delivery delivery, boolean bare, Throwable failure) {
    posting = null;
    if (failure instanceof IllegalArgumentException) {
      // Not even a request can be made of it: an id that cannot be written, say.
      refused++;
      end(delivery, FallbackReason.REFUSED);
      LOG.warn("A batch was refused before it was sent: {}", failure.getMessage());
    } else if (failure instanceof ProblemException problem
        && refusal(problem)
        // A token that has expired is followed by another; the batch is as good as before.
        && problem.type() != ProblemType.UNAUTHENTICATED) {
      up();
      refused(delivery, problem);
    } else {
      postponed(delivery, bare, known(failure));
    }
  }

  private void refused(Delivery delivery, ProblemException problem) {
    if (problem.type() == ProblemType.KEY_REUSED && delivery.mayBeRecordedBare) {
      // An answer got lost or came too late: it was recorded before its weights were known.
      delivered++;
      recordedOtherwise++;
      end(delivery, FallbackReason.TIMEOUT);
      return;
    }
    refused++;
    end(delivery, reasonOf(problem));
    if (problem.type() == ProblemType.STALE_ATTEMPT) {
      LOG.error("Nothing is posted any more: {}", problem.getMessage());
      stop(problem, FallbackReason.OVERTAKEN);
    } else if (logged.add(problem.type())) {
      LOG.warn(
          "A batch was refused, which is said once of each kind: {}{}",
          problem.getMessage(),
          problem.type() == ProblemType.KEY_REUSED
              ? " (Was this step sent by an earlier start of the trainer? One that starts again"
                  + " names a new attempt and begins with rewind(nextStep).)"
              : "");
    }
  }

  private void postponed(Delivery delivery, boolean bare, ResureException failure) {
    delivery.mayBeRecordedBare |= bare;
    if (senseless(failure) && ++delivery.senseless == MOST_SENSELESS) {
      dropped++;
      end(delivery, FallbackReason.of(failure));
      LOG.warn(
          "A batch was dropped after {} answers like this: {}",
          MOST_SENSELESS,
          failure.getMessage());
    } else {
      waiting.addFirst(delivery);
    }
    again(failure);
  }

  /** Whether the service, and not something in its place, has said that it will not do this. */
  private static boolean refusal(ProblemException problem) {
    return problem.status() < 500
        && problem.status() != 429
        && problem.type() != ProblemType.FOREIGN;
  }

  private static boolean senseless(ResureException failure) {
    return failure instanceof UnexpectedAnswerException
        || (failure instanceof ProblemException problem && problem.type() == ProblemType.INTERNAL);
  }

  private static FallbackReason reasonOf(ProblemException refusal) {
    return refusal.type() == ProblemType.STALE_ATTEMPT
        ? FallbackReason.OVERTAKEN
        : FallbackReason.REFUSED;
  }

  private static ResureException known(Throwable failure) {
    // A supplier of tokens that threw, say, or a client that was closed.
    return failure instanceof ResureException resure
        ? resure
        : new UnavailableException(
            "the call could not be made: " + failure.getClass().getName(), failure);
  }

  private void stop(RuntimeException cause, FallbackReason why) {
    stopped = why;
    stoppedBy = cause;
    rewindTo = null;
    dropAll(why);
  }

  /** Waits before the next call, which is the same again. */
  private void again(ResureException failure) {
    failures++;
    long now = time.nanoTime();
    notBefore = now + retries.backoff(failures, failure);
    down = FallbackReason.of(failure);
    if (waitedFor != null && notBefore - waitedForUntil >= 0) {
      end(waitedFor, down);
    }
    if (!saidAway && (saidAwayAt == null || now - saidAwayAt >= LOG_NANOS)) {
      saidAway = true;
      saidAwayAt = now;
      LOG.warn(
          "Batches do not get through: training goes on with weights of its own, and the newest {}"
              + " batches are kept. {}",
          capacity,
          failure.getMessage());
    }
  }

  private void up() {
    if (saidAway) {
      saidAway = false;
      LOG.info("The service answers again; {} batches wait", queued());
    }
    failures = 0;
    down = null;
  }
}
