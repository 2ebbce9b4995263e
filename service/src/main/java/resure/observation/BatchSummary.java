package resure.observation;

import java.util.OptionalDouble;

/**
 * What a batch's weights say in short. All figures use the weights before normalization.
 *
 * @param observations losses that are not null
 * @param meanWeight over the usable ones; empty when there are none
 * @param effectiveSampleSize (sum w)^2 / sum(w^2) over the usable ones; 0 when there are none
 * @param runMeanWeight the run's mean weight over everything folded into the reference
 * @param downWeighted usable observations with a weight below 1
 * @param unusable NaN, infinite, or too large
 * @param warmingUp whether a usable one was weighed in warm-up
 * @param late whether the batch's step was closed already
 */
public record BatchSummary(
    int observations,
    OptionalDouble meanWeight,
    double effectiveSampleSize,
    double runMeanWeight,
    int downWeighted,
    int unusable,
    boolean warmingUp,
    boolean late) {

  /** Sums up a batch, in the order of its body. */
  public static BatchSummary of(ObservationBatch batch, Weights weights) {
    int usable = 0;
    int downWeighted = 0;
    double sum = 0;
    double sumOfSquares = 0;
    for (double weight : weights.raw()) {
      if (weight != 0) {
        usable++;
        sum += weight;
        sumOfSquares += weight * weight;
        if (weight < 1) {
          downWeighted++;
        }
      }
    }
    int observations = batch.observations();
    return new BatchSummary(
        observations,
        usable == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / usable),
        sumOfSquares > 0 ? sum * sum / sumOfSquares : 0,
        weights.runMean(),
        downWeighted,
        observations - usable,
        weights.warmingUp(),
        weights.late());
  }
}
