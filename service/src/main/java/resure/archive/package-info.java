/**
 * Runs in files: export from any store, import into any store, each in one pass over what may be
 * larger than memory. {@code ArchiveFormat} alone knows the bytes of a file. One thread; nothing
 * here knows which store it is, or what a snapshot or a document means.
 */
@NullMarked
package resure.archive;

import org.jspecify.annotations.NullMarked;
