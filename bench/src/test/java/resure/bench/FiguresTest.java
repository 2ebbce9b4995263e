package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void theMedianIsTheMiddleOneOrTheMeanOfTheTwoMiddleOnes() {
    assertThat(Figures.median(5)).isEqualTo(5);
    assertThat(Figures.median(9, 1, 5)).isEqualTo(5);
    assertThat(Figures.median(9, 1, 5, 6)).isEqualTo(5.5);
    assertThat(Figures.median()).isNaN();
  }

  @Test
  void theMedianLeavesTheRoundsInTheirOrder() {
    double[] rounds = {3, 1, 2};
    assertThat(Figures.median(rounds)).isEqualTo(2);
    assertThat(rounds).containsExactly(3, 1, 2);
  }

  @Test
  void ratiosAreWithinRoundsAndNotOfTheMedians() {
    double[] service = {10, 40, 30};
    double[] floor = {20, 20, 30};
    double[] ratios = Figures.ratios(service, floor);
    assertThat(ratios).containsExactly(0.5, 2, 1);
    assertThat(Figures.median(ratios)).isEqualTo(1);
    assertThat(Figures.median(service) / Figures.median(floor)).isEqualTo(1.5);
  }

  @Test
  void roundsThatAreMissingOnOneSideAreRefused() {
    assertThatThrownBy(() -> Figures.ratios(new double[2], new double[3]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPercentileIsTheSmallestValueThatEnoughValuesDoNotExceed() {
    long[] hundred = LongStream.rangeClosed(1, 100).toArray();
    assertThat(Figures.percentile(hundred, 0.5)).isEqualTo(50);
    assertThat(Figures.percentile(hundred, 0.99)).isEqualTo(99);
    assertThat(Figures.percentile(hundred, 0.991)).isEqualTo(100);
    assertThat(Figures.percentile(hundred, 1)).isEqualTo(100);
    assertThat(Figures.percentile(new long[] {7}, 0.5)).isEqualTo(7);
    assertThat(Figures.percentile(new long[0], 0.5)).isZero();
  }

  @Test
  void theSpreadShowsMedianAndExtremes() {
    assertThat(Figures.spread(new double[] {0.9, 1.1, 1.0})).isEqualTo("1.000 (0.900 to 1.100)");
    assertThat(Figures.spread(new double[0])).isEqualTo("none");
  }

  @Test
  void ofAllPairsThoseCountInWhichTheFirstIsHigherAndTiesHalf() {
    assertThat(Figures.shareHigher(new long[] {4, 5}, new long[] {1, 2, 3})).isEqualTo(1);
    assertThat(Figures.shareHigher(new long[] {1}, new long[] {2, 3})).isZero();
    // 2 over 1, 2 with 2, 3 over 1, 3 over 2; 1 with 1 of the third.
    assertThat(Figures.shareHigher(new long[] {2, 3, 1}, new long[] {2, 1}))
        .isEqualTo((1 + 0.5 + 1 + 1 + 0 + 0.5) / 6);
  }
}
