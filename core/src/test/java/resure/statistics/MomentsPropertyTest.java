package resure.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;
import org.assertj.core.data.Offset;

/** The arithmetic of moments against two exact passes, however the observations were cut up. */
class MomentsPropertyTest {

  private static final double NEVER = Double.POSITIVE_INFINITY;

  private final BatchReducer reducer = new BatchReducer();

  @Provide
  Arbitrary<double[]> samples() {
    return Samples.arbitrary(0, 250);
  }

  @Property(tries = 400)
  void aBatchIsReducedWithinTheBoundOfTheCorrectedTwoPassAlgorithm(
      @ForAll("samples") double[] losses) {
    BatchMoments batch = reduce(losses);

    if (losses.length == 0) {
      assertThat(batch.size()).isZero();
    } else {
      ExactMoments.of(losses).assertReduced(batch.n(0), batch.mean(0), batch.m2(0));
    }
  }

  @Property(tries = 250)
  void stepsOfOneObservationAddUp(@ForAll("samples") double[] losses) {
    MomentsTable table = new MomentsTable();
    for (double loss : losses) {
      table.fold(List.of(reduce(loss)), NEVER);
    }

    ExactMoments.of(losses).assertMerged(table.moments(0), losses.length);
    assertThat(table.moments(0).seen()).isEqualTo(losses.length);
  }

  @Property(tries = 250)
  void batchesOfAnySizesInStepsOfAnySizesAddUp(
      @ForAll("samples") double[] losses, @ForAll long seed) {
    Random random = new Random(seed);
    MomentsTable table = new MomentsTable();
    List<BatchMoments> step = new ArrayList<>();
    int merges = 0;
    for (int from = 0; from < losses.length; merges++) {
      int to = Math.min(losses.length, from + random.nextInt(1 + random.nextInt(1, 200)));
      step.add(reduce(Arrays.copyOfRange(losses, from, to)));
      from = to;
      if (random.nextInt(3) == 0) {
        table.fold(step, NEVER);
        step.clear();
      }
    }
    table.fold(step, NEVER);

    ExactMoments.of(losses).assertMerged(table.moments(0), 2 * merges);
  }

  @Property(tries = 250)
  void anyTreeOfMergesAddsUp(@ForAll("samples") double[] losses, @ForAll long seed) {
    MomentsTable table = new MomentsTable();
    int depth = 0;
    if (losses.length > 0) {
      Tree tree = Tree.of(losses, 0, losses.length, new Random(seed));
      table.fold(List.of(tree.moments), NEVER);
      depth = tree.depth;
    }

    ExactMoments.of(losses).assertMerged(table.moments(0), depth);
  }

  @Example
  void theHardestSampleSoFarKeepsItsDigits() {
    double[] losses = Samples.FAR_FROM_ZERO.draw(5_000, new Random(7));
    MomentsTable table = new MomentsTable();
    for (double loss : losses) {
      table.fold(List.of(reduce(loss)), NEVER);
    }

    // The condition number is 1e12: adding up squares would leave nothing.
    ExactMoments exact = ExactMoments.of(losses);
    BatchMoments reduced = reduce(losses);
    assertThat(Math.abs(reduced.m2(0) / exact.m2() - 1)).isLessThan(1e-15);
    assertThat(Math.abs(table.moments(0).m2() / exact.m2() - 1)).isLessThan(1e-4);
  }

  @Property(tries = 100)
  void theOrderOfTheBatchesChangesOnlyTheLastBits(@ForAll("samples") double[] losses) {
    int half = losses.length / 2;
    BatchMoments first = reduce(Arrays.copyOf(losses, half));
    BatchMoments second = reduce(Arrays.copyOfRange(losses, half, losses.length));
    MomentsTable ab = new MomentsTable();
    ab.fold(List.of(first, second), NEVER);
    MomentsTable ba = new MomentsTable();
    ba.fold(List.of(second, first), NEVER);

    ExactMoments.of(losses).assertMerged(ab.moments(0), 12);
    ExactMoments.of(losses).assertMerged(ba.moments(0), 12);
  }

  @Property(tries = 150)
  void aConstantLossHasNoSpread(
      @ForAll @DoubleRange(min = -100, max = 100) @Scale(9) double loss,
      @ForAll @IntRange(min = 1, max = 3000) int size) {
    double[] losses = new double[size];
    Arrays.fill(losses, loss);

    BatchMoments batch = reduce(losses);

    assertThat(batch.mean(0)).isCloseTo(loss, byUlps(loss, 12));
    assertThat(Math.sqrt(batch.m2(0) / size)).isLessThanOrEqualTo(12 * Math.ulp(loss));
  }

  @Property(tries = 200)
  void underForgettingAnObservationCountsByWhatWasFoldedAfterIt(
      @ForAll("steps") double[][] steps,
      @ForAll @DoubleRange(min = 0.5, max = 500) @Scale(9) double halfLife) {
    MomentsTable table = new MomentsTable();
    double[] losses = Arrays.stream(steps).flatMapToDouble(Arrays::stream).toArray();
    double[] counts = new double[losses.length];
    int done = 0;
    for (double[] step : steps) {
      table.fold(List.of(reduce(step)), halfLife);
      Arrays.fill(counts, done, done + step.length, done + step.length);
      done += step.length;
    }
    for (int i = 0; i < counts.length; i++) {
      counts[i] = StrictMath.pow(2, -(done - counts[i]) / halfLife);
    }

    // A rounding of the exponent m / h is one of its size in the factor.
    int depth = 4 * steps.length + 8 + (int) (2 * done / halfLife);
    ExactMoments.weighted(losses, counts).assertMerged(table.moments(0), depth);
    assertThat(table.moments(0).seen()).isEqualTo(losses.length);
  }

  /** Samples of one kind, cut into steps. */
  @Provide
  Arbitrary<double[][]> steps() {
    return Combinators.combine(Samples.arbitrary(1, 250), Arbitraries.longs())
        .as((losses, seed) -> cut(losses, new Random(seed)));
  }

  private static double[][] cut(double[] losses, Random random) {
    List<double[]> steps = new ArrayList<>();
    int most = random.nextInt(1, 60);
    for (int from = 0; from < losses.length; ) {
      int to = Math.min(losses.length, from + random.nextInt(1, most + 1));
      steps.add(Arrays.copyOfRange(losses, from, to));
      from = to;
    }
    return steps.toArray(double[][]::new);
  }

  @Property(tries = 150)
  void afterAHalfLifeOfObservationsOldEvidenceCountsHalf(
      @ForAll @IntRange(min = 1, max = 500) int old,
      @ForAll @IntRange(min = 1, max = 500) int halfLife) {
    MomentsTable table = new MomentsTable();
    table.fold(List.of(reduce(Samples.ORDINARY.draw(old, new Random(old)))), halfLife);
    double m2 = table.moments(0).m2();
    double mean = table.moments(0).mean();
    double[] constant = new double[halfLife];
    Arrays.fill(constant, mean);
    table.fold(List.of(reduce(constant)), halfLife);

    assertThat(table.moments(0).n()).isEqualTo(old / 2.0 + halfLife);
    assertThat(table.moments(0).m2()).isCloseTo(m2 / 2, byUlps(m2 + 1, 8));
    assertThat(table.moments(0).seen()).isEqualTo(old + halfLife);
  }

  @Property(tries = 100)
  void aVeryShortMemoryKeepsTheLastStepOnly(@ForAll("steps") double[][] steps) {
    MomentsTable table = new MomentsTable();
    for (double[] step : steps) {
      table.fold(List.of(reduce(step)), 1e-6);
    }

    BatchMoments last = reduce(steps[steps.length - 1]);
    assertThat(table.moments(0).n()).isEqualTo(last.n(0));
    assertThat(table.moments(0).mean()).isEqualTo(last.mean(0));
    assertThat(table.moments(0).m2()).isEqualTo(last.m2(0));
  }

  private BatchMoments reduce(double... losses) {
    int[] offsets = new int[losses.length + 1];
    Arrays.setAll(offsets, i -> i);
    return reducer.reduce(losses, offsets, null, 1, 1e100, new double[0]);
  }

  private static Offset<Double> byUlps(double of, int ulps) {
    return Offset.offset(ulps * Math.ulp(of));
  }

  /** Moments of a sample that was split at random down to single observations. */
  private record Tree(BatchMoments moments, int depth) {

    static Tree of(double[] losses, int from, int to, Random random) {
      if (to - from == 1) {
        return new Tree(triple(1, losses[from], 0), 0);
      }
      int middle = from + 1 + random.nextInt(to - from - 1);
      Tree left = of(losses, from, middle, random);
      Tree right = of(losses, middle, to, random);
      MomentsTable merged = new MomentsTable();
      merged.fold(List.of(left.moments, right.moments), NEVER);
      Moments m = merged.moments(0);
      return new Tree(triple(m.n(), m.mean(), m.m2()), 1 + Math.max(left.depth, right.depth));
    }

    private static BatchMoments triple(double n, double mean, double m2) {
      return new BatchMoments(
          new int[] {0}, new double[] {n}, new double[] {mean}, new double[] {m2});
    }
  }
}
