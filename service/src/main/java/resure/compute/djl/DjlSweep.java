package resure.compute.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.compute.DeviceException;
import resure.compute.Sweep;
import resure.compute.SweepMember;
import resure.compute.SweepWindow;
import resure.compute.Swept;
import resure.weighting.WeightFunction;

/**
 * Sweeps on the device: a matrix with a row for each member and a column for each observation,
 * members of one weight function at a time, and products of such matrices with the observations'
 * slots and sources for the sums. A window stays on the device until another one comes. One owner
 * at a time.
 */
final class DjlSweep implements Sweep {

  /** Elements of a matrix; some six of them are alive at once, 8 bytes an element. */
  private static final int CPU_ELEMENTS = 1 << 20;

  private static final int GPU_ELEMENTS = 1 << 25;

  private static final double[] NONE = {};

  private final NDManager manager;
  private final Constants constants;
  private final Staging staging = new Staging();
  private final int elements;
  private @Nullable SweepWindow window;
  private List<Piece> pieces = List.of();
  private NDManager windowOwner;

  /** Takes over the manager. */
  DjlSweep(NDManager manager) {
    this.manager = manager;
    constants = new Constants(manager);
    elements = manager.getDevice().isGpu() ? GPU_ELEMENTS : CPU_ELEMENTS;
    windowOwner = manager.newSubManager();
  }

  /**
   * Observations of a window on the device, whole dialogues as far as they fit, in rows of one.
   *
   * @param belongs a column for each slot, then for each source, 1 where the observation is of it
   * @param earlier of level k, for each observation, the one 2^k before it in its dialogue
   * @param distances likewise how many turns before
   * @param exists likewise 1, or 0 where there is none
   */
  private record Piece(
      int from,
      int size,
      NDArray losses,
      NDArray zs,
      NDArray means,
      NDArray sds,
      NDArray belongs,
      List<NDArray> earlier,
      List<NDArray> distances,
      List<NDArray> exists) {}

  @Override
  public int membersAtOnce(int observations) {
    return Math.max(1, elements / Math.max(1, observations));
  }

  @Override
  public Swept weigh(SweepWindow wanted, List<SweepMember> members, boolean withWeights) {
    int row = wanted.slotCount() + wanted.sourceCount();
    Swept swept =
        new Swept(
            new long[members.size() * row],
            new double[members.size() * row],
            new double[members.size() * row],
            withWeights ? new double[Math.multiplyExact(members.size(), wanted.size())] : NONE);
    if (wanted.size() == 0 || members.isEmpty()) {
      return swept;
    }
    Map<Object, List<Integer>> alike = new LinkedHashMap<>();
    for (int m = 0; m < members.size(); m++) {
      SweepMember member = members.get(m);
      boolean propagates = member.propagation().strength() > 0;
      alike
          .computeIfAbsent(
              List.of(member.weighting().function(), propagates), f -> new ArrayList<>())
          .add(m);
    }
    try {
      load(wanted);
      for (List<Integer> some : alike.values()) {
        for (Piece piece : pieces) {
          try (NDManager owner = manager.newSubManager()) {
            weigh(owner, piece, members, some, swept, row, wanted.size());
          }
        }
      }
    } catch (EngineException | IllegalStateException e) {
      throw new DeviceException("PyTorch failed on " + manager.getDevice(), e);
    }
    return swept;
  }

  /** Cuts a window into pieces whose matrices stay small, and sends them. */
  private void load(SweepWindow wanted) {
    if (wanted == window) {
      return;
    }
    window = null;
    windowOwner.close();
    windowOwner = manager.newSubManager();
    List<Piece> loaded = new ArrayList<>();
    int most = Math.max(1, 4 * elements / (wanted.slotCount() + wanted.sourceCount()));
    for (int from = 0; from < wanted.size(); ) {
      int to = Math.min(wanted.size(), from + most);
      // A dialogue is cut only where it alone is too long, which its sums would not survive.
      int end = to;
      while (end < wanted.size() && end > from && wanted.gaps()[end] > 0) {
        end--;
      }
      if (end == from) {
        end = to;
        while (end < wanted.size() && wanted.gaps()[end] > 0) {
          end++;
        }
      }
      loaded.add(piece(wanted, from, end));
      from = end;
    }
    pieces = loaded;
    window = wanted;
  }

  private Piece piece(SweepWindow of, int from, int to) {
    int size = to - from;
    int groups = of.slotCount() + of.sourceCount();
    staging.begin();
    Staging.Column losses = staging.numbers(size);
    Staging.Column zs = staging.numbers(size);
    Staging.Column means = staging.numbers(size);
    Staging.Column sds = staging.numbers(size);
    Staging.Column slots = staging.indices(size);
    Staging.Column sources = staging.indices(size);
    Staging.Column names = staging.indices(groups);
    for (int i = 0; i < size; i++) {
      double z = of.zs()[from + i];
      int cell = of.cells()[from + i];
      staging.numbers[losses.at(i)] = of.losses()[from + i];
      staging.numbers[zs.at(i)] = z;
      staging.numbers[means.at(i)] = Double.isNaN(z) ? 0 : of.means()[cell];
      staging.numbers[sds.at(i)] = Double.isNaN(z) ? 1 : of.sds()[cell];
      staging.indices[slots.at(i)] = of.slots()[from + i];
      staging.indices[sources.at(i)] = (long) of.slotCount() + of.sources()[from + i];
    }
    for (int group = 0; group < groups; group++) {
      staging.indices[names.at(group)] = group;
    }
    List<Staging.Column> earlier = new ArrayList<>();
    List<Staging.Column> distances = new ArrayList<>();
    List<Staging.Column> exists = new ArrayList<>();
    stageEarlier(of, from, to, earlier, distances, exists);
    staging.send(windowOwner);
    NDArray group = row(staging.indices(windowOwner, names));
    NDArray belongs =
        column(staging.indices(windowOwner, slots))
            .eq(group)
            .logicalOr(column(staging.indices(windowOwner, sources)).eq(group))
            .toType(DataType.FLOAT64, true);
    // On a processor what was sent is the staging's own memory, which the next piece needs.
    return new Piece(
        from,
        size,
        row(staging.numbers(windowOwner, losses)).duplicate(),
        row(staging.numbers(windowOwner, zs)).duplicate(),
        row(staging.numbers(windowOwner, means)).duplicate(),
        row(staging.numbers(windowOwner, sds)).duplicate(),
        belongs,
        earlier.stream().map(c -> row(staging.indices(windowOwner, c)).duplicate()).toList(),
        distances.stream().map(c -> row(staging.numbers(windowOwner, c)).duplicate()).toList(),
        exists.stream().map(c -> row(staging.numbers(windowOwner, c)).duplicate()).toList());
  }

  private void stageEarlier(
      SweepWindow of,
      int from,
      int to,
      List<Staging.Column> earlier,
      List<Staging.Column> distances,
      List<Staging.Column> exists) {
    int size = to - from;
    int longest = 0;
    int[] places = new int[size];
    long[] turns = new long[size];
    for (int i = 0; i < size; i++) {
      boolean first = i == 0 || of.gaps()[from + i] == 0;
      places[i] = first ? 0 : places[i - 1] + 1;
      turns[i] = first ? 0 : turns[i - 1] + of.gaps()[from + i];
      longest = Math.max(longest, places[i] + 1);
    }
    for (int distance = 1; distance < longest; distance *= 2) {
      Staging.Column before = staging.indices(size);
      Staging.Column away = staging.numbers(size);
      Staging.Column there = staging.numbers(size);
      for (int i = 0; i < size; i++) {
        boolean any = places[i] >= distance;
        staging.indices[before.at(i)] = any ? i - distance : i;
        staging.numbers[away.at(i)] = any ? turns[i] - turns[i - distance] : 0;
        staging.numbers[there.at(i)] = any ? 1 : 0;
      }
      earlier.add(before);
      distances.add(away);
      exists.add(there);
    }
  }

  private static NDArray row(NDArray column) {
    return column.reshape(new Shape(1, column.size()));
  }

  private static NDArray column(NDArray column) {
    return column.reshape(new Shape(column.size(), 1));
  }

  private void weigh(
      NDManager owner,
      Piece piece,
      List<SweepMember> members,
      List<Integer> some,
      Swept swept,
      int row,
      int windowSize) {
    double[] numbers = new double[5 * some.size()];
    for (int k = 0; k < some.size(); k++) {
      SweepMember member = members.get(some.get(k));
      numbers[k] = member.weighting().threshold();
      numbers[some.size() + k] = member.weighting().sharpness();
      numbers[2 * some.size() + k] = member.weighting().floor();
      numbers[3 * some.size() + k] = member.propagation().strength();
      numbers[4 * some.size() + k] = member.propagation().decay();
    }
    NDArray sent = owner.create(numbers);
    NDArray floor = parameter(owner, sent, 2, some.size());
    NDArray weights =
        own(owner, piece, members.get(some.getFirst()).weighting().function(), sent, some.size());
    if (members.get(some.getFirst()).propagation().strength() > 0 && !piece.earlier.isEmpty()) {
      NDArray strength = parameter(owner, sent, 3, some.size());
      NDArray decay = parameter(owner, sent, 4, some.size());
      weights =
          strength.mul(before(owner, piece, decay, weights)).exp().muli(weights).maximum(floor);
    }
    NDArray below = weights.lt(constants.one).toType(DataType.FLOAT64, true);
    NDArray counted = weights.mul(below);
    double[] counts = below.matMul(piece.belongs).toDoubleArray();
    double[] sums = counted.matMul(piece.belongs).toDoubleArray();
    double[] squares = counted.muli(weights).matMul(piece.belongs).toDoubleArray();
    double[] all = swept.weights().length == 0 ? NONE : weights.toDoubleArray();
    for (int k = 0; k < some.size(); k++) {
      int to = some.get(k) * row;
      for (int group = 0; group < row; group++) {
        swept.below()[to + group] += (long) counts[k * row + group];
        swept.sums()[to + group] += sums[k * row + group];
        swept.squares()[to + group] += squares[k * row + group];
      }
      if (all.length > 0) {
        System.arraycopy(
            all,
            k * piece.size,
            swept.weights(),
            some.get(k) * windowSize + piece.from,
            piece.size);
      }
    }
  }

  private static NDArray parameter(NDManager owner, NDArray sent, int index, int size) {
    return column(Staging.slice(owner, sent, index * size, (index + 1) * size));
  }

  private NDArray own(
      NDManager owner, Piece piece, WeightFunction function, NDArray sent, int members) {
    NDArray threshold = parameter(owner, sent, 0, members);
    NDArray sharpness = parameter(owner, sent, 1, members);
    NDArray floor = parameter(owner, sent, 2, members);
    // The right side decides nothing of whose the result is: the left must be this call's.
    NDArray excess = threshold.mul(constants.minusOne).add(piece.zs);
    Formulas.Operands operands =
        new Formulas.Operands() {
          @Override
          public NDArray excess() {
            return excess;
          }

          @Override
          public NDArray threshold() {
            return threshold;
          }

          @Override
          public NDArray sharpness() {
            return sharpness;
          }

          @Override
          public NDArray floor() {
            return floor;
          }

          @Override
          public NDArray loss() {
            return piece.losses;
          }

          @Override
          public NDArray mean() {
            return piece.means;
          }

          @Override
          public NDArray sd() {
            return piece.sds;
          }
        };
    NDArray beyond = Formulas.beyond(function, operands, constants);
    // False for NaN, in warm-up.
    return NDArrays.where(excess.gt(constants.zero), beyond, constants.one);
  }

  /** L of each observation: the sum over earlier turns of its dialogue of decay^distance * ln v. */
  private static NDArray before(NDManager owner, Piece piece, NDArray decay, NDArray own) {
    // Of an observation itself and all before it.
    NDArray sum = own.log();
    for (int level = 0; level < piece.earlier.size(); level++) {
      sum = earlier(owner, piece, level, decay, sum).addi(sum);
    }
    return earlier(owner, piece, 0, decay, sum);
  }

  /** What lies 2^level observations before each, carried over the turns between; 0 for nothing. */
  private static NDArray earlier(
      NDManager owner, Piece piece, int level, NDArray decay, NDArray sums) {
    NDArray indices = piece.earlier.get(level).broadcast(sums.getShape());
    indices.attach(owner);
    NDArray carried = decay.pow(piece.distances.get(level)).muli(piece.exists.get(level));
    return sums.gather(indices, 1).muli(carried);
  }

  @Override
  public void close() {
    manager.close();
  }
}
