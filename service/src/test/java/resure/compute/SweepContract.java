package resure.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * What every backend that sweeps promises. A subclass gives the backend and nothing else. The
 * oracle follows the definitions, one observation after the other.
 */
public abstract class SweepContract {

  private Sweep sweep;

  /** A new backend. */
  protected abstract Sweep open();

  @BeforeEach
  void openIt() {
    sweep = open();
  }

  @AfterEach
  void closeIt() {
    sweep.close();
  }

  @RepeatedTest(20)
  void weightsAndSumsAreThoseOfTheDefinitions(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    SweepWindow window = window(random, 1 + random.nextInt(400));
    List<SweepMember> members = members(random);

    Swept withWeights = sweep.weigh(window, members, true);
    Swept sumsOnly = sweep.weigh(window, members, false);

    assertThat(sumsOnly.weights()).isEmpty();
    for (int m = 0; m < members.size(); m++) {
      String what = "seed " + repetition.getCurrentRepetition() + ", " + members.get(m);
      double[] weights =
          Arrays.copyOfRange(withWeights.weights(), m * window.size(), (m + 1) * window.size());
      assertWeights(weights, window, members.get(m), what);
      assertSums(withWeights, m, weights, window, what);
      assertSums(sumsOnly, m, weights, window, what + ", sums only");
    }
  }

  @Test
  void aLargeWindowIsLikeAnyOther() {
    Random random = new Random(1);
    SweepWindow window = window(random, 200_000);
    List<SweepMember> members =
        List.of(
            new SweepMember(Weighting.DEFAULT, Propagation.DEFAULT),
            new SweepMember(
                Weighting.DEFAULT.withFunction(new WeightFunction.Clip()),
                new Propagation(1, 0.5)));

    Swept swept = sweep.weigh(window, members, true);

    for (int m = 0; m < members.size(); m++) {
      double[] weights =
          Arrays.copyOfRange(swept.weights(), m * window.size(), (m + 1) * window.size());
      assertWeights(weights, window, members.get(m), members.get(m).toString());
      assertSums(swept, m, weights, window, members.get(m).toString());
    }
  }

  @Test
  void aMemberDoesNotDependOnTheOthersNorOnWhatWasSweptBefore() {
    Random random = new Random(2);
    SweepWindow first = window(random, 300);
    SweepWindow second = window(random, 30);
    List<SweepMember> members = members(random);
    double[] together = sweep.weigh(first, members, true).weights();
    sweep.weigh(second, members, true);

    for (int m = 0; m < members.size(); m++) {
      double[] alone = sweep.weigh(first, List.of(members.get(m)), true).weights();
      for (int i = 0; i < alone.length; i++) {
        assertThat(alone[i])
            .as("%s at %d", members.get(m), i)
            .isCloseTo(together[m * first.size() + i], within(tolerance(first, members.get(m), i)));
      }
    }
  }

  @Test
  void nothingInArraysBeyondTheSizeOfAWindowCounts() {
    Random random = new Random(3);
    SweepWindow longer = window(random, 100);
    List<SweepMember> members = members(random);
    SweepWindow window =
        new SweepWindow(
            60,
            longer.losses(),
            longer.zs(),
            longer.cells(),
            longer.means(),
            longer.sds(),
            longer.slots(),
            longer.slotCount(),
            longer.sources(),
            longer.sourceCount(),
            longer.gaps());

    Swept swept = sweep.weigh(window, members, true);

    for (int m = 0; m < members.size(); m++) {
      double[] weights = Arrays.copyOfRange(swept.weights(), m * 60, (m + 1) * 60);
      assertWeights(weights, window, members.get(m), members.get(m).toString());
      assertSums(swept, m, weights, window, members.get(m).toString());
    }
  }

  @Test
  void anEmptyWindowAndNoMembersAreNoSpecialCase() {
    SweepWindow empty = window(new Random(4), 0);
    List<SweepMember> members = members(new Random(4));

    Swept ofNothing = sweep.weigh(empty, members, true);
    Swept forNobody = sweep.weigh(window(new Random(4), 10), List.of(), true);

    assertThat(ofNothing.weights()).isEmpty();
    assertThat(ofNothing.below()).containsOnly(0).hasSize(members.size() * row(empty));
    assertThat(forNobody.below()).isEmpty();
    assertThat(forNobody.weights()).isEmpty();
  }

  @Test
  void someMembersCanBeWeighedAtOnceWhateverTheWindow() {
    assertThat(sweep.membersAtOnce(0)).isPositive();
    assertThat(sweep.membersAtOnce(1)).isPositive();
    assertThat(sweep.membersAtOnce(Integer.MAX_VALUE)).isPositive();
  }

  private static int row(SweepWindow window) {
    return window.slotCount() + window.sourceCount();
  }

  private static void assertWeights(
      double[] weights, SweepWindow window, SweepMember member, String what) {
    double[] expected = oracle(window, member);
    for (int i = 0; i < weights.length; i++) {
      assertThat(weights[i])
          .as("%s at %d, z %s", what, i, window.zs()[i])
          .isCloseTo(expected[i], within(tolerance(window, member, i)))
          .isBetween(member.weighting().floor(), 1.0);
    }
  }

  /** Of an exponential's argument, times a few ULPs, along the dialogue. */
  private static double tolerance(SweepWindow window, SweepMember member, int i) {
    double condition = 1 + Math.abs(window.zs()[i]) * member.weighting().sharpness();
    for (int j = i; window.gaps()[j] != 0; j--) {
      double z = window.zs()[j - 1];
      condition +=
          member.propagation().strength()
              * (1 + (Double.isNaN(z) ? 0 : z * z * member.weighting().sharpness()));
    }
    return Double.isNaN(condition) ? 1e-13 : 1e-13 * condition;
  }

  /** The sums must be those of the weights that were given: how many are below 1, exactly. */
  private static void assertSums(
      Swept swept, int member, double[] weights, SweepWindow window, String what) {
    int row = row(window);
    long[] below = new long[row];
    double[] sums = new double[row];
    double[] squares = new double[row];
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] < 1) {
        for (int k : new int[] {window.slots()[i], window.slotCount() + window.sources()[i]}) {
          below[k]++;
          sums[k] += weights[i];
          squares[k] += weights[i] * weights[i];
        }
      }
    }
    for (int k = 0; k < row; k++) {
      int at = member * row + k;
      assertThat(swept.below()[at]).as("%s, below of %d", what, k).isEqualTo(below[k]);
      assertThat(swept.sums()[at])
          .as("%s, sum of %d", what, k)
          .isCloseTo(sums[k], within(1e-12 * sums[k]));
      assertThat(swept.squares()[at])
          .as("%s, squares of %d", what, k)
          .isCloseTo(squares[k], within(1e-12 * squares[k]));
    }
  }

  private static double[] oracle(SweepWindow window, SweepMember member) {
    double[] own = new double[window.size()];
    double[] weights = new double[window.size()];
    double strength = member.propagation().strength();
    for (int i = 0; i < weights.length; i++) {
      own[i] = own(window, member.weighting(), i);
      double factor = 1;
      int distance = 0;
      for (int j = i; window.gaps()[j] != 0; j--) {
        distance += window.gaps()[j];
        factor *= Math.pow(own[j - 1], Math.pow(member.propagation().decay(), distance));
      }
      weights[i] =
          strength == 0
              ? own[i]
              : Math.max(member.weighting().floor(), own[i] * Math.pow(factor, strength));
    }
    return weights;
  }

  private static double own(SweepWindow window, Weighting weighting, int i) {
    double e = window.zs()[i] - weighting.threshold();
    double u = weighting.sharpness() * e;
    if (Double.isNaN(e) || e <= 0) {
      return 1;
    }
    int cell = window.cells()[i];
    double cap = window.means()[cell] + weighting.threshold() * window.sds()[cell];
    double f =
        switch (weighting.function()) {
          case WeightFunction.Exponential _ -> Math.exp(-u);
          case WeightFunction.Gaussian _ -> Math.exp(-u * u / 2);
          case WeightFunction.Cauchy _ -> 1 / (1 + u * u);
          case WeightFunction.Sigmoid _ -> 2 / (1 + Math.exp(u));
          case WeightFunction.Clip _ -> cap <= 0 ? 0 : Math.min(1, cap / window.losses()[i]);
          case WeightFunction.Hard _ -> 0;
          case WeightFunction.Uniform _ -> 1;
        };
    return Math.max(weighting.floor(), f);
  }

  /** Every function, with and without propagation. */
  private static List<SweepMember> members(Random random) {
    List<SweepMember> members = new ArrayList<>();
    for (WeightFunction function : WeightFunction.ALL) {
      for (double strength : new double[] {0, 0.3 + random.nextDouble()}) {
        members.add(
            new SweepMember(
                new Weighting(
                    function,
                    random.nextDouble(3) - 1,
                    0.1 + random.nextDouble(3),
                    random.nextInt(5) == 0 ? 1 : 0.01 + 0.2 * random.nextDouble()),
                new Propagation(strength, random.nextInt(5) / 4.0)));
      }
    }
    return members;
  }

  /**
   * Dialogues of several turns with gaps, some in warm-up; means around 0, so that some caps of
   * {@code clip} are not positive; more slots and sources than occur.
   */
  private static SweepWindow window(Random random, int size) {
    int cellCount = 1 + size / 10;
    double[] means = new double[cellCount];
    double[] sds = new double[cellCount];
    for (int c = 0; c < cellCount; c++) {
      means[c] = random.nextDouble() * 3 - 1;
      sds[c] = 0.1 + random.nextDouble();
    }
    int capacity = size + random.nextInt(3);
    double[] losses = new double[capacity];
    double[] zs = new double[capacity];
    int[] cells = new int[capacity];
    int[] slots = new int[capacity];
    int[] sources = new int[capacity];
    int[] gaps = new int[capacity];
    for (int i = 0; i < size; i++) {
      gaps[i] =
          i == 0 || random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(4) / 3 * random.nextInt(9);
      slots[i] = gaps[i] == 0 ? random.nextInt(2) : Math.min(slots[i - 1] + gaps[i], 9);
      sources[i] = gaps[i] == 0 ? random.nextInt(4) : sources[i - 1];
      cells[i] = random.nextInt(cellCount);
      losses[i] = means[cells[i]] + sds[cells[i]] * random.nextGaussian() * 2;
      zs[i] = random.nextInt(10) == 0 ? Double.NaN : (losses[i] - means[cells[i]]) / sds[cells[i]];
    }
    return new SweepWindow(size, losses, zs, cells, means, sds, slots, 12, sources, 5, gaps);
  }
}
