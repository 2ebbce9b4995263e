/**
 * The reference backend: plain double arithmetic in flat arrays, and the default where there is no
 * accelerator. References are tables on the heap; there is nothing to release.
 */
@NullMarked
package resure.compute.jvm;

import org.jspecify.annotations.NullMarked;
