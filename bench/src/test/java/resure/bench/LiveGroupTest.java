package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import resure.compute.jvm.JvmCompute;
import resure.observation.ObservationBatch;

class LiveGroupTest {

  @Test
  void observationsAreSpreadEvenlyInDialoguesOfEightTurnsTheLastOneShorter() {
    List<ObservationBatch> batches = LiveGroup.batches(59, 3);

    assertThat(batches).extracting(ObservationBatch::size).containsExactly(20, 20, 19);
    assertThat(batches.getFirst().offsets()).containsExactly(0, 8, 16, 20);
    assertThat(batches.getFirst().losses()).isNotEqualTo(batches.get(1).losses());
  }

  @Test
  void justUnderHalfOfTheLossesAreDownWeightedFromTheFirstStepOn() {
    try (LiveGroup group = new LiveGroup(new JvmCompute(), LiveGroup.batches(100_000, 10), false)) {
      assertThat(LiveGroup.downWeighted(group.step())).isCloseTo(0.47, within(0.04));
    }
  }

  @Test
  void eachStepIsFoldedIntoWhatTheNextIsWeighedAgainst() {
    List<ObservationBatch> batches = LiveGroup.batches(64, 2);
    try (LiveGroup once = new LiveGroup(new JvmCompute(), batches, false);
        LiveGroup twice = new LiveGroup(new JvmCompute(), batches, false)) {
      once.step();
      twice.step();
      once.requireSameAs(twice);

      twice.step();
      assertThatThrownBy(() -> once.requireSameAs(twice))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("statistics of run 0 of 2 differ");
    }
  }
}
