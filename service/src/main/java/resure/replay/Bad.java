package resure.replay;

import org.jspecify.annotations.Nullable;

/**
 * A label: supervision that is known to be bad. What no label names counts as good.
 *
 * @param dialogue id of the dialogue
 * @param turn which turn of it; null for every one
 */
public record Bad(String dialogue, @Nullable Long turn) {}
