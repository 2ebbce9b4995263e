package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SampleCountsTest {

  @Test
  void countsOfFewStepsAreExact() {
    SampleCounts counts = new SampleCounts();
    assertThat(counts.before(0)).isZero();
    assertThat(counts.before(9)).isZero();
    counts.folded(3, 10);
    counts.folded(3, 1);
    counts.folded(7, 20);
    // Late.
    counts.folded(5, 4);
    counts.folded(8, 1);
    assertThat(counts.before(3)).isEqualTo(0);
    assertThat(counts.before(4)).isEqualTo(11);
    assertThat(counts.before(7)).isEqualTo(11);
    assertThat(counts.before(8)).isEqualTo(35);
    assertThat(counts.before(9)).isEqualTo(36);
    assertThat(counts.before(Long.MAX_VALUE)).isEqualTo(36);
  }

  @Test
  void countsOfManyStepsAreWithinHalfAPercentOfAll() throws IOException {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      SampleCounts counts = new SampleCounts();
      Map<Long, Long> exact = new TreeMap<>();
      long total = 0;
      long step = random.nextInt(5);
      int steps = 1 + random.nextInt(20_000);
      for (int i = 0; i < steps; i++) {
        long observations = random.nextInt(200);
        total += observations;
        counts.folded(step, observations);
        exact.put(step + 1, total);
        step += 1 + random.nextInt(3);
        if (i == steps / 2) {
          counts = written(counts);
        }
      }
      long bound = steps <= 512 ? 0 : total / 200;
      long last = 0;
      for (Map.Entry<Long, Long> each : exact.entrySet()) {
        long before = counts.before(each.getKey());
        assertThat(Math.abs(before - each.getValue()))
            .as("seed %d, %d steps, before %d", seed, steps, each.getKey())
            .isLessThanOrEqualTo(bound);
        assertThat(before).isGreaterThanOrEqualTo(last);
        last = before;
      }
      assertThat(last).isEqualTo(total);
    }
  }

  private static SampleCounts written(SampleCounts counts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    counts.write(new DataOutputStream(bytes));
    return SampleCounts.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
