package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RankingTest {

  private static ReplayResult result(int index, double mean, double steadiness) {
    return result(index, mean, steadiness, null);
  }

  private static ReplayResult result(
      int index, double mean, double steadiness, @Nullable Separation separation) {
    Tally tally = new Tally(1, mean, mean * mean, mean < 1 ? 1 : 0);
    return new ReplayResult(index, tally, List.of(), List.of(), steadiness, separation);
  }

  private static Separation separation(double auroc, double badMean) {
    return new Separation(auroc, 0, 0.5, 0, badMean, 0.9);
  }

  private static List<Integer> order(List<ReplayResult> results, RankBy... by) {
    return Ranking.order(results, Arrays.asList(by)).stream().map(ReplayResult::index).toList();
  }

  private static RankBy by(Measure measure) {
    return new RankBy(measure, null, null);
  }

  @Test
  void theLargestOrTheSmallestIsBestAndNoneIsLast() {
    List<ReplayResult> results =
        List.of(
            result(0, 0.5, Double.NaN, separation(0.7, 0.4)),
            result(1, 0.9, 0.2, separation(0.9, 0.6)),
            result(2, 1.0, 0.8, separation(0.8, Double.NaN)));

    assertThat(order(results, by(Measure.MEAN_WEIGHT))).containsExactly(2, 1, 0);
    assertThat(order(results, by(Measure.STEADINESS))).containsExactly(2, 1, 0);
    assertThat(order(results, by(Measure.AUROC))).containsExactly(1, 2, 0);
    assertThat(order(results, by(Measure.BAD_MEAN_WEIGHT))).containsExactly(0, 1, 2);
    assertThat(order(results, by(Measure.DOWN_WEIGHTED_RATIO))).containsExactly(2, 0, 1);
  }

  @Test
  void aBoundPartsAndTheNextElementOrders() {
    List<ReplayResult> results =
        List.of(
            result(0, 0.7, 0.9), result(1, 0.85, 0.1), result(2, 0.8, 0.3), result(3, 0.95, 0.2));

    assertThat(order(results, new RankBy(Measure.MEAN_WEIGHT, 0.8, 0.9), by(Measure.STEADINESS)))
        .containsExactly(2, 1, 0, 3);
    assertThat(order(results, new RankBy(Measure.STEADINESS, null, 0.15)))
        .containsExactly(1, 0, 2, 3);
    assertThat(order(results, new RankBy(Measure.AUROC, 0.0, null))).containsExactly(0, 1, 2, 3);
  }

  @Test
  void byDefaultTheAreaUnderTheCurveDecidesThenTheIndex() {
    List<ReplayResult> labelled =
        List.of(
            result(2, 1, 0, separation(0.5, 0)),
            result(1, 1, 0, separation(0.5, 0)),
            result(0, 1, 0, separation(0.4, 0)));

    assertThat(order(labelled)).containsExactly(1, 2, 0);
    assertThat(order(List.of(result(1, 1, 0), result(0, 0.5, 0)))).containsExactly(0, 1);
  }

  @Test
  void everyMeasureIsFoundByItsName() {
    for (Measure measure : Measure.values()) {
      assertThat(Measure.ofLabel(measure.label())).isSameAs(measure);
    }
    assertThat(Measure.ofLabel("AUROC")).isNull();
  }
}
