package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The losses of one rank in one step, in columns. Built by {@link #builder()}; immutable. An
 * observation has a place: its index in the columns, dialogue after dialogue.
 */
public final class Batch {

  final @Nullable Long step;
  final int rank;
  final int microBatch;
  final List<String> ids;

  /** Per dialogue; null for one without a source. */
  final List<@Nullable String> sources;

  /** Places of dialogue d: from {@code offsets[d]} to {@code offsets[d + 1] - 1}. */
  final int[] offsets;

  final long[] firstTurns;

  /** NaN where there is no supervision, and for a loss that is NaN: see {@link #supervised}. */
  final double[] losses;

  /** False at a place without supervision: {@code null} on the wire. */
  final boolean[] supervised;

  /** Tokens that each loss is the mean of; null when no dialogue says. */
  final long @Nullable [] tokens;

  final @Nullable String attempt;

  /** Weights that the trainer has applied already; null when it has not. */
  final @Nullable Weights applied;

  Batch(
      @Nullable Long step,
      int rank,
      int microBatch,
      List<String> ids,
      List<@Nullable String> sources,
      int[] offsets,
      long[] firstTurns,
      double[] losses,
      boolean[] supervised,
      long @Nullable [] tokens,
      @Nullable String attempt,
      @Nullable Weights applied) {
    this.step = step;
    this.rank = rank;
    this.microBatch = microBatch;
    this.ids = ids;
    this.sources = sources;
    this.offsets = offsets;
    this.firstTurns = firstTurns;
    this.losses = losses;
    this.supervised = supervised;
    this.tokens = tokens;
    this.attempt = attempt;
    this.applied = applied;
  }

  /** This batch as one of another rank and attempt. */
  Batch sentBy(int newRank, @Nullable String newAttempt) {
    return copy(newRank, newAttempt, applied);
  }

  /** This batch with the weights that were applied. */
  Batch applied(Weights newApplied) {
    return copy(rank, attempt, newApplied);
  }

  private Batch copy(int newRank, @Nullable String newAttempt, @Nullable Weights newApplied) {
    return new Batch(
        step,
        newRank,
        microBatch,
        ids,
        sources,
        offsets,
        firstTurns,
        losses,
        supervised,
        tokens,
        newAttempt,
        newApplied);
  }

  /** A builder of a batch; for one thread. */
  public static BatchBuilder builder() {
    return new BatchBuilder();
  }

  /** Optimizer steps completed before this batch; null for a run without steps. */
  public @Nullable Long step() {
    return step;
  }

  /** Data-parallel replica, from 0. */
  public int rank() {
    return rank;
  }

  /** Index within rank and step, from 0. */
  public int microBatch() {
    return microBatch;
  }

  /** Number of dialogues. */
  public int dialogues() {
    return ids.size();
  }

  /** Number of places, those without supervision included. */
  public int size() {
    return losses.length;
  }

  /** Id of a dialogue. */
  public String id(int dialogue) {
    return ids.get(dialogue);
  }

  /** First place of a dialogue; of {@code dialogues()}, one past the last place of all. */
  public int from(int dialogue) {
    return offsets[dialogue];
  }

  /** Whether a turn has a loss at all: false is {@code null} on the wire. */
  public boolean supervised(int place) {
    return supervised[place];
  }

  /** Loss in nats; NaN for a turn without supervision (or of an unusable loss). */
  public double loss(int place) {
    return losses[place];
  }
}
