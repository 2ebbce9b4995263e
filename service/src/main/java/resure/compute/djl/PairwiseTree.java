package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;

/**
 * The order in which the elements of many segments are summed or merged: adjacent pairs, level by
 * level, an odd one carried up, all segments at once. Built on the host as two gathers a level.
 *
 * <p>Element 0 of what is reduced, at every level, stands for nothing: it must be the operation's
 * identity (-0.0 for sums: x + -0.0 is x for every x, which 0.0 is not). Segments follow it in
 * order; when the tree has been climbed, segment k is element k + 1.
 */
final class PairwiseTree {

  private record Level(Staging.Column left, Staging.Column right) {}

  private final Staging staging;
  private final List<Level> levels = new ArrayList<>();

  /**
   * Stages the indices.
   *
   * @param lengths elements of each segment, at least 1 each; used up
   * @param segments how many of {@code lengths} there are
   */
  PairwiseTree(Staging staging, int[] lengths, int segments) {
    this.staging = staging;
    boolean more = true;
    while (more) {
      int size = 1;
      more = false;
      for (int k = 0; k < segments; k++) {
        size += (lengths[k] + 1) / 2;
        more |= lengths[k] > 1;
      }
      if (more) {
        levels.add(level(lengths, segments, size));
      }
    }
  }

  private Level level(int[] lengths, int segments, int size) {
    Level level = new Level(staging.indices(size), staging.indices(size));
    long[] indices = staging.indices;
    int left = level.left.from();
    int right = level.right.from();
    indices[left++] = 0;
    indices[right++] = 0;
    int from = 1;
    for (int k = 0; k < segments; k++) {
      int to = from + lengths[k];
      for (int i = from; i < to; i += 2) {
        indices[left++] = i;
        indices[right++] = i + 1 < to ? i + 1 : 0;
      }
      lengths[k] = (lengths[k] + 1) / 2;
      from = to;
    }
    return level;
  }

  /** Sums {@code values}, which begin with -0.0. */
  NDArray sum(NDManager owner, NDArray values) {
    NDArray sums = values;
    for (Level level : levels) {
      NDArray left = sums.take(owner, staging.indices(owner, level.left));
      sums = left.addi(sums.take(owner, staging.indices(owner, level.right)));
    }
    return sums;
  }

  /** Merges triples, which begin with an empty one. */
  Triples merge(NDManager owner, Triples triples) {
    Triples merged = triples;
    for (Level level : levels) {
      merged =
          merged
              .take(owner, staging.indices(owner, level.left))
              .merge(merged.take(owner, staging.indices(owner, level.right)));
    }
    return merged;
  }
}
