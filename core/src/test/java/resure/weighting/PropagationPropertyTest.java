package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

class PropagationPropertyTest {

  private static final double FLOOR = 0.01;

  @Property(tries = 300)
  void aTurnIsLoweredByTheProductOfItsEarlierTurns(
      @ForAll @DoubleRange(min = 0, max = 4) @Scale(9) double strength,
      @ForAll @DoubleRange(min = 0, max = 1) @Scale(9) double decay,
      @ForAll @IntRange(min = 1, max = 40) int turns,
      @ForAll long seed) {
    double[] losses = losses(turns, new Random(seed));
    double[] own = weigh(new Propagation(0, decay), losses);

    double[] weights = weigh(new Propagation(strength, decay), losses);

    for (int t = 0; t < turns; t++) {
      double product = 1;
      for (int s = 0; s < t; s++) {
        product *= own[s] == 0 ? 1 : Math.pow(own[s], Math.pow(decay, t - s));
      }
      double expected = own[t] == 0 ? 0 : Math.max(FLOOR, own[t] * Math.pow(product, strength));
      assertThat(weights[t])
          .as("turn %d of %s", t, Arrays.toString(losses))
          .isCloseTo(expected, within(1e-12));
      assertThat(weights[t]).isLessThanOrEqualTo(own[t]);
    }
  }

  @Property(tries = 150)
  void aLaterTurnChangesNoEarlierOne(
      @ForAll @IntRange(min = 2, max = 20) int turns, @ForAll long seed) {
    Random random = new Random(seed);
    double[] losses = losses(turns, random);
    double[] weights = weigh(new Propagation(1, 0.8), losses);
    losses[turns - 1] = random.nextBoolean() ? 90 : Double.NaN;

    double[] changed = weigh(new Propagation(1, 0.8), losses);

    assertThat(Arrays.copyOf(changed, turns - 1)).isEqualTo(Arrays.copyOf(weights, turns - 1));
  }

  @Property(tries = 100)
  void anErrorOfTheFirstTurnFadesWithDecay(
      @ForAll @DoubleRange(min = 0.1, max = 0.95) @Scale(9) double decay) {
    double[] losses = new double[30];
    Arrays.fill(losses, 2);
    losses[0] = 3.4;

    double[] weights = weigh(new Propagation(1, decay), losses);

    for (int t = 2; t < 30; t++) {
      assertThat(weights[t]).isGreaterThanOrEqualTo(weights[t - 1]);
    }
    assertThat(weights[1]).isLessThan(1).isGreaterThan(weights[0]);
  }

  /** Some losses high, some unusable. */
  private static double[] losses(int turns, Random random) {
    double[] losses = new double[turns];
    Arrays.setAll(
        losses, i -> random.nextInt(6) == 0 ? Double.NaN : 2 + 0.5 * (random.nextGaussian() + 0.8));
    return losses;
  }

  private static double[] weigh(Propagation propagation, double[] losses) {
    MomentsTable table = new MomentsTable();
    for (int slot = 0; slot < losses.length; slot++) {
      table.set(slot, new Moments(101, 2, 25, 101));
    }
    Configuration configuration =
        Configuration.DEFAULT
            .withWeighting(new Weighting(new WeightFunction.Cauchy(), 0.5, 1.2, FLOOR))
            .withPropagation(propagation);
    double[] weights = new double[losses.length];
    new Weigher(configuration, table).weigh(losses, 0, losses.length, 0, weights);
    return weights;
  }
}
