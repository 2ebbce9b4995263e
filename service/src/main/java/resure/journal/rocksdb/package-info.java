/**
 * The embedded store: RocksDB under one directory, held by one process. {@link
 * resure.journal.rocksdb.RocksDbJournal} is the way in; {@code Rows} knows keys, {@code
 * StateDirectory} whose directory it is, {@code Watermark} how far it must reach. Nothing of the
 * domain but entries' bytes passes through here.
 */
@NullMarked
package resure.journal.rocksdb;

import org.jspecify.annotations.NullMarked;
