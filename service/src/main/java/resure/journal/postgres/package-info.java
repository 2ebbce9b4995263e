/**
 * The store of many processes: PostgreSQL, or what speaks it. {@link
 * resure.journal.postgres.PostgresJournal} is the way in and has the statements that read; {@code
 * Group} has the one that appends, {@code Database} the connections and what a failure of one
 * means, {@code Schema} whose tables they are. Nothing of the domain but entries' bytes passes
 * through here.
 */
@NullMarked
package resure.journal.postgres;

import org.jspecify.annotations.NullMarked;
