package resure.run;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import resure.journal.Head;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.observation.ObservationBatch;
import resure.observation.RunId;

/** What waits in a shard's queue for its run. The future is completed on the shard's thread. */
abstract sealed class Request<T> {

  /** What any request weighs in the queue, in observations. */
  private static final int COST = 64;

  final RunId id;
  final CompletableFuture<Outcome<T>> outcome = new CompletableFuture<>();
  int lostRaces;

  /**
   * Whether the run was seen to be as its journal is after this was received: what appends nothing
   * is answered from nothing older.
   */
  boolean checked;

  /** Who asks, where that is recorded; null for nobody in particular. */
  @Nullable String actor;

  private Request(RunId id) {
    this.id = id;
  }

  /** This, asked by somebody. */
  final Request<T> by(@Nullable String who) {
    actor = who;
    return this;
  }

  /** How much of the queue's bound this takes: about a batch's observations. */
  int cost() {
    return COST;
  }

  static final class Score extends Request<Scored> {
    final @Nullable String key;
    final ObservationBatch batch;

    /** Whether the answer says what the turns are like once the batch is applied. */
    final boolean withStatistics;

    /**
     * Sequence of the batch that has the key, 0 for none, as last looked up; null before that. Only
     * what conflicted, or is going to be refused, is looked up.
     */
    @Nullable Long known;

    Score(RunId id, @Nullable String key, ObservationBatch batch) {
      this(id, key, batch, false);
    }

    Score(RunId id, @Nullable String key, ObservationBatch batch, boolean withStatistics) {
      super(id);
      this.key = key;
      this.batch = batch;
      this.withStatistics = withStatistics;
    }

    @Override
    int cost() {
      return COST + batch.size();
    }

    /** Whether this may go into the same group as {@code first}: a batch of the same step. */
    boolean joins(Score first) {
      return batch.hasStep()
          && batch.step() == first.batch.step()
          && Objects.equals(batch.attempt(), first.batch.attempt());
    }
  }

  static final class Create extends Request<Created> {
    final WantedSettings wanted;

    /** What the run begins with if it is new. */
    final @Nullable Start start;

    Create(RunId id, WantedSettings wanted) {
      this(id, wanted, null);
    }

    Create(RunId id, WantedSettings wanted, @Nullable Start start) {
      super(id);
      this.wanted = wanted;
      this.start = start;
    }
  }

  static final class Rewind extends Request<RunDescription> {
    final long nextStep;
    final @Nullable String attempt;

    /** Whether there is a snapshot to begin from, once that was looked up. */
    @Nullable Boolean feasible;

    Rewind(RunId id, long nextStep, @Nullable String attempt) {
      super(id);
      this.nextStep = nextStep;
      this.attempt = attempt;
    }
  }

  static final class Finish extends Request<RunDescription> {
    Finish(RunId id) {
      super(id);
    }
  }

  static final class Evaluate extends Request<Evaluated> {
    final long step;
    final String benchmark;
    final double score;

    Evaluate(RunId id, long step, String benchmark, double score) {
      super(id);
      this.step = step;
      this.benchmark = benchmark;
      this.score = score;
    }
  }

  static final class Delete extends Request<RunDescription> {
    Delete(RunId id) {
      super(id);
    }
  }

  /** Deletes a run if nothing was recorded to it since; done says whether it was. */
  static final class Retire extends Request<Boolean> {
    final RunKey key;
    final Head head;

    Retire(RunKey key, Head head) {
      super(key.id());
      this.key = key;
      this.head = head;
    }
  }

  /** Drops what is older; done says whether it was. */
  static final class Trim extends Request<Boolean> {
    final RunKey key;
    final Trimming.Cut cut;

    Trim(RunKey key, Trimming.Cut cut) {
      super(key.id());
      this.key = key;
      this.cut = cut;
    }
  }

  /**
   * Looks at the run, once it has come to {@code atLeast}. {@code onlyLoaded} refuses, as an
   * unknown run, one that is not in memory or may be behind.
   */
  static final class Read<T> extends Request<T> {
    final Function<Run, T> look;
    final long atLeast;
    final boolean onlyLoaded;

    Read(RunId id, Function<Run, T> look, long atLeast, boolean onlyLoaded) {
      super(id);
      this.look = look;
      this.atLeast = atLeast;
      this.onlyLoaded = onlyLoaded;
    }

    Read(RunId id, Function<Run, T> look, boolean onlyLoaded) {
      this(id, look, 0, onlyLoaded);
    }
  }
}
