/**
 * The interface between a shard and whatever holds and computes its runs' triples. Implementations
 * live in packages of their own and pass {@code ComputeContract}. Each shard owns one, and only the
 * shard's thread calls it; recoveries on workers have their own.
 */
@NullMarked
package resure.compute;

import org.jspecify.annotations.NullMarked;
