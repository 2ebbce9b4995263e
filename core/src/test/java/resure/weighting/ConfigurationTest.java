package resure.weighting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ConfigurationTest {

  private static final Configuration DEFAULT = Configuration.DEFAULT;
  private static final double NAN = Double.NaN;
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  @Test
  void valuesAtTheEndsOfTheirRangesAreTaken() {
    assertThat(DEFAULT.withWarmUp(2).warmUp()).isEqualTo(2);
    assertThat(DEFAULT.withMaxTurns(1).withMaxTurns(1024).maxTurns()).isEqualTo(1024);
    assertThat(DEFAULT.withMaxLoss(Double.MIN_VALUE).withMaxLoss(1e100).maxLoss()).isEqualTo(1e100);
    assertThat(DEFAULT.withHalfLife(Double.MIN_VALUE).withHalfLife(INFINITY).halfLife())
        .isEqualTo(INFINITY);
    assertThat(DEFAULT.withLag(0).withLag(16).lag()).isEqualTo(16);
    assertThat(new Propagation(0, 0).withStrength(1e9).withDecay(1).decay()).isEqualTo(1);
    assertThat(Weighting.DEFAULT.withThreshold(-1e300).withSharpness(1e-300).withFloor(1).floor())
        .isEqualTo(1);
  }

  @Test
  void valuesBeyondTheirRangesAreRefusedByName() {
    refuses("warmUp", () -> DEFAULT.withWarmUp(1));
    refuses("maxTurns", () -> DEFAULT.withMaxTurns(0));
    refuses("maxTurns", () -> DEFAULT.withMaxTurns(1025));
    refuses("lag", () -> DEFAULT.withLag(-1));
    refuses("lag", () -> DEFAULT.withLag(17));
    for (double value : new double[] {0, -1, NAN, INFINITY, Math.nextUp(1e100)}) {
      refuses("maxLoss", () -> DEFAULT.withMaxLoss(value));
    }
    for (double value : new double[] {0, -1, NAN}) {
      refuses("halfLife", () -> DEFAULT.withHalfLife(value));
    }
    for (double value : new double[] {NAN, INFINITY, -INFINITY}) {
      refuses("threshold", () -> Weighting.DEFAULT.withThreshold(value));
    }
    for (double value : new double[] {0, -1, NAN, INFINITY}) {
      refuses("sharpness", () -> Weighting.DEFAULT.withSharpness(value));
    }
    for (double value : new double[] {0, -1, NAN, 1.0001}) {
      refuses("floor", () -> Weighting.DEFAULT.withFloor(value));
    }
    for (double value : new double[] {-1e-9, NAN, INFINITY}) {
      refuses("strength", () -> Propagation.DEFAULT.withStrength(value));
    }
    for (double value : new double[] {-1e-9, NAN, 1.0001}) {
      refuses("decay", () -> Propagation.DEFAULT.withDecay(value));
    }
  }

  private static void refuses(String field, ThrowingCallable change) {
    assertThatThrownBy(change)
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageStartingWith(field + " must be ");
  }

  @Test
  void turnsPastTheLastSlotShareIt() {
    Configuration three = DEFAULT.withMaxTurns(3);

    assertThat(three.slot(0)).isEqualTo(0);
    assertThat(three.slot(2)).isEqualTo(2);
    assertThat(three.slot(3)).isEqualTo(2);
    assertThat(three.slot((1L << 53) - 1)).isEqualTo(2);
  }

  @Test
  void effectiveSampleSizeCountsEqualWeightsInFullAndNoneAsZero() {
    assertThat(EffectiveSampleSize.of(0, 0)).isZero();
    assertThat(EffectiveSampleSize.of(8 * 0.25, 8 * 0.0625)).isEqualTo(8);
    assertThat(EffectiveSampleSize.of(1 + 0.5, 1 + 0.25)).isEqualTo(1.8);
  }
}
