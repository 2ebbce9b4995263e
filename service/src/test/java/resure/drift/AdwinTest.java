package resure.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AdwinTest {

  private static final double DELTA = DriftLimits.CALIBRATED.delta();

  @Test
  void itCutsWhereBruteForceOverEveryWindowDoes() {
    int rises = 0;
    int falls = 0;
    for (int seed = 0; seed < 25; seed++) {
      Random random = new Random(seed);
      Adwin adwin = new Adwin(DELTA);
      EveryWindow oracle = new EveryWindow(DELTA);
      double r = random.nextInt(3) * 0.4;
      double level = 0;
      double noise = 0;
      for (int i = 0; i < 700; i++) {
        if (random.nextInt(80) == 0) {
          level = random.nextInt(-3, 4);
        }
        noise = r * noise + Math.sqrt(1 - r * r) * random.nextGaussian();
        double value = level + noise;
        int before = oracle.buckets().stream().mapToInt(List::size).sum();

        boolean risen = adwin.add(value, 0.5, 0.25);

        assertThat(risen).as("seed %d, value %d", seed, i).isEqualTo(oracle.add(value, 0.5, 0.25));
        same(adwin.state().buckets(), oracle.buckets(), "seed %d, value %d".formatted(seed, i));
        rises += risen ? 1 : 0;
        int after = oracle.buckets().stream().mapToInt(List::size).sum();
        falls += !risen && after < before ? 1 : 0;
      }
    }
    assertThat(rises).isGreaterThan(20);
    assertThat(falls).isGreaterThan(20);
  }

  private static void same(List<TurnState.Bucket> kept, List<List<Double>> expected, String as) {
    assertThat(kept).as(as).hasSameSizeAs(expected);
    for (int i = 0; i < kept.size(); i++) {
      TurnState.Bucket bucket = kept.get(i);
      assertThat(bucket.size()).as(as).isEqualTo(expected.get(i).size());
      assertThat(bucket.sum() / bucket.size())
          .as(as)
          .isCloseTo(EveryWindow.mean(expected.get(i)), within(1e-12));
      assertThat(bucket.m2()).as(as).isCloseTo(EveryWindow.squares(expected.get(i)), within(1e-9));
    }
  }

  @Property(tries = 50)
  void theWindowIsBoundedAndFallsAreNeverReported(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5_000) int values,
      @ForAll @DoubleRange(min = 0, max = 0.1) double slope) {
    Random random = new Random(seed);
    Adwin adwin = new Adwin(DELTA);
    for (int i = 0; i < values; i++) {
      // Steps down of one and more; a rise of 0.8 or so would take luck of 1 in 10^12.
      double value = -slope * i - i / 500 + 0.05 * random.nextGaussian();
      assertThat(adwin.add(value, value - 10, 0.5)).isFalse();
      List<TurnState.Bucket> buckets = adwin.state().buckets();
      assertThat(buckets).hasSizeLessThanOrEqualTo(Adwin.BUCKETS * Adwin.SIZES);
      for (int size = 1; size <= 1 << Adwin.SIZES; size *= 2) {
        int each = size;
        assertThat(buckets.stream().filter(b -> b.size() == each).count())
            .isLessThanOrEqualTo(Adwin.BUCKETS);
      }
    }
  }

  @Property(tries = 100)
  void scalingAndShiftingTheValuesChangesNothing(
      @ForAll long seed,
      @ForAll @IntRange(min = -20, max = 20) int exponent,
      @ForAll @IntRange(min = -8, max = 8) int shift) {
    Random random = new Random(seed);
    double scale = StrictMath.scalb(1.0, exponent);
    Adwin plain = new Adwin(DELTA);
    Adwin other = new Adwin(DELTA);
    for (int i = 0; i < 300; i++) {
      double value = (i >= 150 ? 1.5 : 0) + random.nextGaussian();
      boolean risen = plain.add(value, 0, 0.1);
      assertThat(other.add(scale * (value + shift), scale * shift, 0.1 * scale))
          .as("value %d", i)
          .isEqualTo(risen);
    }
  }

  @Property(tries = 100)
  void aRestoredWindowGoesOnAsTheOther(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 400) int restoredAt) {
    Random random = new Random(seed);
    Adwin through = new Adwin(DELTA);
    Adwin stopped = new Adwin(DELTA);
    for (int i = 0; i < 400; i++) {
      if (i == restoredAt) {
        Adwin restored = new Adwin(DELTA);
        restored.restore(stopped.state());
        stopped = restored;
      }
      double value = i / 100 + random.nextGaussian();
      assertThat(stopped.add(value, 0, 0.1)).isEqualTo(through.add(value, 0, 0.1));
      assertThat(stopped.state()).isEqualTo(through.state());
    }
  }

  @Test
  void aRiseBelowTheLevelOrTooSmallIsCutInSilence() {
    for (double level : new double[] {0, 10}) {
      for (double rise : new double[] {0.5, 1.5}) {
        Adwin adwin = new Adwin(DELTA);
        Random random = new Random(1);
        boolean reported = false;
        for (int i = 0; i < 200; i++) {
          reported |= adwin.add((i >= 100 ? 1 : 0) + 0.1 * random.nextGaussian(), level, rise);
        }
        assertThat(reported).isEqualTo(level == 0 && rise == 0.5);
        int kept = adwin.state().buckets().stream().mapToInt(TurnState.Bucket::size).sum();
        assertThat(kept).isBetween(90, 115);
      }
    }
  }

  @Test
  void valuesThatAreAllTheSameDoNotRise() {
    Adwin adwin = new Adwin(DELTA);
    for (int i = 0; i < 2_000; i++) {
      assertThat(adwin.add(0.1, -1, 1e-9)).isFalse();
    }
  }
}
