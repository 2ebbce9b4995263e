package resure.compute.jvm;

import java.util.Arrays;
import java.util.List;
import resure.compute.Sweep;
import resure.compute.SweepMember;
import resure.compute.SweepWindow;
import resure.compute.Swept;
import resure.weighting.Propagation;
import resure.weighting.Weighting;

/**
 * Sweeps on the CPU, one member after the other: the reference, whose weights are the bits that
 * {@link JvmCompute} answers. One owner at a time.
 */
public final class JvmSweep implements Sweep {

  /** A call takes a few milliseconds then. */
  private static final int WEIGHINGS_AT_ONCE = 1 << 20;

  private static final int BLOCK = 1024;

  private static final double[] NO_WEIGHTS = {};

  /** Of a block, the observations beyond the threshold. */
  private final int[] beyond = new int[BLOCK];

  @Override
  public int membersAtOnce(int observations) {
    return Math.max(1, WEIGHINGS_AT_ONCE / Math.max(1, observations));
  }

  @Override
  public Swept weigh(SweepWindow window, List<SweepMember> members, boolean withWeights) {
    int row = window.slotCount() + window.sourceCount();
    long[] below = new long[members.size() * row];
    double[] sums = new double[below.length];
    double[] squares = new double[below.length];
    double[] weights =
        withWeights ? new double[Math.multiplyExact(members.size(), window.size())] : NO_WEIGHTS;
    Arrays.fill(weights, 1);
    Swept swept = new Swept(below, sums, squares, weights);
    for (int m = 0; m < members.size(); m++) {
      SweepMember member = members.get(m);
      if (member.propagation().strength() > 0) {
        weighDialogues(window, member, swept, m);
      } else {
        weighEach(window, member.weighting(), swept, m);
      }
    }
    return swept;
  }

  /**
   * Most observations are below the threshold and have a weight of 1: those beyond are found first,
   * without a branch, which would be mispredicted for most of them.
   */
  private void weighEach(SweepWindow window, Weighting weighting, Swept swept, int member) {
    double[] zs = window.zs();
    double threshold = weighting.threshold();
    for (int from = 0; from < window.size(); from += BLOCK) {
      int to = Math.min(from + BLOCK, window.size());
      int found = 0;
      for (int i = from; i < to; i++) {
        beyond[found] = i;
        found += zs[i] > threshold ? 1 : 0;
      }
      for (int k = 0; k < found; k++) {
        add(window, swept, member, beyond[k], weight(window, weighting, beyond[k]));
      }
    }
  }

  private static void weighDialogues(
      SweepWindow window, SweepMember member, Swept swept, int index) {
    Weighting weighting = member.weighting();
    Propagation propagation = member.propagation();
    int[] gaps = window.gaps();
    double carried = 0;
    double before = 1;
    for (int i = 0; i < window.size(); i++) {
      if (gaps[i] == 0) {
        carried = 0;
      } else {
        carried = propagation.carry(carried, before);
        for (int gap = gaps[i]; gap > 1 && carried != 0; gap--) {
          carried = propagation.carry(carried, 1);
        }
      }
      before = weight(window, weighting, i);
      add(window, swept, index, i, propagation.lowered(before, carried, weighting.floor()));
    }
  }

  private static double weight(SweepWindow window, Weighting weighting, int i) {
    double z = window.zs()[i];
    if (!(z > weighting.threshold())) {
      return 1;
    }
    int cell = window.cells()[i];
    return weighting.weight(z, window.losses()[i], window.means()[cell], window.sds()[cell]);
  }

  private static void add(SweepWindow window, Swept swept, int member, int i, double weight) {
    if (weight < 1) {
      int row = member * (window.slotCount() + window.sourceCount());
      int slot = row + window.slots()[i];
      int source = row + window.slotCount() + window.sources()[i];
      double square = weight * weight;
      swept.below()[slot]++;
      swept.sums()[slot] += weight;
      swept.squares()[slot] += square;
      swept.below()[source]++;
      swept.sums()[source] += weight;
      swept.squares()[source] += square;
      if (swept.weights().length > 0) {
        swept.weights()[member * window.size() + i] = weight;
      }
    }
  }

  @Override
  public void close() {}
}
