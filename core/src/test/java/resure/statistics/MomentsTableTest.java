package resure.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MomentsTableTest {

  private static final double NEVER = Double.POSITIVE_INFINITY;

  @Test
  void aSlotNeverUsedHasNoMoments() {
    MomentsTable table = new MomentsTable();

    assertThat(table.slots()).isZero();
    assertThat(table.moments(0)).isEqualTo(Moments.NONE);
    assertThat(table.moments(1_000)).isEqualTo(Moments.NONE);
  }

  @Test
  void theFirstFoldIsTheBatchItself() {
    MomentsTable table = new MomentsTable();

    table.fold(List.of(batch(new int[] {1, 4}, 3, 2.5, 0.75)), 10);

    assertThat(table.slots()).isEqualTo(5);
    assertThat(table.moments(0)).isEqualTo(Moments.NONE);
    assertThat(table.moments(1)).isEqualTo(new Moments(3, 2.5, 0.75, 3));
    assertThat(table.moments(4)).isEqualTo(new Moments(3, 2.5, 0.75, 3));
  }

  @Test
  void foldsByTheFormulaInItsOrder() {
    MomentsTable table = new MomentsTable();
    table.set(0, new Moments(8, 2, 10, 40));

    table.fold(
        List.of(batch(new int[] {0}, 3, 1, 0.5), BatchMoments.NONE, batch(new int[] {0}, 1, 5, 0)),
        4);

    // The step: n 4, mean 1 + 4 * 1 / 4 = 2, M2 0.5 + 16 * 3 / 4 = 12.5. Four observations are one
    // half-life.
    assertThat(table.moments(0)).isEqualTo(new Moments(8, 2, 17.5, 44));
  }

  @Test
  void aSampleIsMergedAsAStepOfItsOwnIs() {
    MomentsTable table = new MomentsTable();
    table.set(1, new Moments(8, 2, 10, 40));

    table.merge(1, 0.5, new Moments(4, 2, 12.5, 4));
    table.merge(0, 0.5, new Moments(3, 2.5, 0.75, 3));

    assertThat(table.moments(0)).isEqualTo(new Moments(3, 2.5, 0.75, 3));
    assertThat(table.moments(1)).isEqualTo(new Moments(8, 2, 17.5, 44));
    assertThat(MomentsTable.merged(List.of()).slots()).isZero();
  }

  @Test
  void aStepAgesOnlyTheSlotsThatItReaches() {
    MomentsTable table = new MomentsTable();
    table.fold(List.of(batch(new int[] {0, 1}, 8, 2, 4)), 8);

    table.fold(List.of(batch(new int[] {1}, 8, 2, 4)), 8);
    table.fold(List.of(BatchMoments.NONE), 8);
    table.fold(List.of(), 8);

    assertThat(table.moments(0)).isEqualTo(new Moments(8, 2, 4, 8));
    assertThat(table.moments(1)).isEqualTo(new Moments(12, 2, 6, 16));
  }

  @Test
  void evidenceThatHasFadedToNothingIsReplaced() {
    MomentsTable table = new MomentsTable();
    table.fold(List.of(batch(new int[] {0}, 8, 50, 4)), 1e-3);

    table.fold(List.of(batch(new int[] {0}, 2, 1, 0.5)), 1e-3);

    assertThat(table.moments(0)).isEqualTo(new Moments(2, 1, 0.5, 10));
  }

  @Test
  void aCopyAndItsOriginalChangeApart() {
    MomentsTable table = new MomentsTable();
    table.fold(List.of(batch(new int[] {0}, 3, 2, 1)), NEVER);
    MomentsTable copy = table.copy();

    table.fold(List.of(batch(new int[] {0, 70}, 1, 9, 0)), NEVER);
    copy.set(1, new Moments(1.5, 1, 1, 9));

    assertThat(copy.moments(0)).isEqualTo(new Moments(3, 2, 1, 3));
    assertThat(copy.moments(1)).isEqualTo(new Moments(1.5, 1, 1, 9));
    assertThat(copy.slots()).isEqualTo(2);
    assertThat(table.slots()).isEqualTo(71);
    assertThat(table.moments(1)).isEqualTo(Moments.NONE);
  }

  @Test
  void aRunOfFewerSlotsInheritsTheLaterOnesPooledAndOneOfMoreEachWhereItIs() {
    MomentsTable table = new MomentsTable();
    table.set(0, new Moments(8, 2, 10, 40));
    table.set(1, new Moments(3, 1, 0.5, 3));
    table.set(3, new Moments(1, 5, 0, 7));

    MomentsTable fewer = table.inherited(2, NEVER);
    MomentsTable one = table.inherited(1, NEVER);
    MomentsTable more = table.inherited(64, NEVER);

    assertThat(fewer.slots()).isEqualTo(2);
    assertThat(fewer.moments(0)).isEqualTo(new Moments(8, 2, 10, 40));
    assertThat(fewer.moments(1)).isEqualTo(new Moments(4, 2, 12.5, 10));
    assertThat(one.slots()).isEqualTo(1);
    assertThat(one.moments(0)).isEqualTo(table.pooled(0));
    assertThat(more.slots()).isEqualTo(4);
    for (int slot = 0; slot < 4; slot++) {
      assertThat(more.moments(slot)).as("slot %d", slot).isEqualTo(table.moments(slot));
    }
    assertThat(table.moments(1)).as("the original").isEqualTo(new Moments(3, 1, 0.5, 3));
  }

  @Test
  void inheritedEvidenceIsBoundedAfterPoolingByAgeingIt() {
    MomentsTable table = new MomentsTable();
    table.set(0, new Moments(8, 2, 10, 40));
    table.set(1, new Moments(3, 1, 0.5, 3));
    table.set(2, new Moments(1, 5, 0, 7));

    MomentsTable bounded = table.inherited(2, 3.5);

    assertThat(bounded.moments(0)).isEqualTo(new Moments(3.5, 2, 10 * (3.5 / 8), 40));
    assertThat(bounded.moments(1)).isEqualTo(new Moments(3.5, 2, 12.5 * (3.5 / 4), 10));
    assertThat(table.inherited(3, 3.5).moments(1)).isEqualTo(new Moments(3, 1, 0.5, 3));
    assertThat(new MomentsTable().inherited(4, 2).slots()).isZero();
  }

  @Test
  void aStandardDeviationNeedsMoreThanOneObservation() {
    assertThat(Moments.NONE.sd()).isNaN();
    assertThat(new Moments(1, 2, 0, 1).sd()).isNaN();
    assertThat(new Moments(1.5, 2, 2, 9).sd()).isEqualTo(2);
    assertThat(new Moments(5, 2, 1, 5).sd()).isEqualTo(0.5);
  }

  private static BatchMoments batch(int[] slots, double n, double mean, double m2) {
    double[] ns = new double[slots.length];
    double[] means = new double[slots.length];
    double[] m2s = new double[slots.length];
    Arrays.fill(ns, n);
    Arrays.fill(means, mean);
    Arrays.fill(m2s, m2);
    return new BatchMoments(slots, ns, means, m2s);
  }
}
