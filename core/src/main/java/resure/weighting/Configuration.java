package resure.weighting;

import static resure.weighting.InvalidConfigurationException.require;

/**
 * All of a run that decides its weights and statistics.
 *
 * @param weighting the weight function
 * @param warmUp observations of a slot ever folded below which its weight is 1: at least 2
 * @param maxTurns number of slots, turns past the last are pooled in it: 1 to 1024
 * @param maxLoss magnitude in nats above which a loss is unusable: positive, at most {@link
 *     #LARGEST_MAX_LOSS}
 * @param halfLife observations of a slot after which older ones count half: positive, infinite for
 *     never (absent or null in JSON)
 * @param lag how many steps the statistics lie behind, beyond the step's own: 0 to 16
 * @param fold what of a loss enters the statistics
 * @param propagation how early turns lower later ones
 * @param normalization what weights are divided by
 * @param shadow whether to answer 1 and only record the weights
 */
public record Configuration(
    Weighting weighting,
    int warmUp,
    int maxTurns,
    double maxLoss,
    double halfLife,
    int lag,
    FoldRule fold,
    Propagation propagation,
    Normalization normalization,
    boolean shadow) {

  /**
   * Bound of {@code maxLoss}. Squares of deviations times the product of two counts, each up to
   * 2^53, stay finite below it, so that no usable loss can end a turn's statistics by overflow.
   */
  public static final double LARGEST_MAX_LOSS = 1e100;

  /** Bound of {@code maxTurns}. */
  public static final int MOST_TURNS = 1024;

  /** What a run gets that says nothing. */
  public static final Configuration DEFAULT =
      new Configuration(
          Weighting.DEFAULT,
          32,
          64,
          100.0,
          Double.POSITIVE_INFINITY,
          0,
          FoldRule.WINSORIZED,
          Propagation.DEFAULT,
          Normalization.NONE,
          false);

  /** Checks the ranges. */
  public Configuration {
    require(warmUp >= 2, "warmUp must be a whole number of at least 2");
    require(
        maxTurns >= 1 && maxTurns <= MOST_TURNS, "maxTurns must be a whole number from 1 to 1024");
    require(
        maxLoss > 0 && maxLoss <= LARGEST_MAX_LOSS,
        "maxLoss must be a number above 0 and at most 1e100");
    require(halfLife > 0, "halfLife must be a number above 0, or null for never");
    require(lag >= 0 && lag <= 16, "lag must be a whole number from 0 to 16");
  }

  /** Slot of a turn: turns past the last slot share it. */
  public int slot(long turn) {
    return (int) Math.min(turn, maxTurns - 1);
  }

  /** Whether a loss can be weighed and folded: a number of at most {@code maxLoss} in magnitude. */
  public boolean usable(double loss) {
    return Math.abs(loss) <= maxLoss;
  }

  /** This with another weighting. */
  public Configuration withWeighting(Weighting value) {
    return new Configuration(
        value, warmUp, maxTurns, maxLoss, halfLife, lag, fold, propagation, normalization, shadow);
  }

  /** This with another warm-up. */
  public Configuration withWarmUp(int value) {
    return new Configuration(
        weighting,
        value,
        maxTurns,
        maxLoss,
        halfLife,
        lag,
        fold,
        propagation,
        normalization,
        shadow);
  }

  /** This with another number of slots. */
  public Configuration withMaxTurns(int value) {
    return new Configuration(
        weighting, warmUp, value, maxLoss, halfLife, lag, fold, propagation, normalization, shadow);
  }

  /** This with another largest usable loss. */
  public Configuration withMaxLoss(double value) {
    return new Configuration(
        weighting,
        warmUp,
        maxTurns,
        value,
        halfLife,
        lag,
        fold,
        propagation,
        normalization,
        shadow);
  }

  /** This with another half-life. */
  public Configuration withHalfLife(double value) {
    return new Configuration(
        weighting, warmUp, maxTurns, maxLoss, value, lag, fold, propagation, normalization, shadow);
  }

  /** This with another lag. */
  public Configuration withLag(int value) {
    return new Configuration(
        weighting,
        warmUp,
        maxTurns,
        maxLoss,
        halfLife,
        value,
        fold,
        propagation,
        normalization,
        shadow);
  }

  /** This with another fold rule. */
  public Configuration withFold(FoldRule value) {
    return new Configuration(
        weighting,
        warmUp,
        maxTurns,
        maxLoss,
        halfLife,
        lag,
        value,
        propagation,
        normalization,
        shadow);
  }

  /** This with another propagation. */
  public Configuration withPropagation(Propagation value) {
    return new Configuration(
        weighting, warmUp, maxTurns, maxLoss, halfLife, lag, fold, value, normalization, shadow);
  }

  /** This with another normalization. */
  public Configuration withNormalization(Normalization value) {
    return new Configuration(
        weighting, warmUp, maxTurns, maxLoss, halfLife, lag, fold, propagation, value, shadow);
  }

  /** This with shadow on or off. */
  public Configuration withShadow(boolean value) {
    return new Configuration(
        weighting,
        warmUp,
        maxTurns,
        maxLoss,
        halfLife,
        lag,
        fold,
        propagation,
        normalization,
        value);
  }
}
