/**
 * Whether a turn's loss rises against its own recent past: the gauge, the warning (CUSUM) and the
 * alarm (ADWIN). Training losses are expected to fall; only rises are reported.
 *
 * <p>Pure: triples of folded steps in, what was noticed out. No clock, no thread, no I/O; the same
 * steps in the same order give the same bits. What it holds is bounded, about 1 kB a turn.
 */
@NullMarked
package resure.drift;

import org.jspecify.annotations.NullMarked;
