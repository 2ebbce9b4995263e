package resure.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.observation.ObservationBatch;
import resure.statistics.BatchMoments;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * A step of each of some runs on one backend, one batch a run, over and over: weighed, reduced, and
 * folded into the references that the next repetition is weighed against. Whatever goes to a device
 * and comes back from it is part of it. The same for the same sizes, on every backend.
 */
final class LiveGroup implements AutoCloseable {

  private static final int TURNS = 8;

  /** Losses of each run that went before: every slot is past its warm-up. */
  private static final int LEARNT = 128 * TURNS;

  private final Compute compute;
  private final List<ObservationBatch> batches;
  private final List<Reference> references = new ArrayList<>();

  /**
   * Loads the runs.
   *
   * @param compute closed with this
   * @param batches from {@link #batches}, one a run
   * @param mixed whether the runs take turns with all weight functions, and propagate, instead of
   *     the default configuration
   */
  LiveGroup(Compute compute, List<ObservationBatch> batches, boolean mixed) {
    this.compute = compute;
    this.batches = batches;
    MomentsTable learnt = learnt();
    for (int run = 0; run < batches.size(); run++) {
      references.add(compute.load(mixed ? mixed(run) : Configuration.DEFAULT, learnt));
    }
  }

  /** Observations spread over runs as evenly as they can be, in dialogues of 8 turns. */
  static List<ObservationBatch> batches(int observations, int runs) {
    List<ObservationBatch> batches = new ArrayList<>(runs);
    for (int run = 0; run < runs; run++) {
      int count = observations / runs + (run < observations % runs ? 1 : 0);
      int dialogues = (count + TURNS - 1) / TURNS;
      int[] offsets = new int[dialogues + 1];
      for (int dialogue = 0; dialogue <= dialogues; dialogue++) {
        offsets[dialogue] = Math.min(dialogue * TURNS, count);
      }
      batches.add(
          new ObservationBatch(
              0,
              0,
              0,
              null,
              offsets,
              // Neighbouring seeds would begin alike: all runs with a bad dialogue, or none.
              Losses.batch(count, TURNS, run * 0x9E3779B97F4A7C15L),
              null,
              null,
              // No backend reads the ids.
              new byte[0],
              new int[dialogues],
              List.of(),
              null,
              null,
              null));
    }
    return batches;
  }

  private static MomentsTable learnt() {
    double[] losses = Losses.batch(LEARNT, TURNS, 1);
    MomentsTable triples = new MomentsTable();
    for (int turn = 0; turn < TURNS; turn++) {
      double sum = 0;
      double squares = 0;
      int n = LEARNT / TURNS;
      for (int i = turn; i < LEARNT; i += TURNS) {
        sum += losses[i];
      }
      double mean = sum / n;
      for (int i = turn; i < LEARNT; i += TURNS) {
        squares += (losses[i] - mean) * (losses[i] - mean);
      }
      triples.set(turn, new Moments(n, mean, squares, n));
    }
    return triples;
  }

  private static Configuration mixed(int run) {
    WeightFunction function = WeightFunction.ALL.get(run % WeightFunction.ALL.size());
    return Configuration.DEFAULT
        .withWeighting(Weighting.DEFAULT.withFunction(function))
        .withPropagation(new Propagation(0.5, 0.5));
  }

  /** One group; answers its weights. */
  List<RawWeights> step() {
    List<Weighing> weighings = new ArrayList<>(references.size());
    for (int run = 0; run < references.size(); run++) {
      weighings.add(new Weighing(references.get(run), batches.get(run)));
    }
    List<RawWeights> weights = compute.weigh(weighings);
    List<BatchMoments> moments = compute.reduce(weighings);
    List<Folding> foldings = new ArrayList<>(references.size());
    for (int run = 0; run < references.size(); run++) {
      foldings.add(new Folding(references.get(run), List.of(List.of(moments.get(run)))));
    }
    List<Reference> folded = compute.fold(foldings);
    references.forEach(compute::release);
    references.clear();
    references.addAll(folded);
    return weights;
  }

  /** Repeats the group for at least a time, and at least once; nanoseconds of one. */
  double nanosPerGroup(long atLeastNanos) {
    long start = System.nanoTime();
    long elapsed;
    int groups = 0;
    do {
      step();
      groups++;
      elapsed = System.nanoTime() - start;
    } while (elapsed < atLeastNanos);
    return (double) elapsed / groups;
  }

  /** Demands that the statistics of every run are the same bits as the other's. */
  void requireSameAs(LiveGroup other) {
    for (int run = 0; run < references.size(); run++) {
      if (!references.get(run).triples().sameAs(other.references.get(run).triples())) {
        throw new IllegalStateException(
            "statistics of run %d of %d differ between %s and %s: %s, %s"
                .formatted(
                    run,
                    references.size(),
                    compute.backend(),
                    other.compute.backend(),
                    firstMoments(run),
                    other.firstMoments(run)));
      }
    }
  }

  private String firstMoments(int run) {
    return references.get(run).triples().moments(0).toString();
  }

  /** Share of weights below 1 in a group's answer. */
  static double downWeighted(List<RawWeights> weights) {
    long below = 0;
    long all = 0;
    for (RawWeights batch : weights) {
      below += Arrays.stream(batch.values()).filter(weight -> weight < 1).count();
      all += batch.values().length;
    }
    return (double) below / all;
  }

  @Override
  public void close() {
    compute.close();
  }
}
