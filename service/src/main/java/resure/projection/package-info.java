/**
 * Read models of runs: what is made of what is recorded, for those who look. Nothing here weighs,
 * folds, or holds up who does.
 */
@NullMarked
package resure.projection;

import org.jspecify.annotations.NullMarked;
