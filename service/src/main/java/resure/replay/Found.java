package resure.replay;

/**
 * A replay with its results.
 *
 * @param replay the replay
 * @param results best first; none unless it is done
 */
public record Found(Replay replay, Results results) {}
