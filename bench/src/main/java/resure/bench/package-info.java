/**
 * Measures the packaged service from outside, beside what bounds it: child JVMs, a cheap client,
 * interleaved rounds, ratios. Uses nothing of the service but its command line, its HTTP contract
 * and its exposition.
 */
@NullMarked
package resure.bench;

import org.jspecify.annotations.NullMarked;
