package resure.replay;

import resure.weighting.Configuration;

/**
 * A configuration with what it would have done.
 *
 * @param configuration complete
 * @param result of it
 */
public record Tried(Configuration configuration, ReplayResult result) {}
