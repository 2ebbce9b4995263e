package resure.client;

import org.jspecify.annotations.Nullable;

/**
 * Where what is kept of a run begins that has dropped old losses: from there on every batch is
 * recorded.
 *
 * @param step the earliest step; null for a run without steps
 * @param sequence no batch before it is kept
 */
public record WholeFrom(@Nullable Long step, long sequence) {}
