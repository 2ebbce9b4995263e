package resure.drift;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TurnDriftTest {

  private static final TurnDrift LOW = new TurnDrift(2, 0.5, -1, false, 3, 2, 70);
  private static final TurnDrift HIGH = new TurnDrift(3, 0.25, 0.5, true, 1, 1, 90);

  @Test
  void pooledTurnsShowTheHigherGaugeAndAllThatWasRaised() {
    TurnDrift expected = new TurnDrift(3, 0.25, 0.5, true, 4, 3, 90);

    assertThat(LOW.pooled(HIGH)).isEqualTo(expected);
    assertThat(HIGH.pooled(LOW)).isEqualTo(expected);
  }

  @Test
  void pooledWithATurnThatHasNotComeATurnIsItself() {
    assertThat(LOW.pooled(TurnDrift.NONE)).isEqualTo(LOW);
    assertThat(TurnDrift.NONE.pooled(LOW)).isEqualTo(LOW);
    assertThat(TurnDrift.NONE.pooled(TurnDrift.NONE)).isEqualTo(TurnDrift.NONE);
  }
}
