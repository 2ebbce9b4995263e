package resure.client;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One start of a trainer, whose batches get their weights by a deadline whatever becomes of the
 * service.
 *
 * <pre>{@code
 * try (TrainingRun training = client.training("sft-42").attempt(jobId).open()) {
 *   training.rewind(5000); // only when it resumes from the checkpoint of step 5000
 *   for (long step = 5000; step < 9000; step++) {
 *     Weighed weighed = training.weigh(batch);
 *     ... // multiply the losses by weighed.weights(), leave out those of weight 0
 *   }
 *   System.out.println(training.counts());
 * }
 * }</pre>
 *
 * <p>All batches go out in order through one bounded queue, sent by one thread. In {@link
 * Mode#REMOTE} a step waits for the answer to its batch, at most until the deadline. Where none
 * comes it is weighed here, against the newest statistics that are known, or by 1 while none are;
 * the batch stays in the queue, with the weights that were applied, and is delivered when the
 * service is back. While that is away no step spends its deadline on waiting. In {@link Mode#LOCAL}
 * all steps are weighed here and none waits; a run of several ranks then has {@code lag} of at
 * least 1, or its batches come late. When the queue is full, the oldest batch is dropped.
 *
 * <p>{@link #weigh} and {@link #rewind} are for the trainer's thread, one at a time; the rest is
 * for any.
 */
public final class TrainingRun implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

  private static final Duration CLOSE = Duration.ofSeconds(10);

  private final String run;
  private final Mode mode;
  private final @Nullable String attempt;
  private final int rank;
  private final Duration deadline;
  private final Timeline time;
  private final Outbox outbox;
  private final AtomicLong weighNanos = new AtomicLong();
  private volatile @Nullable Weighed last;
  private volatile boolean closed;

  private TrainingRun(Builder builder, Timeline time, Retries retries) {
    this.run = builder.run;
    this.mode = builder.mode;
    this.attempt = builder.attempt;
    this.rank = builder.rank;
    this.deadline = builder.deadline;
    this.time = time;
    this.outbox =
        new Outbox(builder.calls, builder.settings, attempt, mode, builder.queue, time, retries);
  }

  /**
   * The weights of a batch. Ends by the deadline, and fails for nothing that the service does.
   *
   * @param batch without applied weights; its attempt is this run's, and its rank too where it
   *     names none
   * @throws IllegalArgumentException if it has applied weights or another rank
   * @throws IllegalStateException after {@link #close}
   */
  public Weighed weigh(Batch batch) {
    if (closed) {
      throw new IllegalStateException("this training run is closed");
    }
    if (batch.applied != null) {
      throw new IllegalArgumentException("weights were applied to this batch already");
    }
    if (batch.rank != 0 && batch.rank != rank) {
      throw new IllegalArgumentException(
          "a batch of rank " + batch.rank + " in a training run of rank " + rank);
    }
    long begun = time.nanoTime();
    Batch own = batch.sentBy(rank, attempt);
    Weighed weighed = weighed(new Delivery(Delivery.key(run, own), own), begun);
    last = weighed;
    weighNanos.addAndGet(time.nanoTime() - begun);
    return weighed;
  }

  private Weighed weighed(Delivery delivery, long begun) {
    FallbackReason hindrance = mode == Mode.REMOTE ? outbox.hindrance(deadline.toNanos()) : null;
    if (mode == Mode.REMOTE && hindrance == null) {
      long until = begun + deadline.toNanos();
      outbox.offer(delivery, until);
      time.await(delivery.over, until);
      return outbox.settle(delivery);
    }
    LocalReference reference = outbox.reference();
    FallbackReason reason =
        mode == Mode.LOCAL && !reference.known() ? FallbackReason.NO_STATISTICS : hindrance;
    Weighed weighed = reference.weigh(delivery.body, reason);
    outbox.offer(delivery, weighed);
    return weighed;
  }

  /**
   * Resumes from a checkpoint: forgets every batch of that step and later, here and in the service.
   * What has not been delivered is dropped. Waits for the service as {@link Builder#open} does;
   * while that is away it returns at once, and the service learns of it before anything else.
   *
   * <p>With several ranks each calls this, and all name one attempt, a new one at every start: the
   * service carries it out for the first of them. The same attempt cannot be rewound to the same
   * step twice in a row, since that looks like another rank's.
   *
   * @param nextStep optimizer steps completed at that checkpoint: the step of the next batch
   * @throws ProblemException where the service refuses: of type {@link ProblemType#STALE_ATTEMPT}
   *     where another attempt has taken the run over
   */
  public void rewind(long nextStep) {
    if (nextStep < 0) {
      throw new IllegalArgumentException("nextStep must be at least 0");
    }
    if (closed) {
      throw new IllegalStateException("this training run is closed");
    }
    awaitSetUp(outbox.rewind(nextStep));
  }

  /** Waits for a start or a rewind; throws what the service refused it with. */
  private void awaitSetUp(CompletableFuture<Void> setUp) {
    time.await(setUp, time.nanoTime() + Outbox.PATIENCE.toNanos());
    if (setUp.isCompletedExceptionally()) {
      Throwable cause = setUp.handle((done, failure) -> failure).join();
      if (cause instanceof RuntimeException refusal) {
        throw refusal;
      }
    }
  }

  /** What has become of the batches so far. */
  public Counts counts() {
    return outbox.counts();
  }

  /** The newest weights; null before the first. */
  public @Nullable Weighed last() {
    return last;
  }

  /** Nanoseconds spent in {@link #weigh}, all calls together. */
  long weighNanos() {
    return weighNanos.get();
  }

  /** The same as {@link #close(Duration)} with 10 seconds. */
  @Override
  public void close() {
    close(CLOSE);
  }

  /**
   * Delivers what is queued, for at most so long, and ends. What is left then is counted as dropped
   * and logged. Again, it does nothing.
   */
  public void close(Duration limit) {
    if (closed) {
      return;
    }
    closed = true;
    time.await(outbox.drained(), time.nanoTime() + limit.toNanos());
    time.end();
    int left = outbox.abandon();
    if (left > 0) {
      LOG.warn("{} batches were not delivered by the end and are dropped", left);
    }
  }

  /** Gathers what a training run needs; for one thread. */
  public static final class Builder {

    private final RunCalls calls;
    private final String run;
    private Mode mode = Mode.REMOTE;
    private @Nullable String attempt;
    private int rank;
    private Duration deadline = Duration.ofMillis(500);
    private int queue = 10_000;
    private Settings settings = Settings.NONE;

    Builder(RunCalls calls, String run) {
      this.calls = calls;
      this.run = run;
    }

    /** Who weighs; the service when left out. */
    public Builder mode(Mode value) {
      mode = value;
      return this;
    }

    /**
     * This start of the trainer, the same on every rank and new at every start: a scheduler's job
     * id, say. It keeps a trainer that was replaced from posting. 1 to 256 code points, without
     * U+0000 and lone surrogates. Left out: not checked.
     */
    public Builder attempt(String value) {
      attempt = BatchBuilder.text(value, "attempt");
      return this;
    }

    /** This process among the data-parallel replicas, from 0; 0 when left out. */
    public Builder rank(int value) {
      require(value >= 0, "rank must be at least 0");
      rank = value;
      return this;
    }

    /** How long a step waits for the service at most: above 0; 500 ms when left out. */
    public Builder deadline(Duration value) {
      require(
          !value.isNegative() && !value.isZero() && value.compareTo(Duration.ofDays(1)) <= 0,
          "a deadline is above 0 and at most a day");
      deadline = value;
      return this;
    }

    /**
     * Batches kept for the service at most, of some kilobytes each: at least 1; 10,000 when left
     * out.
     */
    public Builder queue(int batches) {
      require(batches >= 1, "queue must be at least 1");
      queue = batches;
      return this;
    }

    /** What the run is created with; one that is there must agree. Left out: whatever it has. */
    public Builder settings(Settings value) {
      settings = value;
      return this;
    }

    /**
     * Has the run created, or compared with what is there, and its statistics read. Waits until
     * that is done, has failed once, or has taken 5 seconds: where the service is away, training
     * begins without it and this goes on in the background.
     *
     * @throws ProblemException where the service refuses: of type {@link ProblemType#RUN_CONFLICT}
     *     where the run that is there has other settings
     */
    public TrainingRun open() {
      SenderThread sender = new SenderThread();
      return open(sender, new Retries(() -> ThreadLocalRandom.current().nextDouble()));
    }

    TrainingRun open(Timeline time, Retries retries) {
      TrainingRun training = new TrainingRun(this, time, retries);
      LongSupplier work = training.outbox::doWork;
      time.begin(work);
      try {
        training.awaitSetUp(training.outbox.setUp());
      } catch (RuntimeException e) {
        time.end();
        throw e;
      }
      return training;
    }

    private static void require(boolean holds, String message) {
      if (!holds) {
        throw new IllegalArgumentException(message);
      }
    }
  }
}
