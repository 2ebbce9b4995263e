package resure.observation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Batches for tests. */
public final class Batches {

  private static final List<String> SOURCES = List.of("sgd", "sharegpt", "oasst");

  private Batches() {}

  /** A batch of dialogues that say nothing but their losses. */
  public static ObservationBatch of(long step, long rank, double[]... dialogues) {
    return of(step, rank, 0, null, dialogues);
  }

  /** The same with its place in the step, and the start of the trainer. */
  public static ObservationBatch of(
      long step, long rank, long microBatch, @Nullable String attempt, double[]... dialogues) {
    int[] offsets = new int[dialogues.length + 1];
    for (int d = 0; d < dialogues.length; d++) {
      offsets[d + 1] = offsets[d] + dialogues[d].length;
    }
    double[] losses = new double[offsets[dialogues.length]];
    for (int d = 0; d < dialogues.length; d++) {
      System.arraycopy(dialogues[d], 0, losses, offsets[d], dialogues[d].length);
    }
    return columns(
        step, rank, microBatch, attempt, offsets, losses, null, null, List.of(), null, null);
  }

  /** A batch with a dialogue of each source, that says nothing else but its losses. */
  public static ObservationBatch ofSources(long step, List<String> sources, double[]... dialogues) {
    int[] offsets = new int[dialogues.length + 1];
    int[] sourceOf = new int[dialogues.length];
    for (int d = 0; d < dialogues.length; d++) {
      offsets[d + 1] = offsets[d] + dialogues[d].length;
      sourceOf[d] = d;
    }
    double[] losses = Arrays.stream(dialogues).flatMapToDouble(Arrays::stream).toArray();
    return columns(step, 0, 0, null, offsets, losses, null, null, sources, sourceOf, null);
  }

  /** A small batch of anything that may be in one: nulls, unusable losses, sources, tokens. */
  public static ObservationBatch random(
      RandomGenerator random, long step, long rank, long microBatch, @Nullable String attempt) {
    int dialogues = random.nextInt(4);
    int[] offsets = new int[dialogues + 1];
    long[] firstTurns = new long[dialogues];
    int[] sourceOf = new int[dialogues];
    for (int d = 0; d < dialogues; d++) {
      offsets[d + 1] = offsets[d] + random.nextInt(6);
      firstTurns[d] = random.nextInt(3);
      sourceOf[d] = random.nextInt(SOURCES.size() + 1) - 1;
    }
    int size = offsets[dialogues];
    double[] losses = new double[size];
    long[] unsupervised = new long[(size + 63) / 64];
    long[] tokens = new long[size];
    for (int i = 0; i < size; i++) {
      losses[i] = random.nextInt(10) == 0 ? 1000 : 2 + random.nextGaussian();
      tokens[i] = random.nextInt(50);
      if (random.nextInt(8) == 0) {
        losses[i] = Double.NaN;
        unsupervised[i / 64] |= 1L << i;
      }
    }
    return columns(
        step,
        rank,
        microBatch,
        attempt,
        offsets,
        losses,
        unsupervised,
        random.nextBoolean() ? firstTurns : null,
        SOURCES,
        random.nextBoolean() ? sourceOf : null,
        random.nextBoolean() ? tokens : null);
  }

  /** Many dialogues of the same number of turns. */
  public static ObservationBatch large(RandomGenerator random, int dialogues, int turns) {
    double[][] losses = new double[dialogues][turns];
    for (double[] dialogue : losses) {
      for (int turn = 0; turn < turns; turn++) {
        dialogue[turn] = (float) (2 + random.nextGaussian());
      }
    }
    return of(0, 0, losses);
  }

  private static ObservationBatch columns(
      long step,
      long rank,
      long microBatch,
      @Nullable String attempt,
      int[] offsets,
      double[] losses,
      long @Nullable [] unsupervised,
      long @Nullable [] firstTurns,
      List<String> sources,
      int @Nullable [] sourceOf,
      long @Nullable [] tokens) {
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    int[] idEnds = new int[offsets.length - 1];
    for (int d = 0; d < idEnds.length; d++) {
      ids.writeBytes(("d-" + d).getBytes(UTF_8));
      idEnds[d] = ids.size();
    }
    List<String> used = new ArrayList<>();
    int[] usedOf = sourceOf == null ? null : sourceOf.clone();
    for (int d = 0; usedOf != null && d < usedOf.length; d++) {
      if (usedOf[d] >= 0) {
        String source = sources.get(usedOf[d]);
        if (!used.contains(source)) {
          used.add(source);
        }
        usedOf[d] = used.indexOf(source);
      }
    }
    return new ObservationBatch(
        step,
        rank,
        microBatch,
        attempt,
        offsets,
        losses,
        unsupervised,
        firstTurns,
        ids.toByteArray(),
        idEnds,
        used,
        used.isEmpty() ? null : usedOf,
        tokens,
        null);
  }
}
