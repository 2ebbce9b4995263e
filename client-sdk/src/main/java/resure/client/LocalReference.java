package resure.client;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.EffectiveSampleSize;
import resure.weighting.Weigher;

/**
 * What this process weighs against when it does not wait for the service: the run's configuration,
 * and the newest triples and mean weight that are known. Immutable.
 *
 * <p>The arithmetic is the service's own, in the order of the body, so that the same triples give
 * the same bits. Only the divisor of {@code runMean} may be another: the service's next step divides
 * by the mean over what is pending too, which nobody has told here.
 */
final class LocalReference {

  private final Configuration configuration;

  /** Null while no statistics are known. */
  private final @Nullable Weigher weigher;

  /** Newest step that the statistics hold; null where that is not known. */
  private final @Nullable Long step;

  private final double runMeanWeight;

  private LocalReference(
      Configuration configuration,
      @Nullable Weigher weigher,
      @Nullable Long step,
      double runMeanWeight) {
    this.configuration = configuration;
    this.weigher = weigher;
    this.step = step;
    this.runMeanWeight = runMeanWeight;
  }

  /** Without statistics: every usable loss weighs 1. */
  static LocalReference without(Configuration configuration) {
    return new LocalReference(configuration, null, null, 1);
  }

  /** The same statistics under what the service says that the run's configuration is. */
  LocalReference under(Configuration newConfiguration) {
    return new LocalReference(
        newConfiguration,
        weigher == null ? null : new Weigher(newConfiguration, weigher.triples()),
        step,
        runMeanWeight);
  }

  LocalReference with(Statistics statistics) {
    return with(statistics.turns(), statistics.step(), statistics.reference().runMeanWeight());
  }

  LocalReference with(Scores scores) {
    Scores.TurnStatistics statistics = scores.statistics();
    double mean = scores.summary().runMeanWeight();
    return statistics == null
        ? new LocalReference(configuration, weigher, step, mean)
        : with(statistics.turns(), scores.step(), mean);
  }

  private LocalReference with(
      List<Statistics.Turn> turns, @Nullable Long newStep, double newRunMeanWeight) {
    MomentsTable triples = new MomentsTable();
    for (Statistics.Turn turn : turns) {
      if (turn.count() > 0) {
        triples.set(
            turn.turn(), new Moments(turn.count(), turn.mean(), turn.m2(), turn.seen()));
      }
    }
    return new LocalReference(
        configuration, new Weigher(configuration, triples), newStep, newRunMeanWeight);
  }

  /** Without what a rewind to {@code nextStep} takes back. */
  LocalReference before(long nextStep) {
    return step != null && step < nextStep ? this : without(configuration);
  }

  boolean known() {
    return weigher != null;
  }

  /** Whether the service answers 1 in place of its weights, as this does then. */
  boolean shadow() {
    return configuration.shadow();
  }

  /** The weights of a batch, and what they are like. */
  Weighed weigh(Batch batch, @Nullable FallbackReason reason) {
    double[] raw = raw(batch);
    int usable = 0;
    double sum = 0;
    double sumOfSquares = 0;
    double tokenSum = 0;
    double tokenWeightSum = 0;
    long[] tokens = batch.tokens;
    for (int i = 0; i < raw.length; i++) {
      double weight = raw[i];
      if (weight != 0) {
        usable++;
        sum += weight;
        sumOfSquares += weight * weight;
        double count = tokens == null || tokens[i] == 0 ? 1 : tokens[i];
        tokenWeightSum += count * weight;
        tokenSum += count;
      }
    }
    double divisor =
        weigher == null
            ? 1
            : switch (configuration.normalization()) {
              case NONE -> 1;
              case BATCH_MEAN -> tokenSum > 0 ? tokenWeightSum / tokenSum : 1;
              case RUN_MEAN -> runMeanWeight;
            };
    for (int i = 0; i < raw.length; i++) {
      if (!batch.supervised[i]) {
        raw[i] = Double.NaN;
      } else if (raw[i] != 0) {
        // As the service does: finite also where a tiny mean would make it infinite.
        raw[i] = configuration.shadow() ? 1 : Math.min(raw[i] / divisor, Double.MAX_VALUE);
      }
    }
    return new Weighed(
        new Weights(batch.offsets, raw),
        weigher == null ? Weighed.By.ONE : Weighed.By.LOCAL,
        reason,
        usable > 0 ? sum / usable : Double.NaN,
        usable > 0 ? EffectiveSampleSize.of(sum, sumOfSquares) / usable : Double.NaN,
        runMeanWeight);
  }

  /** Before normalization; 0 for what is unusable or not supervised. */
  private double[] raw(Batch batch) {
    double[] losses = batch.losses;
    double[] raw = new double[losses.length];
    if (weigher == null) {
      for (int i = 0; i < raw.length; i++) {
        raw[i] = configuration.usable(losses[i]) ? 1 : 0;
      }
    } else {
      for (int d = 0; d < batch.dialogues(); d++) {
        weigher.weigh(losses, batch.offsets[d], batch.offsets[d + 1], batch.firstTurns[d], raw);
      }
    }
    return raw;
  }
}
