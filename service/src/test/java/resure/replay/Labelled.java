package resure.replay;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.Scored;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/** Columns of labelled observations. */
final class Labelled {

  private Labelled() {}

  /** The bad ones, then the good ones. */
  static Columns columns(int bad, int good) {
    List<Dialogue> dialogues = new ArrayList<>();
    for (int d = 0; d < bad + good; d++) {
      dialogues.add(new Dialogue(d < bad ? "bad" : "good", null, 0, 1.0));
    }
    ObservationBatch batch = Dialogue.batch(0, 0, 0, null, dialogues);
    Weights weights = new Weights(new double[bad + good], 1, 1, true, false, false);
    Recorded recorded =
        Recorded.of(
            new Scored(2, batch, weights, false),
            new SourceTable(Collections.singletonList(null)),
            new Sample(),
            new Labels(List.of(new Bad("bad", null))));
    Columns columns = new Columns();
    columns.clear(bad + good);
    columns.newReference();
    Weigher weigher = new Weigher(Configuration.DEFAULT, new MomentsTable());
    for (int d = 0; d < bad + good; d++) {
      columns.append(recorded, d, Configuration.DEFAULT, weigher);
    }
    return columns;
  }
}
