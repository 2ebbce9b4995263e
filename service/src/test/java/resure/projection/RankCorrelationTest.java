package resure.projection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RankCorrelationTest {

  @RepeatedTest(20)
  void isPearsonsCorrelationOfTheRanksWithTiesAtTheirMean(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    int n = 2 + random.nextInt(60);
    double[] x = new double[n];
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = random.nextInt(3) > 0 ? 1 : random.nextInt(4) / 8.0;
      y[i] = random.nextBoolean() ? x[i] : random.nextDouble();
    }
    double expected = spearman(x, y);

    double correlation = RankCorrelation.of(x, y);

    if (Double.isNaN(expected)) {
      assertThat(correlation).isNaN();
    } else {
      assertThat(correlation)
          .as("%s and %s", Arrays.toString(x), Arrays.toString(y))
          .isCloseTo(expected, within(1e-12));
    }
  }

  @Test
  void isOneForTheSameOrderAndMinusOneForTheOpposite() {
    double[] x = {0.1, 0.4, 0.2, 1};

    assertThat(RankCorrelation.of(x, new double[] {1, 30, 2, 31})).isEqualTo(1);
    assertThat(RankCorrelation.of(x, new double[] {5, 3, 4, -7})).isEqualTo(-1);
  }

  @Test
  void isAsWorkedOutByHand() {
    // Ranks less 3: -2, -1/2, -1/2, 1, 2 and -1, -2, 1, 1, 1.
    assertThat(RankCorrelation.of(new double[] {1, 2, 2, 3, 5}, new double[] {2, 1, 4, 4, 4}))
        .isCloseTo(5.5 / Math.sqrt(9.5 * 8), within(1e-15));
  }

  @Test
  void doesNotExistForLessThanTwoPairsOrAConstantSide() {
    assertThat(RankCorrelation.of(new double[0], new double[0])).isNaN();
    assertThat(RankCorrelation.of(new double[] {1}, new double[] {1})).isNaN();
    assertThat(RankCorrelation.of(new double[] {1, 1, 1}, new double[] {1, 2, 3})).isNaN();
    assertThat(RankCorrelation.of(new double[] {1, 2, 3}, new double[] {1, 1, 1})).isNaN();
  }

  @Test
  void ranksAreFromOneAndTiesShareTheirMean() {
    assertThat(RankCorrelation.ranks(new double[] {0.5, 1, 0.25, 1, 0.5, 1}))
        .containsExactly(2.5, 5, 1, 5, 2.5, 5);
  }

  /** Values of scipy.stats.spearmanr, SciPy 1.17.1. */
  @Test
  void isWhatSciPySays() {
    check(
        0.8999999999999998,
        new double[] {20_000, 40_000, 60_000, 80_000, 100_000},
        new double[] {6.1, 6.4, 6.3, 6.9, 7.2});
    check(
        0.40016336533252067,
        new double[] {1, 2, 2, 3, 3, 3, 10},
        new double[] {5, 1, 1, 4, 4, 2, 9});
    check(-1, new double[] {10, 20, 30}, new double[] {3, 2, 1});
    check(0.7745966692414834, new double[] {10, 20, 30, 40}, new double[] {1, 1, 1, 2});
    check(
        0.48125,
        new double[] {5, 5, 7, 8, 9, 9, 9, 12, 13, 1},
        new double[] {0.5, 0.25, 0.5, 0.5, 0.125, -3, 7, 7, 6.5, 0});
    check(
        0.9580419580419581,
        new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
        new double[] {2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11});
  }

  private static void check(double expected, double[] x, double[] y) {
    assertThat(RankCorrelation.of(x, y)).isCloseTo(expected, within(4e-16));
  }

  /** Pearson's correlation of the ranks, by its definition. */
  private static double spearman(double[] x, double[] y) {
    double[] u = naiveRanks(x);
    double[] v = naiveRanks(y);
    double meanU = Arrays.stream(u).average().orElse(0);
    double meanV = Arrays.stream(v).average().orElse(0);
    double uv = 0;
    double uu = 0;
    double vv = 0;
    for (int i = 0; i < u.length; i++) {
      uv += (u[i] - meanU) * (v[i] - meanV);
      uu += (u[i] - meanU) * (u[i] - meanU);
      vv += (v[i] - meanV) * (v[i] - meanV);
    }
    return u.length < 2 || uu == 0 || vv == 0 ? Double.NaN : uv / Math.sqrt(uu) / Math.sqrt(vv);
  }

  private static double[] naiveRanks(double[] values) {
    return Arrays.stream(values)
        .map(
            value ->
                (Arrays.stream(values).filter(other -> other < value).count()
                        + 1
                        + Arrays.stream(values).filter(other -> other <= value).count())
                    / 2.0)
        .toArray();
  }
}
