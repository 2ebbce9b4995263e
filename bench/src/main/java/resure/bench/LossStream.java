package resure.bench;

import java.util.Random;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * Losses of one turn of a run that is made up, step by step, as the service would fold them: {@link
 * #MEAN} and {@link #SD} at the start, the step means an autoregression of first order, the losses
 * of a step around its mean normal, folded by the winsorized rule.
 */
final class LossStream {

  static final double MEAN = 3;
  static final double SD = 0.5;

  /** Steps that one source has to itself where batches are blocked by source. */
  private static final int BLOCK = 32;

  /** Steps of an epoch where batches are sorted by length. */
  private static final int EPOCH = 256;

  /** Means of the sources, in standard deviations. */
  private static final double[] SOURCES = {-0.5, -0.2, 0.2, 0.5};

  /** In which order dialogues come. */
  enum Order {
    SHUFFLED,
    /** {@value LossStream#BLOCK} steps of one source, then of another. */
    BLOCKED,
    /** By length in each epoch: the mean rises by one standard deviation, then falls back. */
    SORTED
  }

  /**
   * What a run is like.
   *
   * @param perStep observations of the turn in a step
   * @param autocorrelation of successive step means
   * @param falling whether the mean falls, by two thirds with a time constant of 4,000 observations
   * @param order of the dialogues
   */
  record Kind(int perStep, double autocorrelation, boolean falling, Order order) {}

  private final Kind kind;
  private final Random random;
  private final BatchReducer reducer = new BatchReducer();
  private final MomentsTable history = new MomentsTable();
  private final double[] losses;
  private final int[] offsets;
  private double noise;
  private long step;
  private int source;

  LossStream(Kind kind, Random random) {
    this.kind = kind;
    this.random = random;
    losses = new double[kind.perStep];
    offsets = new int[kind.perStep + 1];
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = i;
    }
    noise = random.nextGaussian();
  }

  /**
   * The triple of the next step.
   *
   * @param rise added to the losses, in standard deviations
   * @param share of the dialogues that it is added to
   */
  Moments next(double rise, double share) {
    int n = kind.perStep;
    double mean = 0;
    for (int i = 0; i < n; i++) {
      losses[i] = random.nextGaussian();
      mean += losses[i] / n;
    }
    double centre = level() + SD * (noise / Math.sqrt(n) + offset());
    for (int i = 0; i < n; i++) {
      double risen = rise > 0 && random.nextDouble() < share ? rise : 0;
      losses[i] = centre + SD * (losses[i] - mean + risen);
    }
    double r = kind.autocorrelation;
    noise = r * noise + Math.sqrt(1 - r * r) * random.nextGaussian();
    step++;
    return fold();
  }

  private double level() {
    return kind.falling
        ? MEAN / 3 * (1 + 2 * Math.exp(-(double) step * kind.perStep / 4000))
        : MEAN;
  }

  private double offset() {
    return switch (kind.order) {
      case SHUFFLED -> 0;
      case BLOCKED -> {
        if (step % BLOCK == 0) {
          source = random.nextInt(SOURCES.length);
        }
        yield SOURCES[source];
      }
      case SORTED -> (double) (step % EPOCH) / EPOCH - 0.5;
    };
  }

  private Moments fold() {
    Moments before = history.moments(0);
    boolean warm = before.seen() >= 32 && before.sd() > 0;
    double[] caps = {warm ? before.mean() + 3 * before.sd() : Double.POSITIVE_INFINITY};
    BatchMoments batch = reducer.reduce(losses, offsets, null, 1, 100, caps);
    Moments folded = new Moments(batch.n(0), batch.mean(0), batch.m2(0), (long) batch.n(0));
    history.merge(0, 1, folded);
    return folded;
  }
}
