package resure.replay;

/**
 * How well small weights find what is labelled bad. The first four are NaN unless there are both
 * bad and good observations that are usable.
 *
 * @param auroc chance that the weight of a bad one is below that of a good one, ties counted half
 * @param aurocError the true value is at most this far away; 0 when {@code auroc} is exact
 * @param averagePrecision sum over distinct weights, ascending, of (R(k) - R(k-1)) P(k), with R and
 *     P recall and precision of calling bad what has at most that weight
 * @param averagePrecisionError the true value is at most this far away; 0 when it is exact
 * @param badMeanWeight mean weight of the bad ones; NaN of none
 * @param goodMeanWeight mean weight of the good ones; NaN of none
 */
public record Separation(
    double auroc,
    double aurocError,
    double averagePrecision,
    double averagePrecisionError,
    double badMeanWeight,
    double goodMeanWeight) {}
