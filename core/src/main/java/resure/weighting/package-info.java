/**
 * From losses and statistics to reliability weights: a run's configuration, the closed set of
 * weight functions, warm-up, propagation along a dialogue, normalization, effective sample size.
 * Numbers in, numbers out: no clock, no thread, no state that outlives a call but scratch space.
 */
@NullMarked
package resure.weighting;

import org.jspecify.annotations.NullMarked;
