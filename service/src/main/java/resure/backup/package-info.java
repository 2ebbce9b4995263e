/**
 * Backups that the service takes of its own store while it runs: when one is due, under which name,
 * which are kept, how old the newest is. What a backup holds is the store's affair. One thread of
 * its own; callers may have others.
 */
@NullMarked
package resure.backup;

import org.jspecify.annotations.NullMarked;
