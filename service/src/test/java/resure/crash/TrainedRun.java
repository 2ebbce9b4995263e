package resure.crash;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How far the training of one run has come: which rank posts what next. Its ranks are whatever
 * threads ask. Safe for concurrent use.
 */
final class TrainedRun {

  private static final int REMEMBERED = 200;
  private static final int MOST_RANKS = 4;

  /** How a run's batches follow each other. */
  enum Pace {
    /** No rank posts a step before all have their answers of the one before it. */
    IN_LOCKSTEP,
    /** A rank may be ahead of the others, and those behind may be late. */
    FREELY,
    /** The batches have no step. */
    WITHOUT_STEPS
  }

  /** One start of the trainer: its ranks, and where each of them is. */
  private static final class Attempt {
    final String name;
    final int microBatches;

    /** Micro-batches that each rank has done since step 0. */
    final long[] done;

    final boolean[] busy;

    Attempt(String name, int ranks, int microBatches, long nextStep) {
      this.name = name;
      this.microBatches = microBatches;
      done = new long[ranks];
      busy = new boolean[ranks];
      Arrays.fill(done, nextStep * microBatches);
    }

    long step(int rank) {
      return done[rank] / microBatches;
    }

    long slowest() {
      return Arrays.stream(done).min().orElseThrow() / microBatches;
    }
  }

  /** A batch that a rank shall post, and say so when it has got an answer or goes on without. */
  record Task(SentBatch batch, Runnable over) {}

  private final String name;
  private final Pace pace;

  /** Held by who creates, rewinds, finishes or deletes the run: one at a time. */
  private final ReentrantLock changing = new ReentrantLock();

  private final List<SentBatch> answered = new ArrayList<>();
  private @Nullable Attempt attempt;
  private int attempts;
  private int intents;
  private int batches;
  private long ahead;

  TrainedRun(String name, Pace pace) {
    this.name = name;
    this.pace = pace;
  }

  String name() {
    return name;
  }

  Pace pace() {
    return pace;
  }

  ReentrantLock changing() {
    return changing;
  }

  /** Whether somebody has begun to train it. */
  synchronized boolean begun() {
    return attempt != null;
  }

  /** Number of the next intent to change the run. */
  synchronized int nextIntent() {
    return ++intents;
  }

  /** The rewind by which a new start of the trainer goes on from about where this one is. */
  synchronized Intent.Rewind nextStart(boolean anew, Random random) {
    long from = attempt == null || anew ? 0 : Math.max(0, attempt.slowest() - random.nextInt(5));
    long until = attempt == null || anew ? 0 : Arrays.stream(attempt.done).max().orElseThrow();
    long nextStep = from + (until > from && random.nextInt(4) == 0 ? 1 : 0);
    return new Intent.Rewind(name, nextStep, name + "/job-" + ++attempts);
  }

  /** The trainer has been started, with any number of ranks. */
  synchronized void started(Intent.Rewind by, Random random) {
    attempt =
        new Attempt(
            by.attempt(), 1 + random.nextInt(MOST_RANKS), 1 + random.nextInt(2), by.nextStep());
    ahead = pace == Pace.IN_LOCKSTEP ? 0 : 2;
    answered.clear();
  }

  /** What a rank that is free posts next; null when all must wait for others. */
  synchronized @Nullable Task next(Random random) {
    Attempt now = attempt;
    if (now == null) {
      return null;
    }
    int first = random.nextInt(now.done.length);
    for (int i = 0; i < now.done.length; i++) {
      int rank = (first + i) % now.done.length;
      if (!now.busy[rank] && now.step(rank) <= now.slowest() + ahead) {
        now.busy[rank] = true;
        return new Task(batch(now, rank, random), () -> over(now, rank));
      }
    }
    return null;
  }

  private SentBatch batch(Attempt of, int rank, Random random) {
    batches++;
    long step = of.step(rank);
    int microBatch = (int) (of.done[rank] % of.microBatches);
    boolean steps = pace != Pace.WITHOUT_STEPS;
    boolean known = random.nextInt(8) > 0;
    String key = steps ? name + "/" + step + "/" + rank + "/" + microBatch : name + "/" + batches;
    return new SentBatch(
        name + "-" + batches,
        known ? key : null,
        steps ? step : SentBatch.NO_STEP,
        rank,
        microBatch,
        // One that could be sent again names its start, so that it is refused to those after it.
        steps && (known || random.nextBoolean()) ? of.name : null,
        random);
  }

  private synchronized void over(Attempt of, int rank) {
    of.done[rank]++;
    of.busy[rank] = false;
  }

  /** Remembers a batch that was answered, to ask for it again. */
  synchronized void answered(SentBatch batch) {
    if (batch.key() != null) {
      if (answered.size() == REMEMBERED) {
        answered.removeFirst();
      }
      answered.add(batch);
    }
  }

  /** One that was answered; null when there is none. */
  synchronized @Nullable SentBatch anyAnswered(Random random) {
    return answered.isEmpty() ? null : answered.get(random.nextInt(answered.size()));
  }
}
