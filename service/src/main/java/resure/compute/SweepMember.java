package resure.compute;

import resure.weighting.Propagation;
import resure.weighting.Weighting;

/**
 * What of a configuration decides the weights of a {@link SweepWindow}.
 *
 * @param weighting the weight function
 * @param propagation how early turns lower later ones
 */
public record SweepMember(Weighting weighting, Propagation propagation) {}
