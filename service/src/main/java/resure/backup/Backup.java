package resure.backup;

import java.time.Instant;

/**
 * A backup that is whole.
 *
 * @param name of its directory, within that of all
 * @param at when it was begun: all that was answered before is in it
 * @param bytes of its files, as long as they are said to be; on the store's own file system most of
 *     them are shared with the store
 */
public record Backup(String name, Instant at, long bytes) {}
