package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Scale;
import resure.statistics.ExactMoments;

/** How weights and statistics of a whole run change, or do not, with what is posted. */
class RunMetamorphicTest {

  /** Falls to the floor within a few standard deviations, whatever the loss. */
  private static final Configuration EXPONENTIAL =
      Configuration.DEFAULT.withWeighting(
          new Weighting(new WeightFunction.Exponential(), 1, 2, 0.05));

  private static final Configuration CONFIGURATION = EXPONENTIAL.withMaxLoss(1e6);

  @Provide
  Arbitrary<WeightFunction> smoothFunctions() {
    return Arbitraries.of(WeightFunction.ALL)
        .filter(f -> !(f instanceof WeightFunction.Clip || f instanceof WeightFunction.Hard));
  }

  @Property(tries = 200)
  void scalingAndShiftingAllLossesChangesNoWeight(
      @ForAll("smoothFunctions") WeightFunction function,
      @ForAll FoldRule fold,
      @ForAll @DoubleRange(min = 0.05, max = 50) @Scale(9) double scale,
      @ForAll @DoubleRange(min = -200, max = 200) @Scale(9) double shift,
      @ForAll long seed) {
    Configuration configuration = configuration(function, fold);
    OneTurnRun plain = new OneTurnRun(configuration);
    OneTurnRun moved = new OneTurnRun(configuration);
    Random random = new Random(seed);
    for (int step = 0; step < 6; step++) {
      double[] losses = losses(random, 24, 0.15);
      double[] movedLosses = Arrays.stream(losses).map(x -> scale * x + shift).toArray();

      double[] weights = plain.step(losses);
      double[] movedWeights = moved.step(movedLosses);

      for (int i = 0; i < losses.length; i++) {
        double tolerance = tolerance(plain, losses[i]) + tolerance(moved, movedLosses[i]);
        assertThat(movedWeights[i])
            .as("step %d, loss %s", step, losses[i])
            .isCloseTo(weights[i], within(tolerance));
      }
    }
  }

  @Property(tries = 200)
  void scalingByAPowerOfTwoChangesNoBitOfAnyWeight(
      @ForAll("allFunctions") WeightFunction function, @ForAll FoldRule fold, @ForAll long seed) {
    Configuration configuration = configuration(function, fold);
    OneTurnRun plain = new OneTurnRun(configuration);
    OneTurnRun scaled = new OneTurnRun(configuration);
    Random random = new Random(seed);
    double scale = Math.scalb(1.0, random.nextInt(-6, 13));
    for (int step = 0; step < 6; step++) {
      double[] losses = losses(random, 24, 0.15);

      double[] weights = plain.step(losses);

      assertThat(scaled.step(Arrays.stream(losses).map(x -> scale * x).toArray()))
          .isEqualTo(weights);
    }
  }

  @Provide
  Arbitrary<WeightFunction> allFunctions() {
    return Arbitraries.of(WeightFunction.ALL);
  }

  @Property(tries = 150)
  void movingDialoguesBetweenTheBatchesOfAStepChangesNoWeightOfIt(
      @ForAll("smoothFunctions") WeightFunction function,
      @ForAll FoldRule fold,
      @ForAll long seed) {
    Configuration configuration = configuration(function, fold);
    OneTurnRun one = new OneTurnRun(configuration);
    OneTurnRun other = new OneTurnRun(configuration);
    Random random = new Random(seed);
    for (int step = 0; step < 6; step++) {
      double[] losses = losses(random, 24, 0.15);
      int cut = random.nextInt(25);

      double[] weights = one.step(losses);
      double[] otherWeights =
          other.step(Arrays.copyOf(losses, cut), Arrays.copyOfRange(losses, cut, 24));

      for (int i = 0; i < losses.length; i++) {
        // Up to the second step nothing was folded in another order.
        double tolerance = step == 0 ? 0 : tolerance(one, losses[i]) / 10;
        assertThat(otherWeights[i]).isCloseTo(weights[i], within(tolerance));
      }
    }
  }

  @Property(tries = 100)
  void aBurstLeavesTheWinsorizedStatisticsAbleToCatchIt(
      @ForAll @DoubleRange(min = 10, max = 100) @Scale(9) double bad, @ForAll long seed) {
    Random random = new Random(seed);
    OneTurnRun winsorized = new OneTurnRun(CONFIGURATION.withFold(FoldRule.WINSORIZED));
    OneTurnRun raw = new OneTurnRun(CONFIGURATION.withFold(FoldRule.RAW));
    for (int step = 0; step < 30; step++) {
      double[] losses = losses(random, 32, 0);
      winsorized.step(losses);
      raw.step(losses);
    }
    double sdBefore = winsorized.moments().sd();
    double[] burst = new double[32];
    Arrays.fill(burst, bad);
    winsorized.step(burst);
    raw.step(burst);

    // 3 % of the observations, each at most three deviations away, add at most 0.3 of a variance.
    assertThat(winsorized.moments().sd()).isBetween(sdBefore, 1.2 * sdBefore);
    assertThat(winsorized.weightOf(bad)).isEqualTo(CONFIGURATION.weighting().floor());
    assertThat(raw.moments().sd()).isGreaterThan(winsorized.moments().sd());
    assertThat(raw.warmingUp()).isFalse();
    assertThat(raw.moments().mean()).isBetween(2.2, 2.7 + 0.034 * bad);
  }

  @Property(tries = 60)
  void aBurstIsFoldedAtTheCapOfTheReferenceItWasWeighedAgainst(
      @ForAll @DoubleRange(min = 10, max = 1e6) @Scale(9) double bad, @ForAll long seed) {
    Random random = new Random(seed);
    OneTurnRun run = new OneTurnRun(CONFIGURATION);
    double[] calm = losses(random, 40, 0);
    double[] next = losses(random, 8, 0);
    Arrays.fill(next, 0, 4, bad);
    run.step(calm);
    run.step(next);

    ExactMoments reference = ExactMoments.of(calm);
    double cap = reference.mean() + 3 * reference.sd();
    double[] folded = Arrays.copyOf(calm, 48);
    for (int i = 0; i < 8; i++) {
      folded[40 + i] = Math.min(next[i], cap);
    }
    ExactMoments expected = ExactMoments.of(folded);
    assertThat(run.moments().n()).isEqualTo(48);
    assertThat(run.moments().mean()).isCloseTo(expected.mean(), within(1e-13));
    assertThat(run.moments().m2()).isCloseTo(expected.m2(), within(1e-11));
  }

  @Property(tries = 60)
  void lossesBeyondTheLargestUsableOneChangeNothing(@ForAll FoldRule fold, @ForAll long seed) {
    Random random = new Random(seed);
    Configuration configuration = EXPONENTIAL.withFold(fold);
    OneTurnRun clean = new OneTurnRun(configuration);
    OneTurnRun dirty = new OneTurnRun(configuration);
    double[] unusable = {
      9e5, Math.nextUp(100.0), -9e5, Double.NaN, Double.POSITIVE_INFINITY, -1e300
    };
    for (int step = 0; step < 8; step++) {
      double[] losses = losses(random, 16, 0.1);
      double[] both = Arrays.copyOf(losses, 16 + unusable.length);
      System.arraycopy(unusable, 0, both, 16, unusable.length);

      double[] weights = clean.step(losses);
      double[] dirtyWeights = dirty.step(both);

      assertThat(Arrays.copyOf(dirtyWeights, 16)).isEqualTo(weights);
      assertThat(Arrays.copyOfRange(dirtyWeights, 16, both.length)).containsOnly(0);
      assertThat(dirty.moments()).isEqualTo(clean.moments());
    }
  }

  @Property(tries = 40)
  void aBurstAtTheLargestUsableLossNeverEndsATurnsStatistics(
      @ForAll FoldRule fold, @ForAll("largest") double maxLoss, @ForAll long seed) {
    Random random = new Random(seed);
    OneTurnRun run =
        new OneTurnRun(EXPONENTIAL.withFold(fold).withMaxLoss(maxLoss).withHalfLife(16));
    for (int step = 0; step < 8; step++) {
      run.step(losses(random, 16, 0));
    }
    double[] burst = new double[64];
    Arrays.setAll(burst, i -> i % 3 == 0 ? -maxLoss : maxLoss);
    run.step(burst);
    assertThat(run.moments().mean()).isFinite();
    assertThat(run.moments().m2()).isFinite().isPositive();
    // 10^100 and its square take a while to fade: 700 half-lives.
    for (int step = 0; step < 900; step++) {
      run.step(losses(random, 16, 0));
    }

    assertThat(run.moments().mean()).isBetween(1.5, 3.5);
    assertThat(run.moments().sd()).isBetween(0.3, 1.2);
    assertThat(run.weightOf(9)).isEqualTo(0.05);
    assertThat(run.weightOf(2.5)).isEqualTo(1);
  }

  @Provide
  Arbitrary<Double> largest() {
    return Arbitraries.of(20.0, 100.0, 1e9, 1e100);
  }

  @Example
  void aConstantLossStaysInWarmUpUntilItVaries() {
    OneTurnRun run = new OneTurnRun(CONFIGURATION);
    double[] constant = new double[100];
    Arrays.fill(constant, 2.31);
    run.step(constant);
    run.step(constant);
    assertThat(run.warmingUp()).isTrue();

    run.step(losses(new Random(3), 16, 0));
    assertThat(run.warmingUp()).isFalse();
  }

  private static Configuration configuration(WeightFunction function, FoldRule fold) {
    return CONFIGURATION
        .withWeighting(new Weighting(function, 0.7, 1.5, 0.02))
        .withWarmUp(10)
        .withFold(fold);
  }

  private static double[] losses(Random random, int count, double badShare) {
    double[] losses = new double[count];
    for (int i = 0; i < count; i++) {
      double lift = random.nextDouble() < badShare ? 4 : 0;
      losses[i] = 2.5 + lift + 0.6 * random.nextGaussian();
    }
    return losses;
  }

  private static double tolerance(OneTurnRun run, double loss) {
    double mean = run.moments().mean();
    double sd = run.moments().sd();
    return 1e-13 * (1 + Math.abs(mean) / sd) * (1 + 1.5 * (1 + Math.abs(loss - mean) / sd));
  }
}
