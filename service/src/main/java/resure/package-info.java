/**
 * The service: {@code main}, its properties, and the wiring. The only place that names
 * implementations of the journal and of compute.
 */
@NullMarked
package resure;

import org.jspecify.annotations.NullMarked;
