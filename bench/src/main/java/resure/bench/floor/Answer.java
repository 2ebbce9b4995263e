package resure.bench.floor;

import java.util.ArrayList;
import java.util.List;
import resure.bench.Losses;
import resure.bench.Shape;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/** What a service of databind records answers: the shape of the contract. */
record Answer(long sequence, long step, List<List<Double>> weights, Summary summary) {

  record Summary(
      int observations,
      double meanWeight,
      double effectiveSampleSize,
      double runMeanWeight,
      int downWeighted,
      int unusable,
      boolean warmingUp,
      boolean late) {}

  /** Real weights of a batch out of warm-up: most are 1, the others have all their digits. */
  static Answer typical(Shape shape) {
    Configuration configuration = Configuration.DEFAULT;
    int[] offsets = new int[shape.dialogues() + 1];
    for (int dialogue = 0; dialogue <= shape.dialogues(); dialogue++) {
      offsets[dialogue] = dialogue * shape.turns();
    }
    MomentsTable triples = new MomentsTable();
    BatchReducer reducer = new BatchReducer();
    for (int seed = 1; seed <= 50; seed++) {
      triples.fold(
          List.of(
              reducer.reduce(
                  Losses.batch(shape, seed),
                  offsets,
                  null,
                  configuration.maxTurns(),
                  configuration.maxLoss(),
                  new double[0])),
          configuration.halfLife());
    }
    double[] losses = Losses.batch(shape, 0);
    double[] weights = new double[losses.length];
    Weigher weigher = new Weigher(configuration, triples);
    List<List<Double>> rows = new ArrayList<>();
    for (int dialogue = 0; dialogue < shape.dialogues(); dialogue++) {
      weigher.weigh(losses, offsets[dialogue], offsets[dialogue + 1], 0, weights);
      List<Double> row = new ArrayList<>();
      for (int i = offsets[dialogue]; i < offsets[dialogue + 1]; i++) {
        row.add(weights[i]);
      }
      rows.add(row);
    }
    return new Answer(
        431,
        1_000_120,
        rows,
        new Summary(
            losses.length,
            0.9123456789012345,
            0.98 * losses.length,
            0.9412345678901234,
            losses.length / 7,
            0,
            false,
            false));
  }
}
