/**
 * What the service is measured beside: servers that do less for the same bytes. Each is a main
 * class of its own: port, then shape of the batches.
 */
@NullMarked
package resure.bench.floor;

import org.jspecify.annotations.NullMarked;
