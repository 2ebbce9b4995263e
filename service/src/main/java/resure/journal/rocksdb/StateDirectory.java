package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;

/**
 * The directory of a store: whose it is, of which format, and that nobody else has it open.
 *
 * <pre>
 *   resure.state   the marker: format version, id of the store, phase, checksum; text
 *   lock           locked while a process has the store open; empty
 *   watermark      see Watermark
 *   journal/       the database
 *   rows/          see RowDatabase; what can be made again, and is in no copy
 * </pre>
 *
 * <p>Only a directory without other content is ever initialised. The marker is written first, in
 * phase {@code initialising}: nothing was acknowledged before it says {@code ready}, so an
 * initialisation that was cut short is begun again.
 */
final class StateDirectory implements AutoCloseable {

  /**
   * The format of a directory that is known here. It is raised with that of anything within
   * (entries, snapshots, documents): a directory that an older release would understand only in
   * parts is one that it refuses.
   */
  static final int FORMAT = 4;

  /** 1 and 2 were of no release; in 3 no entry names an actor. */
  private static final int OLDEST = 3;

  static final String MARKER = "resure.state";

  private static final System.Logger LOG = System.getLogger(StateDirectory.class.getName());

  private static final String MARKER_DRAFT = "resure.state.new";
  private static final String LOCK = "lock";
  private static final String WATERMARK = "watermark";
  private static final String DATABASE = "journal";

  /** What an uninitialised directory may hold: ours, and what an empty volume comes with. */
  private static final Set<String> NO_CONTENT = Set.of(MARKER_DRAFT, LOCK, "lost+found");

  private static final int LONGEST_MARKER = 4096;
  private static final Pattern MARKER_TEXT =
      Pattern.compile(
          """
          ReSURE state: belongs to the service, do not edit
          format (\\d{1,9})
          store ([0-9a-f-]{36})
          phase (initialising|ready)
          (?s:.*)crc32c ([0-9a-f]{8})
          """);

  /**
   * Directories open in this process. POSIX drops a file's lock when any of the process's handles
   * on it is closed, so a second attempt here must not even open the file.
   */
  private static final Set<Path> OPEN_HERE = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final Path real;
  private final FileChannel lockChannel;
  private final UUID store;
  private final int format;
  private boolean ready;

  private StateDirectory(
      Path directory, Path real, FileChannel lockChannel, UUID store, boolean ready, int format) {
    this.directory = directory;
    this.real = real;
    this.lockChannel = lockChannel;
    this.store = store;
    this.ready = ready;
    this.format = format;
  }

  /**
   * Locks the directory, and marks it where it is empty or absent. One of an earlier release is
   * marked as of this one: from now on that release refuses it.
   */
  static StateDirectory open(Path directory) throws JournalException {
    return open(directory, FORMAT);
  }

  /** The same as a release would that knows formats up to another. */
  static StateDirectory open(Path directory, int known) throws JournalException {
    try {
      return openChecked(directory, known);
    } catch (JournalException e) {
      throw e;
    } catch (AccessDeniedException e) {
      throw new JournalUnavailableException(
          "State directory %s: no permission for %s. Make it readable and writable for the user of"
                  .formatted(directory, e.getFile())
              + " the service",
          e);
    } catch (IOException e) {
      throw new JournalUnavailableException(
          "State directory %s cannot be used: %s. It must be a directory on a writable disk with"
                  .formatted(directory, e)
              + " room",
          e);
    }
  }

  private static StateDirectory openChecked(Path directory, int known) throws IOException {
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      throw new JournalUnavailableException(
          "State directory %s is not a directory. Name another one".formatted(directory));
    }
    Files.createDirectories(directory);
    requireOurs(directory);
    Path real = directory.toRealPath();
    if (!OPEN_HERE.add(real)) {
      throw inUse(directory);
    }
    try {
      return locked(directory, real, known);
    } catch (IOException | RuntimeException | Error e) {
      OPEN_HERE.remove(real);
      throw e;
    }
  }

  private static StateDirectory locked(Path directory, Path real, int known) throws IOException {
    FileChannel lockChannel =
        FileChannel.open(
            directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (lockChannel.tryLock() == null) {
        throw inUse(directory);
      }
      // Again, now that nobody else can initialise it.
      requireOurs(directory);
      return opened(directory, real, lockChannel, known);
    } catch (IOException | RuntimeException | Error e) {
      lockChannel.close();
      throw e;
    }
  }

  private static StateDirectory opened(
      Path directory, Path real, FileChannel lockChannel, int known) throws IOException {
    Path marker = directory.resolve(MARKER);
    if (!Files.exists(marker)) {
      StateDirectory fresh =
          new StateDirectory(directory, real, lockChannel, UUID.randomUUID(), false, known);
      fresh.writeMarker();
      return fresh;
    }
    Matcher text = MARKER_TEXT.matcher(readMarker(marker));
    if (!text.matches()
        || !text.group(4).equals(checksum(text.group().substring(0, text.start(4) - 7)))) {
      throw new CorruptJournalException(
          "State directory %s: the marker %s is damaged. Restore it from a backup of the directory"
              .formatted(directory, MARKER));
    }
    int format = Integer.parseInt(text.group(1));
    if (format > known) {
      throw new JournalUnavailableException(
          "State directory %s was written by a newer release (format %d, this one reads up to %d)."
                  .formatted(directory, format, known)
              + " Run that release, or restore a backup of before it");
    }
    if (format < OLDEST) {
      throw new JournalUnavailableException(
          "State directory %s was written before the first release (format %d, this one is %d)."
                  .formatted(directory, format, known)
              + " Name another directory");
    }
    StateDirectory found =
        new StateDirectory(
            directory,
            real,
            lockChannel,
            UUID.fromString(text.group(2)),
            text.group(3).equals("ready"),
            known);
    if (format < known) {
      // Before anything of the newer formats is in it.
      found.writeMarker();
      LOG.log(
          Level.INFO,
          "State directory {0} is brought from format {1} to {2}: earlier releases refuse it now",
          directory,
          format,
          known);
    }
    return found;
  }

  private static String readMarker(Path marker) throws IOException {
    try (FileChannel channel = FileChannel.open(marker, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate(LONGEST_MARKER);
      while (buffer.hasRemaining() && channel.read(buffer) > 0) {
        // Until it is full or the file ends.
      }
      return new String(buffer.array(), 0, buffer.position(), UTF_8);
    }
  }

  private static void requireOurs(Path directory) throws IOException {
    if (Files.exists(directory.resolve(MARKER))) {
      return;
    }
    List<String> names;
    try (Stream<Path> content = Files.list(directory)) {
      names =
          content
              .map(path -> String.valueOf(path.getFileName()))
              .filter(name -> !NO_CONTENT.contains(name))
              .sorted()
              .limit(5)
              .toList();
    }
    if (!names.isEmpty()) {
      throw new JournalUnavailableException(
          "State directory %s is not ours: it has no %s, but %s. Name an empty or absent directory,"
                  .formatted(directory, MARKER, names)
              + " or restore that file");
    }
  }

  private static JournalUnavailableException inUse(Path directory) {
    return new JournalUnavailableException(
        "State directory %s is in use by another process. Stop that one, or name another directory"
            .formatted(directory));
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(UTF_8));
    return "%08x".formatted(crc.getValue());
  }

  /** The text of a marker. */
  static String marker(int format, UUID store, boolean ready) {
    String text =
        """
        ReSURE state: belongs to the service, do not edit
        format %d
        store %s
        phase %s
        """
            .formatted(format, store, ready ? "ready" : "initialising");
    return text + "crc32c " + checksum(text) + "\n";
  }

  private void writeMarker() throws IOException {
    writeMarker(directory);
  }

  private void writeMarker(Path directory) throws IOException {
    Path draft = directory.resolve(MARKER_DRAFT);
    try (FileChannel channel =
        FileChannel.open(
            draft,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      channel.write(ByteBuffer.wrap(marker(format, store, ready).getBytes(UTF_8)));
      channel.force(true);
    }
    Files.move(draft, directory.resolve(MARKER), StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * Makes another directory of the same store out of the copy of a database, which is in its place
   * there.
   *
   * @param reached how far that database reaches at least
   */
  void markCopy(Path copy, long reached) throws IOException {
    Watermark.start(copy.resolve(WATERMARK), store, Durability.FSYNC, reached, Manifest.UNKNOWN)
        .close();
    writeMarker(copy);
  }

  /** Where the rows of read models are. */
  Path rows() {
    return directory.resolve("rows");
  }

  /** Where the database of a directory is. */
  static Path database(Path directory) {
    return directory.resolve(DATABASE);
  }

  /** Whether the store has been created; nothing was acknowledged before. */
  boolean ready() {
    return ready;
  }

  /** Removes what a creation that was cut short has left. */
  void clear() throws IOException {
    Files.deleteIfExists(watermark());
    if (Files.exists(database())) {
      try (Stream<Path> content = Files.list(database())) {
        for (Path path : content.toList()) {
          Files.delete(path);
        }
      }
      Files.delete(database());
    }
  }

  /** Notes that the store has been created. */
  void markReady() throws IOException {
    ready = true;
    writeMarker();
  }

  Path directory() {
    return directory;
  }

  UUID store() {
    return store;
  }

  Path watermark() {
    return directory.resolve(WATERMARK);
  }

  Path database() {
    return database(directory);
  }

  @Override
  public void close() {
    try {
      lockChannel.close();
    } catch (IOException e) {
      // The lock ends with the process at the latest.
      System.getLogger(StateDirectory.class.getName())
          .log(System.Logger.Level.WARNING, "could not unlock " + directory, e);
    } finally {
      OPEN_HERE.remove(real);
    }
  }
}
