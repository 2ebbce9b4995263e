package resure.compute;

import java.util.List;
import resure.compute.jvm.JvmCompute;
import resure.statistics.BatchMoments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** Plain Java on a device that fails when a test says so; every compute of it then stays broken. */
public final class FailingDevice implements ComputeSource {

  /** What can be asked of a device. */
  public enum Operation {
    WEIGH,
    FOLD,
    REDUCE
  }

  private Operation failing;
  private int passes;
  private int opened;

  /** Fails when {@code operation} has been done {@code passes} more times; once. */
  public void failAt(Operation operation, int passes) {
    failing = operation;
    this.passes = passes;
  }

  /** Computes made so far. */
  public int opened() {
    return opened;
  }

  @Override
  public Compute open() {
    opened++;
    return new OnDevice();
  }

  private final class OnDevice implements Compute {
    private final JvmCompute compute = new JvmCompute();
    private boolean broken;

    private void use(Operation operation) {
      if (operation == failing && passes-- == 0) {
        failing = null;
        broken = true;
      }
      if (broken) {
        throw new DeviceException("the device is gone", new IllegalStateException());
      }
    }

    @Override
    public String backend() {
      return "jvm";
    }

    @Override
    public Reference load(Configuration configuration, MomentsTable triples) {
      return compute.load(configuration, triples);
    }

    @Override
    public List<Reference> fold(List<Folding> group) {
      use(Operation.FOLD);
      return compute.fold(group);
    }

    @Override
    public List<RawWeights> weigh(List<Weighing> group) {
      use(Operation.WEIGH);
      return compute.weigh(group);
    }

    @Override
    public List<BatchMoments> reduce(List<Weighing> group) {
      use(Operation.REDUCE);
      return compute.reduce(group);
    }

    @Override
    public void release(Reference reference) {
      compute.release(reference);
    }

    @Override
    public void close() {
      broken = true;
    }
  }
}
