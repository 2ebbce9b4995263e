package resure.replay;

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
    double expected = BruteForce.spearman(x, y);

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
}
