package resure.archive;

/**
 * A place between two pieces of a file.
 *
 * @param position bytes before it
 * @param checksum of all of them
 */
record Place(long position, int checksum) {}
