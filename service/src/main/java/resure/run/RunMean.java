package resure.run;

/**
 * The mean weight of a run over everything folded, weighted by tokens: what {@code runMean} divides
 * by.
 *
 * @param weightSum sum of tokens times weight
 * @param tokenSum sum of tokens
 */
record RunMean(double weightSum, double tokenSum) {

  static final RunMean NONE = new RunMean(0, 0);

  RunMean plus(BatchTotals batch) {
    return new RunMean(weightSum + batch.tokenWeightSum(), tokenSum + batch.tokenSum());
  }

  /** 1 before anything was folded. */
  double value() {
    return tokenSum > 0 ? weightSum / tokenSum : 1;
  }
}
