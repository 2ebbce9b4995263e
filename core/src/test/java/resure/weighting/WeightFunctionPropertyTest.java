package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Scale;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/** What every weight function promises, whichever it is. */
class WeightFunctionPropertyTest {

  @Example
  void theListHasEveryFunctionUnderItsOwnName() {
    assertThat(WeightFunction.ALL.stream().map(Object::getClass).toList())
        .containsExactlyInAnyOrder((Class[]) WeightFunction.class.getPermittedSubclasses());
    assertThat(WeightFunction.ALL.stream().map(WeightFunction::label)).doesNotHaveDuplicates();
  }

  @Property(tries = 700)
  void aWeightIsOneUpToTheThresholdThenNeverRisesAndStaysBetweenFloorAndOne(
      @ForAll("weightings") Weighting weighting,
      @ForAll @DoubleRange(min = -20, max = 20) @Scale(9) double mean,
      @ForAll("deviations") double sd) {
    double[] losses = new double[301];
    double threshold = weighting.threshold();
    for (int i = 0; i < losses.length; i++) {
      // Finest around the threshold.
      double from = (i - 150) / 150.0;
      losses[i] = mean + sd * (threshold + 60 * from * from * from);
    }
    Arrays.sort(losses);
    double[] weights = weigh(weighting, mean, sd, losses);

    double last = 1;
    for (int i = 0; i < losses.length; i++) {
      assertThat(weights[i]).as("weight of %s", losses[i]).isBetween(weighting.floor(), last);
      if ((losses[i] - mean) / sd(sd) <= threshold) {
        assertThat(weights[i]).as("weight of %s", losses[i]).isEqualTo(1);
      }
      last = weights[i];
    }
  }

  @Property(tries = 200)
  void aLossWeightedByClipIsCutAtTheCap(
      @ForAll @DoubleRange(min = -1, max = 3) @Scale(9) double threshold,
      @ForAll @DoubleRange(min = 1, max = 20) @Scale(9) double mean,
      @ForAll @DoubleRange(min = 0.01, max = 0.5) @Scale(9) double sd,
      @ForAll @DoubleRange(min = -5, max = 40) @Scale(9) double z) {
    double loss = mean + z * sd;
    double cap = mean + threshold * sd;
    Weighting weighting = new Weighting(new WeightFunction.Clip(), threshold, 1, 1e-9);

    double weight = weigh(weighting, mean, sd, new double[] {loss})[0];

    assertThat(weight * loss).isCloseTo(Math.min(loss, cap), withinPercentage(1e-10));
  }

  @Property(tries = 200)
  void onlyUniformKeepsAnEnormousLossAboveTheFloor(@ForAll("weightings") Weighting any) {
    Weighting weighting = any.withThreshold(Math.min(any.threshold(), 6));

    double weight = weigh(weighting, 0.5, 1e-5, new double[] {99})[0];

    boolean reachesIt = weighting.sharpness() * 1e6 > 1e12 / weighting.floor();
    String label = weighting.function().label();
    if (label.equals("uniform")) {
      assertThat(weight).isEqualTo(1);
    } else if (label.equals("hard") || (reachesIt && !label.equals("clip"))) {
      assertThat(weight).isEqualTo(weighting.floor());
    }
  }

  @Provide
  Arbitrary<Weighting> weightings() {
    Arbitrary<Double> thresholds =
        Arbitraries.oneOf(
            Arbitraries.doubles().between(-3, 6).ofScale(6),
            Arbitraries.of(0.0, -0.0, 1.0, -1e9, 1e9));
    Arbitrary<Double> sharpnesses =
        Arbitraries.oneOf(
            Arbitraries.doubles().between(0.01, 20).ofScale(6),
            Arbitraries.of(Double.MIN_VALUE, 1e-9, 1e9, Double.MAX_VALUE));
    Arbitrary<Double> floors =
        Arbitraries.oneOf(
            Arbitraries.doubles().between(0.001, 1).ofScale(6),
            Arbitraries.of(1.0, 1e-12, Double.MIN_VALUE));
    return Combinators.combine(Arbitraries.of(WeightFunction.ALL), thresholds, sharpnesses, floors)
        .as(Weighting::new);
  }

  @Provide
  Arbitrary<Double> deviations() {
    return Arbitraries.oneOf(
        Arbitraries.doubles().between(0.001, 5).ofScale(6), Arbitraries.of(5e-5, 30.0));
  }

  /** n is 5, hence n - 1 a power of two: little is lost on the way to M2 and back. */
  private static Moments triple(double mean, double sd) {
    return new Moments(5, mean, 4 * sd * sd, 1_000);
  }

  private static double sd(double sd) {
    return triple(0, sd).sd();
  }

  private static double[] weigh(Weighting weighting, double mean, double sd, double[] losses) {
    MomentsTable table = new MomentsTable();
    table.set(0, triple(mean, sd));
    Weigher weigher =
        new Weigher(
            Configuration.DEFAULT.withWeighting(weighting).withMaxLoss(1e100).withMaxTurns(1),
            table);
    assertThat(weigher.warmingUp(0)).isFalse();
    double[] weights = new double[losses.length];
    weigher.weigh(losses, 0, losses.length, 0, weights);
    return weights;
  }

  @Example
  void eachFunctionIsItsFormula() {
    List<Double> values = WeightFunction.ALL.stream().map(f -> f.beyond(0.5, 2, 4, 3)).toList();

    assertThat(values)
        .containsExactly(
            StrictMath.exp(-1), StrictMath.exp(-0.5), 0.5, 2 / (1 + Math.E), 0.75, 0.0, 1.0);
  }

  @Example
  void clipIsOneWhereRoundingLeftTheLossBelowItsCap() {
    assertThat(new WeightFunction.Clip().beyond(1e-16, 2, 4, Math.nextUp(4.0))).isEqualTo(1);
  }
}
