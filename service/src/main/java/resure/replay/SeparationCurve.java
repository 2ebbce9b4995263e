package resure.replay;

/**
 * Bad and good observations in order of their weights, ascending, from which the two figures of
 * {@link Separation} follow. What has one weight is added as one step; what lies between two
 * weights, in an order that was not kept, as one blurred step, which costs a stated error.
 */
final class SeparationCurve {

  private final double allBad;
  private final double allGood;
  private double bad;
  private double good;
  private double won;
  private double lost;
  private double lowest;
  private double highest;

  SeparationCurve(long allBad, long allGood) {
    this.allBad = allBad;
    this.allGood = allGood;
  }

  /** Those of the next larger weight. */
  void add(long badHere, long goodHere) {
    win(badHere, goodHere);
    double precision = badHere == 0 ? 0 : (bad + badHere) / (bad + badHere + good + goodHere);
    lowest += badHere * precision;
    highest += badHere * precision;
    bad += badHere;
    good += goodHere;
  }

  /** Those of weights larger than before and smaller than after, whatever their order. */
  void addBlurred(long badHere, long goodHere) {
    win(badHere, goodHere);
    lost += (double) badHere * goodHere;
    // At best all the bad ones share a weight below that of any good one; at worst the good ones
    // come first, and then every bad one has a weight of its own.
    if (badHere > 0) {
      highest += badHere * ((bad + badHere) / (bad + badHere + good));
      for (long i = 1; i <= badHere; i++) {
        lowest += (bad + i) / (bad + i + good + goodHere);
      }
    }
    bad += badHere;
    good += goodHere;
  }

  private void win(long badHere, long goodHere) {
    won += badHere * (allGood - good - goodHere + goodHere / 2.0);
  }

  /** The result, once everything was added. */
  Separation separation(double badSum, double goodSum) {
    double badMean = allBad > 0 ? badSum / allBad : Double.NaN;
    double goodMean = allGood > 0 ? goodSum / allGood : Double.NaN;
    if (allBad == 0 || allGood == 0) {
      return new Separation(Double.NaN, Double.NaN, Double.NaN, Double.NaN, badMean, goodMean);
    }
    return new Separation(
        won / (allBad * allGood),
        lost / 2 / (allBad * allGood),
        (lowest + highest) / 2 / allBad,
        (highest - lowest) / 2 / allBad,
        badMean,
        goodMean);
  }
}
