package resure.weighting;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/** A run of dialogues of one turn: weighs each step against all before it, then folds it. */
final class OneTurnRun {

  private final Configuration configuration;
  private final BatchReducer reducer = new BatchReducer();
  private final MomentsTable table = new MomentsTable();

  OneTurnRun(Configuration configuration) {
    this.configuration = configuration;
  }

  /** Weights of the batches of one step, one after the other. */
  double[] step(double[]... batches) {
    Weigher weigher = weigher();
    List<BatchMoments> reduced = new ArrayList<>();
    double[] losses = Arrays.stream(batches).flatMapToDouble(Arrays::stream).toArray();
    double[] weights = new double[losses.length];
    for (int i = 0; i < losses.length; i++) {
      weigher.weigh(losses, i, i + 1, 0, weights);
    }
    for (double[] batch : batches) {
      int[] offsets = new int[batch.length + 1];
      Arrays.setAll(offsets, i -> i);
      reduced.add(
          reducer.reduce(
              batch,
              offsets,
              null,
              configuration.maxTurns(),
              configuration.maxLoss(),
              weigher.caps()));
    }
    table.fold(reduced, configuration.halfLife());
    return weights;
  }

  /** The weight that a loss would get now. */
  double weightOf(double loss) {
    double[] weight = new double[1];
    weigher().weigh(new double[] {loss}, 0, 1, 0, weight);
    return weight[0];
  }

  boolean warmingUp() {
    return weigher().warmingUp(0);
  }

  Moments moments() {
    return table.moments(0);
  }

  private Weigher weigher() {
    return new Weigher(configuration, table.copy());
  }
}
