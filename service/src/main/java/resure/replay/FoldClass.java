package resure.replay;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.run.Refolding;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;

/**
 * Configurations that fold alike, so that the recorded batches are folded once for all of them. One
 * thread at a time.
 */
final class FoldClass {

  /** Each has columns of its own while a window is filled. */
  static final int MOST_WARM_UPS = 4;

  /** All of a configuration that decides its statistics. */
  record Key(
      FoldRule fold,
      double halfLife,
      int maxTurns,
      double maxLoss,
      int lag,
      @Nullable Integer cap) {

    /** With losses cut at a cap, the warm-up decides from when on. */
    static Key of(Configuration configuration) {
      return new Key(
          configuration.fold(),
          configuration.halfLife(),
          configuration.maxTurns(),
          configuration.maxLoss(),
          configuration.lag(),
          configuration.fold() == FoldRule.WINSORIZED ? configuration.warmUp() : null);
    }
  }

  private final Refolding refolding;
  private final List<WarmUpClass> warmUps = new ArrayList<>();

  FoldClass(Refolding refolding) {
    this.refolding = refolding;
  }

  List<WarmUpClass> warmUps() {
    return warmUps;
  }

  /**
   * Folds a window, and fills a set of columns for each warm-up.
   *
   * @param columns cleared, with room for the window
   */
  void fold(List<Recorded> window, List<Columns> columns, Crew crew) {
    columns.forEach(Columns::newReference);
    for (Recorded recorded : window) {
      if (crew.stopped()) {
        return;
      }
      MomentsTable met = refolding.apply(recorded.scored());
      for (int w = 0; w < warmUps.size(); w++) {
        warmUps.get(w).append(recorded, met, columns.get(w));
      }
    }
  }

  void close() {
    refolding.close();
  }
}
