package resure.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a batch without boxing a loss. Turns are added in order to the dialogue begun last:
 *
 * <pre>{@code
 * Batch batch =
 *     Batch.builder().step(120).rank(0)
 *         .dialogue("d-17").source("sharegpt").loss(2.31).loss(1.94, 57).unsupervised().loss(3.02)
 *         .dialogue("d-90").loss(1.10)
 *         .build();
 * }</pre>
 *
 * May be used again after {@link #build}: it is empty then. For one thread.
 */
public final class BatchBuilder {

  private @Nullable Long step;
  private int rank;
  private int microBatch;
  private final List<String> ids = new ArrayList<>();
  private final List<@Nullable String> sources = new ArrayList<>();
  private int[] offsets = new int[33];
  private long[] firstTurns = new long[32];
  private double[] losses = new double[256];
  private boolean[] supervised = new boolean[256];
  private long[] tokens = new long[256];
  private boolean anyTokens;
  private double[] applied = new double[256];
  private int appliedCount;
  private @Nullable String attempt;
  private int size;

  BatchBuilder() {}

  /** Optimizer steps completed before this batch: 0 to 2^53 - 1. Left out: a step of its own. */
  public BatchBuilder step(long value) {
    require(value >= 0 && value < 1L << 53, "step must be from 0 to 2^53 - 1");
    step = value;
    return this;
  }

  /** Data-parallel replica, from 0; 0 when left out. */
  public BatchBuilder rank(int value) {
    require(value >= 0, "rank must be at least 0");
    rank = value;
    return this;
  }

  /** Index of this batch within its rank and step, from 0; 0 when left out. */
  public BatchBuilder microBatch(int value) {
    require(value >= 0, "microBatch must be at least 0");
    microBatch = value;
    return this;
  }

  /**
   * The start of the trainer that sends this; where it is named it must be the run's current one.
   * Left out: not checked. A {@link TrainingRun} puts its own.
   */
  public BatchBuilder attempt(String value) {
    attempt = text(value, "attempt");
    return this;
  }

  /**
   * Begins a dialogue: 1 to 256 code points, as any text here without U+0000 and lone surrogates.
   */
  public BatchBuilder dialogue(String id) {
    if (ids.size() == firstTurns.length) {
      firstTurns = Arrays.copyOf(firstTurns, 2 * ids.size());
      offsets = Arrays.copyOf(offsets, 2 * ids.size() + 1);
    }
    firstTurns[ids.size()] = 0;
    ids.add(text(id, "id"));
    sources.add(null);
    offsets[ids.size()] = size;
    return this;
  }

  /** The data set that the dialogue came from. */
  public BatchBuilder source(String source) {
    requireDialogue();
    sources.set(sources.size() - 1, text(source, "source"));
    return this;
  }

  /** Turn index of the dialogue's first loss; 0 when left out. */
  public BatchBuilder firstTurn(long turn) {
    requireDialogue();
    require(turn >= 0 && turn < 1L << 53, "firstTurn must be from 0 to 2^53 - 1");
    firstTurns[ids.size() - 1] = turn;
    return this;
  }

  /** Adds the next turn with its loss: mean token negative log-likelihood, in nats. */
  public BatchBuilder loss(double loss) {
    return add(loss, true, 0);
  }

  /** Adds the next turn with its loss and the number of tokens that it is the mean of. */
  public BatchBuilder loss(double loss, long tokenCount) {
    require(tokenCount >= 0 && tokenCount < 1L << 53, "tokens must be from 0 to 2^53 - 1");
    anyTokens = true;
    return add(loss, true, tokenCount);
  }

  /** Adds the next turn, which has no supervision: its weight is NaN. */
  public BatchBuilder unsupervised() {
    return add(Double.NaN, false, 0);
  }

  /**
   * The weight that the trainer has applied already to the loss added last: finite, at least 0. All
   * losses of a batch have one, or none has. A {@link TrainingRun} does this by itself.
   */
  public BatchBuilder applied(double weight) {
    require(weight >= 0 && weight < Double.POSITIVE_INFINITY, "an applied weight is finite, >= 0");
    if (size == 0 || !supervised[size - 1] || !Double.isNaN(applied[size - 1])) {
      throw new IllegalStateException("applied(weight) follows the loss that it belongs to");
    }
    applied[size - 1] = weight;
    appliedCount++;
    return this;
  }

  private BatchBuilder add(double loss, boolean isSupervised, long tokenCount) {
    requireDialogue();
    if (size == losses.length) {
      losses = Arrays.copyOf(losses, 2 * size);
      supervised = Arrays.copyOf(supervised, 2 * size);
      tokens = Arrays.copyOf(tokens, 2 * size);
      applied = Arrays.copyOf(applied, 2 * size);
    }
    losses[size] = loss;
    applied[size] = Double.NaN;
    supervised[size] = isSupervised;
    tokens[size] = tokenCount;
    size++;
    offsets[ids.size()] = size;
    return this;
  }

  /** The batch. */
  public Batch build() {
    int[] ends = Arrays.copyOf(offsets, ids.size() + 1);
    Batch batch =
        new Batch(
            step,
            rank,
            microBatch,
            List.copyOf(ids),
            // Not List.copyOf: a dialogue without a source is null here.
            Arrays.asList(sources.toArray(new String[0])),
            ends,
            Arrays.copyOf(firstTurns, ids.size()),
            Arrays.copyOf(losses, size),
            Arrays.copyOf(supervised, size),
            anyTokens ? Arrays.copyOf(tokens, size) : null,
            attempt,
            appliedWeights(ends));
    clear();
    return batch;
  }

  private @Nullable Weights appliedWeights(int[] ends) {
    if (appliedCount == 0) {
      return null;
    }
    int losses = 0;
    for (int i = 0; i < size; i++) {
      losses += supervised[i] ? 1 : 0;
    }
    if (appliedCount != losses) {
      throw new IllegalStateException(
          "weights were applied to " + appliedCount + " of " + losses + " losses: say all or none");
    }
    return new Weights(ends, Arrays.copyOf(applied, size));
  }

  private void clear() {
    step = null;
    rank = 0;
    microBatch = 0;
    ids.clear();
    sources.clear();
    anyTokens = false;
    appliedCount = 0;
    attempt = null;
    size = 0;
  }

  /** Refused here, where the stack trace shows who made it: the service would refuse the batch. */
  static String text(String text, String what) {
    int points = 0;
    for (int i = 0; i < text.length(); points++) {
      int point = text.codePointAt(i);
      require(
          point != 0 && (point < Character.MIN_SURROGATE || point > Character.MAX_SURROGATE),
          what + " must not hold U+0000 or a lone surrogate");
      i += Character.charCount(point);
    }
    require(points >= 1 && points <= 256, what + " must have 1 to 256 code points");
    return text;
  }

  private void requireDialogue() {
    if (ids.isEmpty()) {
      throw new IllegalStateException("begin a dialogue first: dialogue(id)");
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
