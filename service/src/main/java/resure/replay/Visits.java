package resure.replay;

import resure.projection.RankCorrelation;

/** Pairs of successive visits of a dialogue's turn, as places in a sample. Immutable. */
final class Visits {

  static final Visits NONE = new Visits(new int[0], new int[0]);

  private final int[] earlier;
  private final int[] later;

  /** Takes over the arrays: of each pair the place of the one before, and of the one after. */
  Visits(int[] earlier, int[] later) {
    this.earlier = earlier;
    this.later = later;
  }

  int pairs() {
    return earlier.length;
  }

  /** Rank correlation of the weights of the sample, which begin at {@code from}. */
  double correlation(double[] weights, int from) {
    return RankCorrelation.of(at(weights, from, earlier), at(weights, from, later));
  }

  private static double[] at(double[] weights, int from, int[] places) {
    double[] found = new double[places.length];
    for (int i = 0; i < found.length; i++) {
      found[i] = weights[from + places[i]];
    }
    return found;
  }
}
