/**
 * Read models of runs: what is made of what is recorded, for those who look. What grows with a run
 * (dialogues, history) is kept as rows in the store, written behind what is applied: {@link
 * resure.projection.ReadModels} follows the runs, hands what happens to them to each {@link
 * resure.projection.Projection} on a thread of its own, and writes what those make of it; the
 * journal is read again where something is missing. Nothing here weighs, folds, or holds up who
 * does.
 */
@NullMarked
package resure.projection;

import org.jspecify.annotations.NullMarked;
