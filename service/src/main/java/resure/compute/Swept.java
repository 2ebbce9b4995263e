package resure.compute;

/**
 * What the members of a sweep make of a window. Observations with a weight of 1 are the rest: they
 * count 1 each in any sum. A row a member, in their order; rows follow each other.
 *
 * @param below of each slot, then of each source: how many weights are below 1; rows of {@code
 *     slotCount + sourceCount}
 * @param sums likewise the sum of the weights below 1
 * @param squares likewise the sum of their squares
 * @param weights every weight, in rows of the window's size; empty when not asked for
 */
public record Swept(long[] below, double[] sums, double[] squares, double[] weights) {}
