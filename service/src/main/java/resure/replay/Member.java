package resure.replay;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.SweepMember;
import resure.compute.Swept;
import resure.weighting.Configuration;

/** One configuration of a plan with all that its weights have come to. One thread at a time. */
final class Member {

  private final int index;
  private final SweepMember weighed;
  private final long[] below;
  private final double[] sums;
  private final double[] squares;
  private final @Nullable Separating separating;
  private double steadiness = Double.NaN;

  /**
   * Before anything was weighed.
   *
   * @param index of the configuration in its plan
   * @param row number of slots and sources
   * @param separating null without labels
   */
  Member(int index, Configuration configuration, int row, @Nullable Separating separating) {
    this.index = index;
    weighed = new SweepMember(configuration.weighting(), configuration.propagation());
    below = new long[row];
    sums = new double[row];
    squares = new double[row];
    this.separating = separating;
  }

  SweepMember weighed() {
    return weighed;
  }

  /** Adds the {@code m}-th row of a sweep over {@code window}. */
  void add(Swept swept, int m, Columns window) {
    int row = below.length;
    for (int i = 0; i < row; i++) {
      below[i] += swept.below()[m * row + i];
      sums[i] += swept.sums()[m * row + i];
      squares[i] += swept.squares()[m * row + i];
    }
    if (separating != null) {
      separating.add(window, swept.weights(), m * window.size());
    }
  }

  void steadiness(double value) {
    steadiness = value;
  }

  /**
   * The result, once everything was added.
   *
   * @param counts usable observations of each slot, then of each source
   */
  ReplayResult result(long[] counts, SourceTable sourceTable) {
    int slots = counts.length - sourceTable.size();
    Tally all = Tally.NONE;
    List<TurnTally> turns = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      if (counts[slot] > 0) {
        Tally tally = tally(counts, slot);
        turns.add(new TurnTally(slot, tally));
        all = all.plus(tally);
      }
    }
    List<SourceTally> sources = new ArrayList<>();
    for (int source = 0; source < sourceTable.size(); source++) {
      if (counts[slots + source] > 0) {
        sources.add(
            new SourceTally(
                sourceTable.name(source),
                sourceTable.other(source),
                tally(counts, slots + source)));
      }
    }
    return new ReplayResult(
        index,
        all,
        turns,
        sources,
        steadiness,
        separating == null ? null : separating.separation());
  }

  int index() {
    return index;
  }

  private Tally tally(long[] counts, int i) {
    long ones = counts[i] - below[i];
    return new Tally(counts[i], ones + sums[i], ones + squares[i], below[i]);
  }
}
