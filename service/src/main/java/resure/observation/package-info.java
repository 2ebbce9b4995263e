/**
 * The vocabulary: which run, the columns of a batch, the weights that it got. Immutable values; the
 * columns are flat arrays that nobody changes once a value is made. No I/O, no statistics.
 */
@NullMarked
package resure.observation;

import org.jspecify.annotations.NullMarked;
