package resure.weighting;

import static resure.weighting.InvalidConfigurationException.require;

/**
 * How far an unreliable early turn lowers the later turns of its dialogue: the weight of turn t is
 * multiplied by (product over earlier turns s of v_s^(decay^(t - s)))^strength, and floored, v_s
 * being the weights before propagation.
 *
 * @param strength p: at least 0 and finite, 0 is off; default 0
 * @param decay g: in [0, 1]; default 0.5
 */
public record Propagation(double strength, double decay) {

  /** What a run gets that says nothing. */
  public static final Propagation DEFAULT = new Propagation(0.0, 0.5);

  /** Checks the ranges. */
  public Propagation {
    require(
        strength >= 0 && Double.isFinite(strength), "strength must be a finite number, 0 or above");
    require(decay >= 0 && decay <= 1, "decay must be between 0 and 1");
  }

  /**
   * What a turn of weight {@code own} leaves for the next turn of its dialogue: L(t + 1) = decay *
   * (L(t) + ln own), from L = 0 at the first. A turn without a usable loss leaves what one of
   * weight 1 does.
   */
  public double carry(double carried, double own) {
    return decay * (own < 1 ? carried + StrictMath.log(own) : carried);
  }

  /** The weight of a turn that would be {@code own}: own * exp(strength * L), floored. */
  public double lowered(double own, double carried, double floor) {
    return carried < 0 ? Math.max(floor, own * StrictMath.exp(strength * carried)) : own;
  }

  /** This with another strength. */
  public Propagation withStrength(double value) {
    return new Propagation(value, decay);
  }

  /** This with another decay. */
  public Propagation withDecay(double value) {
    return new Propagation(strength, value);
  }
}
