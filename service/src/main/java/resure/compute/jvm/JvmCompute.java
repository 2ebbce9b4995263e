package resure.compute.jvm;

import java.util.ArrayList;
import java.util.List;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.observation.ObservationBatch;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/** Weighs and folds on the CPU, one batch after the other. One owner thread. */
public final class JvmCompute implements Compute {

  private final BatchReducer reducer = new BatchReducer();

  @Override
  public String backend() {
    return "jvm";
  }

  @Override
  public Reference load(Configuration configuration, MomentsTable triples) {
    return new JvmReference(configuration, triples.copy());
  }

  @Override
  public List<Reference> fold(List<Folding> group) {
    List<Reference> folded = new ArrayList<>(group.size());
    for (Folding folding : group) {
      JvmReference base = (JvmReference) folding.base();
      MomentsTable triples = base.triples();
      for (List<BatchMoments> step : folding.steps()) {
        triples.fold(step, base.configuration.halfLife());
      }
      folded.add(new JvmReference(base.configuration, triples));
    }
    return folded;
  }

  @Override
  public List<RawWeights> weigh(List<Weighing> group) {
    List<RawWeights> weighed = new ArrayList<>(group.size());
    for (Weighing weighing : group) {
      Weigher weigher = ((JvmReference) weighing.reference()).weigher;
      ObservationBatch batch = weighing.batch();
      int[] offsets = batch.offsets();
      double[] weights = new double[batch.size()];
      boolean warmingUp = false;
      for (int d = 0; d < batch.dialogues(); d++) {
        warmingUp |=
            weigher.weigh(batch.losses(), offsets[d], offsets[d + 1], batch.firstTurn(d), weights);
      }
      weighed.add(new RawWeights(weights, warmingUp));
    }
    return weighed;
  }

  @Override
  public List<BatchMoments> reduce(List<Weighing> group) {
    List<BatchMoments> reduced = new ArrayList<>(group.size());
    for (Weighing weighing : group) {
      JvmReference reference = (JvmReference) weighing.reference();
      ObservationBatch batch = weighing.batch();
      reduced.add(
          reducer.reduce(
              batch.losses(),
              batch.offsets(),
              batch.firstTurns(),
              reference.configuration.maxTurns(),
              reference.configuration.maxLoss(),
              reference.weigher.caps()));
    }
    return reduced;
  }

  @Override
  public void release(Reference reference) {}

  @Override
  public void close() {}

  private static final class JvmReference implements Reference {
    private final Configuration configuration;
    private final Weigher weigher;

    JvmReference(Configuration configuration, MomentsTable triples) {
      this.configuration = configuration;
      weigher = new Weigher(configuration, triples);
    }

    @Override
    public Weigher weigher() {
      return weigher;
    }
  }
}
