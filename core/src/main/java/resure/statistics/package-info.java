/**
 * Running moments of per-turn losses: the only place that does arithmetic on them.
 *
 * <p>A loss belongs to a slot (its turn index, turns past a run's {@code maxTurns} pooled in the
 * last one). Batches are reduced to one triple (n, mean, M2) a slot, triples are merged in a fixed
 * order by Chan's formula, and old evidence is aged. Only + - * / and sqrt in a documented order:
 * the same bits on every machine and backend. No clock, no thread, no I/O.
 */
@NullMarked
package resure.statistics;

import org.jspecify.annotations.NullMarked;
