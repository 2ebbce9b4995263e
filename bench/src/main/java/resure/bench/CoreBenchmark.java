package resure.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/**
 * The arithmetic of one batch that is a step of its own: weigh every loss, reduce them to triples,
 * fold those into the reference, and freeze the next one. Default configuration, out of warm-up.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "-XX:+UseG1GC")
public class CoreBenchmark {

  private static final int BATCHES = 16;

  /** Size of the batch. */
  @Param({"S", "L"})
  public Shape shape = Shape.S;

  private final BatchReducer reducer = new BatchReducer();
  private final Configuration configuration = Configuration.DEFAULT;
  private final double[][] losses = new double[BATCHES][];
  private int[] offsets = {};
  private double[] weights = {};
  private MomentsTable triples = new MomentsTable();
  private Weigher weigher = new Weigher(configuration, triples);
  private int next;

  /** A reference that has seen enough of every turn. */
  @Setup
  public void foldSomeBatches() {
    offsets = new int[shape.dialogues() + 1];
    for (int dialogue = 0; dialogue <= shape.dialogues(); dialogue++) {
      offsets[dialogue] = dialogue * shape.turns();
    }
    weights = new double[shape.losses()];
    triples = new MomentsTable();
    for (int batch = 0; batch < BATCHES; batch++) {
      losses[batch] = Losses.batch(shape, batch);
      triples.fold(List.of(reduce(batch)), configuration.halfLife());
    }
    weigher = new Weigher(configuration, triples.copy());
  }

  private BatchMoments reduce(int batch) {
    return reducer.reduce(
        losses[batch],
        offsets,
        null,
        configuration.maxTurns(),
        configuration.maxLoss(),
        weigher.caps());
  }

  private boolean weigh(int batch) {
    boolean warmingUp = false;
    for (int dialogue = 0; dialogue < shape.dialogues(); dialogue++) {
      warmingUp |=
          weigher.weigh(losses[batch], offsets[dialogue], offsets[dialogue + 1], 0, weights);
    }
    return warmingUp;
  }

  private int next() {
    next = (next + 1) % BATCHES;
    return next;
  }

  /** Weights only. */
  @Benchmark
  public boolean weigh() {
    return weigh(next());
  }

  /** Triples only. */
  @Benchmark
  public BatchMoments reduce() {
    return reduce(next());
  }

  /** All that a batch costs of arithmetic. */
  @Benchmark
  public Weigher weighReduceAndFold() {
    int batch = next();
    if (weigh(batch)) {
      throw new IllegalStateException("still in warm-up");
    }
    MomentsTable folded = triples.copy();
    folded.fold(List.of(reduce(batch)), configuration.halfLife());
    return new Weigher(configuration, folded);
  }
}
