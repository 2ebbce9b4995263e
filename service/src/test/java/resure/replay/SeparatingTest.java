package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class SeparatingTest {

  private static final double FLOOR = 0.05;

  /** Weights as they are: many 1, some at the floor, some the same, the rest anywhere. */
  private static double[] weights(Random random, int size, double spread) {
    double[] weights = new double[size];
    for (int i = 0; i < size; i++) {
      weights[i] =
          switch (random.nextInt(6)) {
            case 0, 1 -> 1;
            case 2 -> FLOOR;
            case 3 -> 0.25 + 0.125 * random.nextInt(3);
            default -> FLOOR + (1 - FLOOR) * spread * random.nextDouble();
          };
    }
    return weights;
  }

  private static Separation separation(Separating separating, double[] bad, double[] good) {
    for (int from = 0; from < Math.max(1, separating instanceof Separating.Exact ? 1 : 3); from++) {
      double[] b = part(separating, bad, from);
      double[] g = part(separating, good, from);
      Columns columns = Labelled.columns(b.length, g.length);
      double[] all = new double[2 + b.length + g.length];
      System.arraycopy(b, 0, all, 2, b.length);
      System.arraycopy(g, 0, all, 2 + b.length, g.length);
      separating.add(columns, all, 2);
    }
    return separating.separation();
  }

  /** Histograms get their observations in three windows. */
  private static double[] part(Separating separating, double[] all, int part) {
    return separating instanceof Separating.Exact
        ? all
        : Arrays.copyOfRange(all, all.length * part / 3, all.length * (part + 1) / 3);
  }

  @RepeatedTest(20)
  void exactFiguresAreThoseOfTheDefinitionsTiesIncluded(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    double[] bad = weights(random, 1 + random.nextInt(80), 0.5);
    double[] good = weights(random, 1 + random.nextInt(200), 1);

    Separation separation = separation(new Separating.Exact(), bad, good);

    assertThat(separation.auroc())
        .as("seed %d", repetition.getCurrentRepetition())
        .isCloseTo(pairs(bad, good), within(1e-12))
        .isCloseTo(BruteForce.auroc(bad, good), within(1e-12));
    assertThat(separation.averagePrecision())
        .isCloseTo(BruteForce.averagePrecision(bad, good), within(1e-12));
    assertThat(separation.aurocError()).isZero();
    assertThat(separation.averagePrecisionError()).isZero();
  }

  /** Every bad one against every good one. */
  private static double pairs(double[] bad, double[] good) {
    double won = 0;
    for (double b : bad) {
      for (double g : good) {
        won += b < g ? 1 : b == g ? 0.5 : 0;
      }
    }
    return won / bad.length / good.length;
  }

  @RepeatedTest(40)
  void histogramsAreWithinTheErrorTheyState(RepetitionInfo repetition) {
    int seed = repetition.getCurrentRepetition();
    Random random = new Random(seed);
    // The smaller the spread, the more of them share a bin.
    double spread = seed % 2 == 0 ? 1 : Math.pow(10, -3 - seed % 5);
    double[] bad = weights(random, 1 + random.nextInt(300), spread);
    double[] good = weights(random, 1 + random.nextInt(300), spread);

    Separation separation = separation(new Separating.Binned(FLOOR), bad, good);

    assertThat(separation.auroc())
        .as("seed %d, spread %s", seed, spread)
        .isCloseTo(BruteForce.auroc(bad, good), within(separation.aurocError() + 1e-12));
    assertThat(separation.averagePrecision())
        .as("seed %d, spread %s", seed, spread)
        .isCloseTo(
            BruteForce.averagePrecision(bad, good),
            within(separation.averagePrecisionError() + 1e-12));
  }

  @Test
  void withWeightsAllOverTheRangeTheErrorIsSmall() {
    Random random = new Random(1);
    double[] bad = random.doubles(5_000, FLOOR, 0.6).toArray();
    double[] good = random.doubles(50_000, FLOOR, 1).toArray();

    Separation separation = separation(new Separating.Binned(FLOOR), bad, good);

    assertThat(separation.aurocError()).isPositive().isLessThan(1e-5);
    assertThat(separation.averagePrecisionError()).isPositive().isLessThan(1e-3);
  }

  @Test
  void theStatedErrorIsReachedWhereABinHidesTheWorstOrBestOrder() {
    double bin = (1 - FLOOR) / Separating.Binned.BINS;
    double[] low = {FLOOR + 10.2 * bin, FLOOR + 10.3 * bin};
    double[] high = {FLOOR + 10.7 * bin, FLOOR + 10.8 * bin};

    Separation best = separation(new Separating.Binned(FLOOR), low, high);
    Separation worst = separation(new Separating.Binned(FLOOR), high, low);

    assertThat(worst.auroc()).isEqualTo(best.auroc());
    assertThat(worst.averagePrecision()).isEqualTo(best.averagePrecision());
    assertThat(best.auroc()).isEqualTo(0.5);
    assertThat(best.aurocError()).isEqualTo(0.5);
    // Two good ones before the first bad one: precisions 1/3 and 2/4.
    double lowest = (1 / 3.0 + 0.5) / 2;
    assertThat(best.averagePrecision()).isCloseTo((1 + lowest) / 2, within(1e-15));
    assertThat(best.averagePrecisionError()).isCloseTo((1 - lowest) / 2, within(1e-15));
  }

  @Test
  void weightsOfOneAndAtTheFloorAreToldApartExactly() {
    double[] bad = {FLOOR, FLOOR, 1};
    double[] good = {FLOOR, 1, 1, 1};

    Separation separation = separation(new Separating.Binned(FLOOR), bad, good);

    assertThat(separation.aurocError()).isZero();
    assertThat(separation.averagePrecisionError()).isZero();
    assertThat(separation.auroc()).isCloseTo(BruteForce.auroc(bad, good), within(1e-15));
    assertThat(separation.badMeanWeight()).isCloseTo((1 + 2 * FLOOR) / 3, within(1e-15));
    assertThat(separation.goodMeanWeight()).isCloseTo((3 + FLOOR) / 4, within(1e-15));
  }

  @Test
  void aFloorOfOneLeavesNothingToTellApart() {
    Separation separation =
        separation(new Separating.Binned(1), new double[] {1, 1}, new double[] {1});

    assertThat(separation.auroc()).isEqualTo(0.5);
    assertThat(separation.aurocError()).isZero();
  }

  @Test
  void withoutBadOrWithoutGoodOnesThereIsNothingToTell() {
    for (Separating separating :
        new Separating[] {new Separating.Exact(), new Separating.Binned(FLOOR)}) {
      Separation separation = separation(separating, new double[0], new double[] {1, 0.5});

      assertThat(separation.auroc()).isNaN();
      assertThat(separation.aurocError()).isNaN();
      assertThat(separation.averagePrecision()).isNaN();
      assertThat(separation.averagePrecisionError()).isNaN();
      assertThat(separation.badMeanWeight()).isNaN();
      assertThat(separation.goodMeanWeight()).isEqualTo(0.75);
    }
    assertThat(separation(new Separating.Exact(), new double[] {0.5}, new double[0]).auroc())
        .isNaN();
  }
}
