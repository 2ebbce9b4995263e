/**
 * Read models of one run: what grows with it (dialogues, history) and is therefore kept as rows in
 * the store, written behind what is applied. {@link resure.projection.ReadModels} follows the runs,
 * hands what happens to them to each {@link resure.projection.Projection} on a thread of its own,
 * and writes what those make of it; the journal is read again where something is missing. Nothing
 * here weighs, folds, or holds up who does.
 */
@NullMarked
package resure.projection;

import org.jspecify.annotations.NullMarked;
