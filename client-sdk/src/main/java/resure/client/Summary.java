package resure.client;

/**
 * What the service says of a batch. All weights here are its own, before normalization.
 *
 * @param observations losses that are not null
 * @param meanWeight over usable losses; NaN for none
 * @param effectiveSampleSize (sum w)^2 / sum(w^2) over usable losses; 0 for none
 * @param runMeanWeight mean weight over everything folded into the reference: what the
 *     normalization {@code runMean} divides by, and without normalization (nor shadow) what a
 *     trainer multiplies the number of items of a whole step by when it divides by that
 * @param downWeighted usable losses with a weight below 1
 * @param unusable NaN, infinities and losses above {@code maxLoss} in magnitude
 * @param warmingUp whether a usable loss was weighed in warm-up
 * @param late whether the batch's step was closed already
 */
public record Summary(
    long observations,
    double meanWeight,
    double effectiveSampleSize,
    double runMeanWeight,
    long downWeighted,
    long unusable,
    boolean warmingUp,
    boolean late) {}
