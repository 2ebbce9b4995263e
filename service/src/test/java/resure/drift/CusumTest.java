package resure.drift;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CusumTest {

  @Test
  void itIsRaisedOnceSomeRunOfTheNewestValuesAddsUpToMoreThanTheLimit() {
    for (int seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      Cusum cusum = new Cusum(0.25, 3);
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        values.add(random.nextGaussian());
        double largest = 0;
        double sum = 0;
        for (int from = i; from >= 0; from--) {
          sum += values.get(from) - 0.25;
          largest = Math.max(largest, sum);
        }
        assertThat(cusum.add(values.get(i)))
            .as("seed %d, value %d", seed, i)
            .isEqualTo(largest > 3);
        if (largest > 3) {
          break;
        }
      }
    }
  }

  @Test
  void onceRaisedItIsSoUntilTheSumIsBackAtNothing() {
    Cusum cusum = new Cusum(0.5, 3);
    assertThat(cusum.add(3.5)).as("3 is not above 3").isFalse();
    assertThat(cusum.add(1)).isTrue();
    assertThat(cusum.add(1)).as("raised already").isFalse();
    assertThat(cusum.sum()).isEqualTo(4);
    assertThat(cusum.add(-3)).isFalse();
    assertThat(cusum.sum()).isEqualTo(0.5);
    assertThat(cusum.raised()).isTrue();
    cusum.add(0);
    assertThat(cusum.sum()).isZero();
    assertThat(cusum.raised()).isFalse();
    assertThat(cusum.add(4)).isTrue();
  }

  @Test
  void theWayBackIsNoLongerForHavingBeenRaisedLonger() {
    Cusum cusum = new Cusum(0.5, 3);
    for (int i = 0; i < 1_000; i++) {
      cusum.add(4);
    }
    assertThat(cusum.sum()).isEqualTo(6);
    for (int i = 0; i < 12; i++) {
      assertThat(cusum.raised()).isTrue();
      cusum.add(0);
    }
    assertThat(cusum.raised()).isFalse();
  }
}
