package resure.statistics;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Samples of losses that are hard to sum up, of every size from none on. */
enum Samples {
  ORDINARY {
    @Override
    double next(Random random) {
      return 2.5 + 0.7 * random.nextGaussian();
    }
  },
  CONSTANT {
    @Override
    double[] draw(int size, Random random) {
      double[] values = new double[size];
      Arrays.fill(values, 10 * random.nextGaussian());
      return values;
    }
  },
  FAR_FROM_ZERO {
    @Override
    double next(Random random) {
      return 1e9 + 1e-3 * random.nextGaussian();
    }
  },
  NEGATIVE {
    @Override
    double next(Random random) {
      return -3 + random.nextGaussian();
    }
  },
  MIXED_MAGNITUDES {
    @Override
    double next(Random random) {
      return random.nextGaussian() * Math.pow(10, random.nextInt(-12, 13));
    }
  },
  SUBNORMAL {
    @Override
    double next(Random random) {
      return Double.MIN_VALUE * random.nextInt(-1000, 1000);
    }
  },
  /** As large as a run's maxLoss can be. */
  LARGEST {
    @Override
    double next(Random random) {
      return 1e100 * (1 - 2 * random.nextDouble());
    }
  };

  double next(Random random) {
    throw new UnsupportedOperationException(name() + " draws whole samples");
  }

  double[] draw(int size, Random random) {
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      values[i] = next(random);
    }
    return values;
  }

  /** Samples of every kind with {@code from} to {@code to} values, small sizes often. */
  static Arbitrary<double[]> arbitrary(int from, int to) {
    Arbitrary<Integer> sizes =
        Arbitraries.frequencyOf(
            Tuple.of(1, Arbitraries.integers().between(from, Math.min(to, from + 3))),
            Tuple.of(4, Arbitraries.integers().between(from, to)));
    return Combinators.combine(Arbitraries.of(List.of(values())), sizes, Arbitraries.longs())
        .as((kind, size, seed) -> kind.draw(size, new Random(seed)));
  }
}
