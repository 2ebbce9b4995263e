package resure.observation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The observations of one POST, in columns. Dialogue {@code d} has the losses {@code offsets[d]} to
 * {@code offsets[d + 1] - 1} of every per-loss column. The arrays belong to the batch from
 * construction on and are handed out as they are, for the hot path: nobody changes them.
 */
public final class ObservationBatch {

  /** The step of a batch that has none. */
  public static final long NO_STEP = -1;

  private final long step;
  private final long rank;
  private final long microBatch;
  private final @Nullable String attempt;
  private final int[] offsets;
  private final double[] losses;
  private final long @Nullable [] unsupervised;
  private final long @Nullable [] firstTurns;
  private final byte[] ids;
  private final int[] idEnds;
  private final List<String> sources;
  private final int @Nullable [] sourceOf;
  private final long @Nullable [] tokens;
  private final double @Nullable [] appliedWeights;

  /**
   * Takes over all arrays.
   *
   * @param step optimizer steps completed before, or {@link #NO_STEP}
   * @param rank data-parallel replica, from 0
   * @param microBatch index within rank and step, from 0
   * @param attempt start of the trainer, if named
   * @param offsets first loss of each dialogue, and the number of losses at the end
   * @param losses NaN where there is no supervision
   * @param unsupervised a set bit (i % 64 of word i / 64) where loss i was null, in exactly as many
   *     words as the losses need; null when none was
   * @param firstTurns turn index of each dialogue's first loss; null when all are 0
   * @param ids the dialogues' ids in UTF-8, one after the other
   * @param idEnds where each dialogue's id ends in {@code ids}
   * @param sources the distinct sources in order of first appearance
   * @param sourceOf index into {@code sources} of each dialogue, -1 for none; null when none has
   *     one
   * @param tokens tokens that each loss is the mean of, 0 where not said; null when none said
   * @param appliedWeights weights that the trainer has applied, NaN where the loss is null or its
   *     dialogue sent none; null when no dialogue did
   */
  public ObservationBatch(
      long step,
      long rank,
      long microBatch,
      @Nullable String attempt,
      int[] offsets,
      double[] losses,
      long @Nullable [] unsupervised,
      long @Nullable [] firstTurns,
      byte[] ids,
      int[] idEnds,
      List<String> sources,
      int @Nullable [] sourceOf,
      long @Nullable [] tokens,
      double @Nullable [] appliedWeights) {
    this.step = step;
    this.rank = rank;
    this.microBatch = microBatch;
    this.attempt = attempt;
    this.offsets = offsets;
    this.losses = losses;
    this.unsupervised = unsupervised;
    this.firstTurns = firstTurns;
    this.ids = ids;
    this.idEnds = idEnds;
    this.sources = List.copyOf(sources);
    this.sourceOf = sourceOf;
    this.tokens = tokens;
    this.appliedWeights = appliedWeights;
  }

  /** Optimizer steps completed before this batch, or {@link #NO_STEP}. */
  public long step() {
    return step;
  }

  /** Whether the batch names its step. */
  public boolean hasStep() {
    return step != NO_STEP;
  }

  /** Data-parallel replica, from 0. */
  public long rank() {
    return rank;
  }

  /** Index within rank and step, from 0. */
  public long microBatch() {
    return microBatch;
  }

  /** Start of the trainer, if named. */
  public @Nullable String attempt() {
    return attempt;
  }

  /** Number of dialogues. */
  public int dialogues() {
    return offsets.length - 1;
  }

  /** Number of losses, null ones included. */
  public int size() {
    return losses.length;
  }

  /** First loss of each dialogue, and {@link #size} at the end. */
  public int[] offsets() {
    return offsets;
  }

  /** All losses; NaN where there is no supervision. */
  public double[] losses() {
    return losses;
  }

  /** Turn index of each dialogue's first loss; null when all are 0. */
  public long @Nullable [] firstTurns() {
    return firstTurns;
  }

  /** Turn index of the first loss of a dialogue. */
  public long firstTurn(int dialogue) {
    return firstTurns == null ? 0 : firstTurns[dialogue];
  }

  /** Turn index of loss {@code i}, which is one of a dialogue's. */
  public long turn(int dialogue, int i) {
    return firstTurn(dialogue) + i - offsets[dialogue];
  }

  /** Whether loss {@code i} was sent, rather than null. */
  public boolean supervised(int i) {
    return unsupervised == null || (unsupervised[i >> 6] & 1L << i) == 0;
  }

  /** Bits of the losses that were null; null when none was. */
  public long @Nullable [] unsupervised() {
    return unsupervised;
  }

  /** Number of losses that are not null. */
  public int observations() {
    int count = losses.length;
    if (unsupervised != null) {
      for (long word : unsupervised) {
        count -= Long.bitCount(word);
      }
    }
    return count;
  }

  /** All dialogues' ids in UTF-8. */
  public byte[] ids() {
    return ids;
  }

  /** Where each dialogue's id ends in {@link #ids}. */
  public int[] idEnds() {
    return idEnds;
  }

  /** Id of a dialogue. */
  public String id(int dialogue) {
    int from = dialogue == 0 ? 0 : idEnds[dialogue - 1];
    return new String(ids, from, idEnds[dialogue] - from, StandardCharsets.UTF_8);
  }

  /** The distinct sources in order of first appearance. */
  public List<String> sources() {
    return sources;
  }

  /** Index into {@link #sources} of each dialogue, -1 for none; null when none has one. */
  public int @Nullable [] sourceOf() {
    return sourceOf;
  }

  /** Source of a dialogue, if it has one. */
  public @Nullable String source(int dialogue) {
    return sourceOf == null || sourceOf[dialogue] < 0 ? null : sources.get(sourceOf[dialogue]);
  }

  /** Tokens that each loss is the mean of, 0 where not said; null when none said. */
  public long @Nullable [] tokens() {
    return tokens;
  }

  /** How much loss {@code i} counts in a token-weighted mean: its tokens, 1 where none or 0. */
  public double tokenWeight(int i) {
    return tokens == null || tokens[i] == 0 ? 1 : tokens[i];
  }

  /** Weights that the trainer has applied, NaN where not sent; null when no dialogue sent any. */
  public double @Nullable [] appliedWeights() {
    return appliedWeights;
  }

  /**
   * Whether a retry with the same key repeats this: everything but the attempt, NaN equal to NaN.
   */
  public boolean sameObservations(ObservationBatch other) {
    return step == other.step
        && rank == other.rank
        && microBatch == other.microBatch
        && Arrays.equals(offsets, other.offsets)
        && Arrays.equals(losses, other.losses)
        && Arrays.equals(unsupervised, other.unsupervised)
        && Arrays.equals(firstTurns, other.firstTurns)
        && Arrays.equals(ids, other.ids)
        && Arrays.equals(idEnds, other.idEnds)
        && Objects.equals(sources, other.sources)
        && Arrays.equals(sourceOf, other.sourceOf)
        && Arrays.equals(tokens, other.tokens)
        && Arrays.equals(appliedWeights, other.appliedWeights);
  }
}
