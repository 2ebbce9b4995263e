package resure.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BatchReducerTest {

  private static final double[] NO_CAPS = {};

  private final BatchReducer reducer = new BatchReducer();

  @Test
  void sumsAreThoseOfReducingLevelByLevelForEverySmallLength() {
    for (int length = 0; length <= 600; length++) {
      assertSameSum(length, length);
    }
  }

  @Property(tries = 150)
  void sumsAreThoseOfReducingLevelByLevel(
      @ForAll @IntRange(min = 600, max = 70_000) int length, @ForAll long seed) {
    assertSameSum(length, seed);
  }

  private static void assertSameSum(int length, long seed) {
    double[] values = new double[length + 5];
    Random random = new Random(seed);
    Arrays.setAll(values, i -> random.nextGaussian() * Math.pow(10, random.nextInt(-8, 8)));

    double sum = BatchReducer.pairwiseSum(values, 3, 3 + length);

    assertThat(Double.doubleToLongBits(sum))
        .as("%d values of seed %d", length, seed)
        .isEqualTo(Double.doubleToLongBits(levelByLevel(values, 3, length)));
  }

  /** Adjacent pairs added until one is left, an odd one carried up as it is. */
  private static double levelByLevel(double[] values, int from, int length) {
    double[] level = Arrays.copyOfRange(values, from, from + length);
    while (level.length > 1) {
      double[] next = new double[(level.length + 1) / 2];
      for (int i = 0; i < next.length; i++) {
        next[i] = 2 * i + 1 < level.length ? level[2 * i] + level[2 * i + 1] : level[2 * i];
      }
      level = next;
    }
    return level.length == 0 ? 0 : level[0];
  }

  @Test
  void turnsGoToTheirSlotsAndLateOnesToTheLast() {
    double[] losses = {1, 2, 3, 10, 20, 30, 40, 7};
    int[] offsets = {0, 3, 3, 7, 8};
    long[] firstTurns = {0, 5, 1, (1L << 53) - 1};

    BatchMoments batch = reducer.reduce(losses, offsets, firstTurns, 3, 100, NO_CAPS);

    assertThat(batch.size()).isEqualTo(3);
    assertTriple(batch, 0, 0, 1, 1, 0);
    assertTriple(batch, 1, 1, 2, 6, 32);
    assertTriple(batch, 2, 2, 5, 20, 958);
  }

  private static void assertTriple(
      BatchMoments batch, int i, int slot, double n, double mean, double m2) {
    assertThat(batch.slot(i)).isEqualTo(slot);
    assertThat(batch.n(i)).isEqualTo(n);
    assertThat(batch.mean(i)).isEqualTo(mean);
    assertThat(batch.m2(i)).isEqualTo(m2);
  }

  @Test
  void aSlotWithoutAUsableLossIsAbsent() {
    double[] losses = {Double.NaN, 2, Double.POSITIVE_INFINITY, 4, -101, 5};

    BatchMoments batch = reducer.reduce(losses, new int[] {0, 6}, null, 64, 100, NO_CAPS);

    assertThat(batch.size()).isEqualTo(3);
    assertTriple(batch, 0, 1, 1, 2, 0);
    assertTriple(batch, 1, 3, 1, 4, 0);
    assertTriple(batch, 2, 5, 1, 5, 0);
  }

  @Test
  void aLossOfExactlyTheLargestMagnitudeCountsAndTheNextNumberDoesNot() {
    double[] losses = {
      100, Math.nextUp(100), -100, Math.nextDown(-100.0), 9e5, -9e5, -Double.MAX_VALUE
    };

    BatchMoments batch = reducer.reduce(losses, everyLossItsDialogue(7), null, 64, 100, NO_CAPS);

    assertThat(batch.size()).isEqualTo(1);
    assertTriple(batch, 0, 0, 2, 0, 20_000);
  }

  @Test
  void whatExceedsTheCapOfItsSlotCountsAsTheCap() {
    double[] losses = {1, 50, 50, 3, 5, 50};

    BatchMoments batch =
        reducer.reduce(
            losses, new int[] {0, 3, 6}, null, 64, 100, new double[] {2, Double.POSITIVE_INFINITY});

    assertTriple(batch, 0, 0, 2, 1.5, 0.5);
    assertTriple(batch, 1, 1, 2, 27.5, 1012.5);
    assertTriple(batch, 2, 2, 2, 50, 0);
  }

  @Test
  void nothingUsableIsNothing() {
    double[] nans = {Double.NaN, Double.NaN};

    assertThat(reducer.reduce(nans, new int[] {0, 2}, null, 64, 100, NO_CAPS))
        .isSameAs(BatchMoments.NONE);
    assertThat(reducer.reduce(new double[0], new int[] {0}, null, 64, 100, NO_CAPS))
        .isSameAs(BatchMoments.NONE);
  }

  @Test
  void whatWasReducedBeforeLeavesNoTrace() {
    double[] large = new double[5_000];
    Arrays.fill(large, 17);
    int[] turns = {0, 1_000, 2_000, 3_000, 4_000, 5_000};
    double[] small = {1, 2, 4};
    BatchMoments fresh = new BatchReducer().reduce(small, new int[] {0, 3}, null, 2, 100, NO_CAPS);

    reducer.reduce(large, turns, null, 1_024, 100, NO_CAPS);
    BatchMoments after = reducer.reduce(small, new int[] {0, 3}, null, 2, 100, NO_CAPS);

    assertThat(after).usingRecursiveComparison().isEqualTo(fresh);
  }

  private static int[] everyLossItsDialogue(int losses) {
    int[] offsets = new int[losses + 1];
    Arrays.setAll(offsets, i -> i);
    return offsets;
  }
}
