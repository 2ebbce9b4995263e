package resure.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;

/**
 * Writes all runs of a store to a file or a directory. Each run is what it was at some moment of
 * the export, its snapshots and documents with it; what is derived from these is not written. A run
 * that the store cannot read is left out and named.
 *
 * <p>Into a directory an export goes on where an earlier one has ended, whether that one was cut
 * short or the runs have grown since. What is there is read and checked; a file that is damaged is
 * cut before the damage and written from there. An instance exports once.
 */
public final class Export {

  /** What a name of a target ends with that is a file. */
  public static final String FILE_SUFFIX = ".resure";

  static final String CONTENTS = "contents";

  private static final String DRAFT_SUFFIX = ".part";
  private static final String RUN_SUFFIX = ".run";
  private static final String LOST_AND_FOUND = "lost+found";

  /** Bytes of entries in a piece, about: what is held in memory. */
  private static final int PIECE_BYTES = 1 << 20;

  /** What a key needs in memory, about. */
  private static final int KEY_BYTES = 100;

  private static final int RUNS_A_PAGE = 1000;

  private final Journal journal;
  private final Progress progress;
  private final int pieceBytes;
  private long runs;
  private long leftOut;

  /** Counts to {@code progress}. */
  public Export(Journal journal, Progress progress) {
    this(journal, progress, PIECE_BYTES);
  }

  Export(Journal journal, Progress progress, int pieceBytes) {
    this.journal = journal;
    this.progress = progress;
    this.pieceBytes = pieceBytes;
  }

  /** Whether a target is one file: one that ends with {@link #FILE_SUFFIX}. */
  static boolean isFile(Path target) {
    return target.toString().endsWith(FILE_SUFFIX);
  }

  static Path runFile(Path directory, RunKey run) {
    return directory.resolve(run.incarnation() + RUN_SUFFIX);
  }

  /**
   * Exports.
   *
   * @param target a file that is not there yet, when it ends with {@link #FILE_SUFFIX}; else a
   *     directory that is empty, absent, or of an earlier export
   * @throws JournalException when the store cannot be read
   * @throws IOException when the target cannot be written; the message says what to do
   */
  public void to(Path target) throws IOException {
    if (isFile(target)) {
      toFile(target);
    } else {
      toDirectory(target);
    }
  }

  private void toFile(Path target) throws IOException {
    if (Files.exists(target)) {
      throw new IOException(target + " is there already. Name a file that is not, or remove it");
    }
    Path draft = Path.of(target + DRAFT_SUFFIX);
    try (ArchiveOutput out = ArchiveOutput.create(draft, ArchiveFormat.Type.ARCHIVE)) {
      eachRun(
          run -> {
            Place before = out.place();
            try {
              if (write(out, run, before, Head.NONE) == null) {
                out.cut(before);
              } else {
                count();
              }
            } catch (CorruptJournalException e) {
              out.cut(before);
              out.put(leftOut(run, e));
            }
          });
      out.put(new Piece.End(runs, leftOut));
      out.force();
    }
    publish(draft, target);
  }

  private void toDirectory(Path target) throws IOException {
    requireOurs(target);
    Files.createDirectories(target);
    Path contents = target.resolve(CONTENTS);
    Path draft = target.resolve(CONTENTS + DRAFT_SUFFIX);
    try (ArchiveOutput out = ArchiveOutput.create(draft, ArchiveFormat.Type.CONTENTS)) {
      // From now on until the end it is no whole export.
      Files.deleteIfExists(contents);
      force(target);
      eachRun(
          run -> {
            try {
              Head head = writeFile(runFile(target, run), run);
              if (head != null) {
                out.put(new Piece.Begin(run));
                out.put(new Piece.Finish(head));
                count();
              }
            } catch (CorruptJournalException e) {
              out.put(leftOut(run, e));
            }
          });
      out.put(new Piece.End(runs, leftOut));
      out.force();
    }
    publish(draft, contents);
  }

  private void count() {
    runs++;
    progress.run();
  }

  private Piece.LeftOut leftOut(RunKey run, CorruptJournalException e) {
    leftOut++;
    String why = String.valueOf(e.getMessage());
    progress.fault(run, "left out, since the store cannot read it: " + why);
    return new Piece.LeftOut(run, why);
  }

  private static void requireOurs(Path target) throws IOException {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new IOException(
          "%s is a file. Name a directory, or a file that ends with %s"
              .formatted(target, FILE_SUFFIX));
    }
    try (Stream<Path> content = Files.list(target)) {
      Path foreign = content.filter(path -> !isOurs(path)).findFirst().orElse(null);
      if (foreign != null) {
        throw new IOException(
            "%s is not the directory of an export: there is %s. Name an empty or absent one"
                .formatted(target, foreign.getFileName()));
      }
    }
  }

  private static boolean isOurs(Path path) {
    String name = String.valueOf(path.getFileName());
    return name.equals(CONTENTS)
        || name.equals(CONTENTS + DRAFT_SUFFIX)
        || name.equals(LOST_AND_FOUND)
        || name.endsWith(RUN_SUFFIX);
  }

  private static void publish(Path draft, Path target) throws IOException {
    Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
    force(requireNonNull(target.toAbsolutePath().getParent()));
  }

  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Writes what is missing of a run's file; gives its head, or null when the run is gone. */
  private @Nullable Head writeFile(Path path, RunKey run) throws IOException {
    Kept kept = kept(path, run);
    Head head;
    try (ArchiveOutput out =
        kept == null
            ? ArchiveOutput.create(path, ArchiveFormat.Type.RUN)
            : ArchiveOutput.resume(path, kept.place())) {
      head =
          kept == null
              ? write(out, run, out.place(), Head.NONE)
              : write(out, run, kept.begin(), kept.head());
      if (head != null) {
        out.force();
      }
    }
    if (head == null) {
      Files.delete(path);
    }
    return head;
  }

  /**
   * What of a run's file is undamaged and still the store's.
   *
   * @param begin where the run begins
   * @param place behind the last of its entries
   */
  private record Kept(Place begin, Place place, Head head) {}

  private @Nullable Kept kept(Path path, RunKey run) throws IOException {
    if (!Files.exists(path)) {
      return null;
    }
    Kept kept = null;
    try (ArchiveInput in = new ArchiveInput(path, ArchiveFormat.Type.RUN)) {
      Place begin = in.place();
      if (!new Piece.Begin(run).equals(in.next())) {
        return null;
      }
      Piece piece = in.next();
      if (piece instanceof Piece.Trimmed trimmed) {
        kept = new Kept(begin, in.place(), trimmed.head());
        progress.there(2);
        piece = in.next();
      }
      for (; piece instanceof Piece.Entries entries; piece = in.next()) {
        kept = new Kept(begin, in.place(), entries.head());
        progress.there(entries.entries().size());
      }
    } catch (DamagedArchiveException e) {
      progress.say("%s: %s. It is written anew from there".formatted(path, e.getMessage()));
    }
    if (kept != null) {
      List<StoredEntry> last = journal.read(run, kept.head().sequence(), 1);
      if (last.isEmpty() || !last.getFirst().head().equals(kept.head())) {
        return null;
      }
    }
    return kept;
  }

  /**
   * Writes a run from a place of its journal on; gives its head, or null when the run is gone.
   *
   * @param begin where it begins in the file: it is written anew when it is trimmed meanwhile
   * @param after {@link Head#NONE} to begin it
   */
  private @Nullable Head write(ArchiveOutput out, RunKey run, Place begin, Head after)
      throws IOException {
    StoredEntry first = firstAfterGap(run);
    // A store that others append to may go on for ever: what there is now is enough.
    Head end = journal.head(run);
    if (end == null) {
      return null;
    }
    Head head = after;
    if (after.equals(Head.NONE)) {
      out.put(new Piece.Begin(run));
      if (first != null) {
        head = put(out, run, first);
      }
    }
    while (head.sequence() < end.sequence()) {
      List<StoredEntry> page = journal.read(run, head.sequence() + 1, pieceBytes);
      if (page.isEmpty()) {
        if (journal.head(run) == null) {
          return null;
        }
        throw new CorruptJournalException("entry %d is missing".formatted(head.sequence() + 1));
      }
      if (page.getLast().sequence() != head.sequence() + page.size()) {
        return writeAnew(out, run, begin);
      }
      head = put(out, page, head, end);
    }
    if (!head.equals(end)) {
      throw new CorruptJournalException("entry %d is not the newest".formatted(head.sequence()));
    }
    if (first != null) {
      putKeys(out, run);
    }
    putSnapshots(out, run, end);
    if (first != null && isTrimmedFurther(run, first)) {
      // What the exported entries need may be among the snapshots that went.
      return writeAnew(out, run, begin);
    }
    putDocuments(out, run);
    out.put(new Piece.Finish(end));
    return end;
  }

  private @Nullable Head writeAnew(ArchiveOutput out, RunKey run, Place begin) throws IOException {
    out.cut(begin);
    return write(out, run, begin, Head.NONE);
  }

  /** The entry after the gap of a run that was trimmed; null when it was not, or is gone. */
  private @Nullable StoredEntry firstAfterGap(RunKey run) throws JournalException {
    List<StoredEntry> second = journal.read(run, 2, 1);
    return second.isEmpty() || second.getFirst().sequence() == 2 ? null : second.getFirst();
  }

  private boolean isTrimmedFurther(RunKey run, StoredEntry first) throws JournalException {
    StoredEntry now = firstAfterGap(run);
    return now != null && now.sequence() != first.sequence();
  }

  /** Writes what a trimmed run begins with; gives where its journal ended with that. */
  private Head put(ArchiveOutput out, RunKey run, StoredEntry first) throws IOException {
    List<StoredEntry> created = journal.read(run, 1, 1);
    if (created.isEmpty() || !created.getFirst().follows(Head.NONE)) {
      throw new CorruptJournalException("the first entry is missing, or follows another");
    }
    out.put(new Piece.Trimmed(created.getFirst().bytes(), first.head(), first.bytes()));
    progress.moved(
        first.entry() instanceof JournalEntry.Batch ? 1 : 0,
        created.getFirst().bytes().length + first.bytes().length);
    return first.head();
  }

  private void putKeys(ArchiveOutput out, RunKey run) throws IOException {
    int limit = pieceBytes / KEY_BYTES;
    List<LastingKey> keys = journal.lastingKeys(run, null, limit);
    while (!keys.isEmpty()) {
      out.put(new Piece.Keys(keys));
      keys = journal.lastingKeys(run, keys.getLast().key(), limit);
    }
  }

  private Head put(ArchiveOutput out, List<StoredEntry> page, Head after, Head end)
      throws IOException {
    if (!page.getFirst().follows(after)) {
      throw new CorruptJournalException(
          "entry %d does not follow the one before it".formatted(after.sequence() + 1));
    }
    List<byte[]> entries = new ArrayList<>(page.size());
    Head head = after;
    int batches = 0;
    long bytes = 0;
    for (StoredEntry entry : page) {
      if (entry.sequence() > end.sequence()) {
        break;
      }
      entries.add(entry.bytes());
      head = entry.head();
      batches += entry.entry() instanceof JournalEntry.Batch ? 1 : 0;
      bytes += entry.bytes().length;
    }
    out.put(new Piece.Entries(after.sequence() + 1, entries, head));
    progress.moved(batches, bytes);
    return head;
  }

  /** Oldest first, as they were taken, so that the store they go to thins them out alike. */
  private void putSnapshots(ArchiveOutput out, RunKey run, Head end) throws IOException {
    List<Long> sequences = new ArrayList<>();
    Snapshot snapshot = journal.snapshot(run, end.sequence());
    while (snapshot != null) {
      sequences.add(snapshot.sequence());
      snapshot = journal.snapshot(run, snapshot.sequence() - 1);
    }
    for (long sequence : sequences.reversed()) {
      Snapshot again = journal.snapshot(run, sequence);
      if (again != null && again.sequence() == sequence) {
        out.put(new Piece.State(again));
      }
    }
  }

  /**
   * Results before the replays that they are of. A replay may end meanwhile: its request is looked
   * at first, so that it is seen as the one or the other.
   */
  private void putDocuments(ArchiveOutput out, RunKey run) throws IOException {
    List<Piece.Attached> running = new ArrayList<>();
    for (Document document : journal.documents(run, DocumentKind.REPLAY_RUNNING)) {
      Piece.Attached request = attached(document);
      if (request != null) {
        running.add(request);
      }
    }
    List<Document> ended = journal.documents(run, DocumentKind.REPLAY);
    for (Document document : journal.documents(run, DocumentKind.REPLAY_RESULTS)) {
      put(out, attached(document));
    }
    for (Document document : ended) {
      put(out, attached(document));
    }
    for (Piece.Attached request : running) {
      if (ended.stream().noneMatch(document -> document.id().equals(request.id()))) {
        put(out, request);
      }
    }
  }

  private static void put(ArchiveOutput out, Piece.@Nullable Attached attached) throws IOException {
    if (attached != null) {
      out.put(attached);
    }
  }

  private Piece.@Nullable Attached attached(Document document) throws JournalException {
    try {
      byte[] content = journal.content(document);
      return content == null ? null : new Piece.Attached(document.kind(), document.id(), content);
    } catch (CorruptJournalException e) {
      progress.fault(
          document.run(), "a document of a replay is left out: %s".formatted(e.getMessage()));
      return null;
    }
  }

  @FunctionalInterface
  private interface Visit {
    void to(RunKey run) throws IOException;
  }

  /** Visits the runs of all tenants, of which a page is in memory at a time. */
  private void eachRun(Visit visit) throws IOException {
    for (String tenant : journal.tenants()) {
      String after = null;
      List<RunKey> page;
      do {
        page = journal.list(tenant, after, RUNS_A_PAGE);
        for (RunKey run : page) {
          visit.to(run);
          after = run.id().name();
        }
      } while (!page.isEmpty());
    }
  }
}
