package resure.client;

import java.util.Arrays;

/** One weight for each place of a {@link Batch}, in the same columns. Immutable. */
public final class Weights {

  private final int[] offsets;
  private final double[] column;

  /** Takes both arrays over: nobody changes them afterwards. */
  Weights(int[] offsets, double[] column) {
    this.offsets = offsets;
    this.column = column;
  }

  /** Number of dialogues. */
  public int dialogues() {
    return offsets.length - 1;
  }

  /** Number of places. */
  public int size() {
    return column.length;
  }

  /** First place of a dialogue; of {@code dialogues()}, one past the last place of all. */
  public int from(int dialogue) {
    return offsets[dialogue];
  }

  /**
   * The weight at a place: at least 0, exactly 0 for an unusable loss (leave that turn out of the
   * sum: 0 times NaN is NaN), NaN for a turn without supervision.
   */
  public double weight(int place) {
    return column[place];
  }

  /** All weights, a copy. */
  public double[] toArray() {
    return column.clone();
  }

  /** The same in the arithmetic of most trainers, a copy. */
  public float[] toFloatArray() {
    float[] floats = new float[column.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) column[i];
    }
    return floats;
  }

  /** The column itself, for this package, which does not change it. */
  double[] column() {
    return column;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Weights weights
        && Arrays.equals(offsets, weights.offsets)
        && Arrays.equals(column, weights.column);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(offsets) + Arrays.hashCode(column);
  }

  @Override
  public String toString() {
    return Arrays.toString(column);
  }
}
