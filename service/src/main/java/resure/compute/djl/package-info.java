/**
 * The tensor backend: the triples of all of a shard's runs in float64 arrays on one device, through
 * DJL and PyTorch. A group of any mix of runs and configurations takes a number of tensor
 * operations that depends on the depth of its sums, not on how many requests it has.
 *
 * <p>Statistics are the bits of {@code compute.jvm}: only + - * / in the same pairwise order, each
 * operation a kernel of its own, so nothing is fused; gathers by indices that the host has built,
 * never a scatter-add or a library's sum, whose order is its own. Only {@code exp} and {@code log}
 * of a weight may differ in the last bits. Arrays belong to one manager per group and end with it;
 * DJL's types never leave this package. One owner thread per {@link DjlCompute}.
 */
@NullMarked
package resure.compute.djl;

import org.jspecify.annotations.NullMarked;
