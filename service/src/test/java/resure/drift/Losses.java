package resure.drift;

import java.util.List;
import java.util.Random;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;

/** Steps of a turn or two, for tests. */
final class Losses {

  private static final BatchReducer REDUCER = new BatchReducer();

  private Losses() {}

  /** A step of {@code n} dialogues, whose turn {@code t} has losses around {@code means[t]}. */
  static MomentsTable step(Random random, int n, double sd, double... means) {
    double[] losses = new double[n * means.length];
    int[] offsets = new int[n + 1];
    for (int d = 0; d < n; d++) {
      offsets[d + 1] = offsets[d] + means.length;
      for (int t = 0; t < means.length; t++) {
        losses[offsets[d] + t] = means[t] + sd * random.nextGaussian();
      }
    }
    BatchMoments moments = REDUCER.reduce(losses, offsets, null, means.length, 100, new double[0]);
    return MomentsTable.merged(List.of(moments));
  }
}
