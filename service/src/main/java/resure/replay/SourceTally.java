package resure.replay;

import org.jspecify.annotations.Nullable;

/**
 * Sums of one source.
 *
 * @param source its name; null for dialogues without one, and for the pool
 * @param other whether this is the pool of all sources beyond those that are kept apart
 * @param tally the sums
 */
public record SourceTally(@Nullable String source, boolean other, Tally tally) {}
