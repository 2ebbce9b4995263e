/**
 * The interface to the append-only record of everything that changed a run, the entries, and their
 * one byte format. A store is a package of its own that passes {@code JournalContract}; it knows
 * keys and bytes, nothing of the domain. All calls block: shards' writer threads and workers make
 * them, never an event loop.
 */
@NullMarked
package resure.journal;

import org.jspecify.annotations.NullMarked;
