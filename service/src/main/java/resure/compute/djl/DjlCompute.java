package resure.compute.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import resure.compute.Compute;
import resure.compute.DeviceException;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.statistics.BatchMoments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** The tensor backend on one device. One owner thread. */
final class DjlCompute implements Compute {

  private final NDManager manager;
  private final Cells cells;
  private final GroupWeighing weighing;
  private final GroupReduction reduction;
  private final GroupFolding folding;

  /** Takes over the manager. */
  DjlCompute(NDManager manager) {
    this.manager = manager;
    Staging staging = new Staging();
    cells = new Cells(manager);
    weighing = new GroupWeighing(cells, staging, new Constants(manager));
    reduction = new GroupReduction(cells, staging);
    folding = new GroupFolding(cells, staging);
  }

  @Override
  public String backend() {
    return "djl";
  }

  @Override
  public Reference load(Configuration configuration, MomentsTable triples) {
    // It goes to the device with the first group that needs it, in one transfer with others.
    return new DjlReference(configuration, triples.copy());
  }

  @Override
  public List<Reference> fold(List<Folding> group) {
    return group.isEmpty()
        ? List.of()
        : onDevice(
            owner -> {
              cells.load(group.stream().map(f -> (DjlReference) f.base()).toList());
              return folding.fold(owner, group);
            });
  }

  @Override
  public List<RawWeights> weigh(List<Weighing> group) {
    return group.isEmpty()
        ? List.of()
        : onDevice(
            owner -> {
              cells.load(references(group));
              return weighing.weigh(owner, group);
            });
  }

  @Override
  public List<BatchMoments> reduce(List<Weighing> group) {
    return group.isEmpty()
        ? List.of()
        : onDevice(
            owner -> {
              cells.load(references(group));
              return reduction.reduce(owner, group);
            });
  }

  private static List<DjlReference> references(List<Weighing> group) {
    List<DjlReference> references = new ArrayList<>(group.size());
    for (Weighing weighing : group) {
      references.add((DjlReference) weighing.reference());
    }
    return references;
  }

  /** Does a group's work; whatever arrays it makes end with it. */
  private <T> T onDevice(Function<NDManager, T> work) {
    try (NDManager owner = manager.newSubManager()) {
      return work.apply(owner);
    } catch (EngineException | IllegalStateException e) {
      // DJL reports what is closed, or lost, as an illegal state.
      throw new DeviceException("PyTorch failed on " + manager.getDevice(), e);
    }
  }

  @Override
  public void release(Reference reference) {
    cells.release((DjlReference) reference);
  }

  @Override
  public void close() {
    manager.close();
  }
}
