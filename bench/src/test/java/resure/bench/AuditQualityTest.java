package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class AuditQualityTest {

  private static final List<Boolean> BAD = List.of(true, false, true, true, false);

  @Test
  void precisionIsTheShareOfBadOnesAmongTheFirst() {
    assertThat(AuditQuality.precision(BAD, 1)).isEqualTo(1);
    assertThat(AuditQuality.precision(BAD, 4)).isEqualTo(0.75);
    assertThat(AuditQuality.precision(BAD, 100)).isEqualTo(0.6);
  }

  @Test
  void averagePrecisionIsTheMeanOverTheBadOnes() {
    // 1/1, 2/3 and 3/4
    assertThat(AuditQuality.averagePrecision(BAD))
        .isCloseTo((1 + 2 / 3.0 + 3 / 4.0) / 3, within(1e-15));
    assertThat(AuditQuality.averagePrecision(List.of(false))).isNaN();
  }
}
