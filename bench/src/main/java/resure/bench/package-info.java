/**
 * Measures the packaged service from outside, beside what bounds it: child JVMs, a cheap client,
 * interleaved rounds, ratios. Those commands use nothing of the service but its command line, its
 * HTTP contract and its exposition; {@code crossover} and {@code replays} measure its computing
 * parts within this process.
 */
@NullMarked
package resure.bench;

import org.jspecify.annotations.NullMarked;
