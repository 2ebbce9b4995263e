package resure.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.EntryFormat;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/**
 * Brings the runs of an export into a store, each with the very bytes that it had: after every
 * piece the run's head must be the exported one, which stands for all entries before it.
 *
 * <p>A run that is there already, with a journal that the export confirms, is continued, so that an
 * import that was cut short goes on where it stopped. A run whose name is another's here, or whose
 * journal has gone on differently, is named and left as it is; the others go on.
 */
public final class Import {

  private final Journal journal;
  private final Progress progress;
  private final EntryFormat format = new EntryFormat();

  /** Counts to {@code progress}. */
  public Import(Journal journal, Progress progress) {
    this.journal = journal;
    this.progress = progress;
  }

  /**
   * Imports what an {@link Export} has written.
   *
   * @param source its target
   * @throws JournalException when the store does not take it: what is there stays, and another
   *     import goes on from it
   * @throws IOException when the source cannot be read, or is damaged; what came before the damage
   *     is imported
   */
  public void from(Path source) throws IOException {
    if (Files.isDirectory(source)) {
      fromDirectory(source);
    } else {
      fromFile(source);
    }
  }

  private void fromFile(Path source) throws IOException {
    try (ArchiveInput in = new ArchiveInput(source, ArchiveFormat.Type.ARCHIVE)) {
      long runs = 0;
      long leftOut = 0;
      while (true) {
        switch (in.next()) {
          case Piece.Begin begin -> {
            run(begin.run(), in);
            runs++;
          }
          case Piece.LeftOut run -> {
            leftOut(run);
            leftOut++;
          }
          case Piece.End end -> {
            requireEnd(end, runs, leftOut, in);
            return;
          }
          case null, default -> throw misplaced(in);
        }
      }
    } catch (NoSuchFileException e) {
      throw new IOException(source + " is not there", e);
    } catch (DamagedArchiveException e) {
      throw new DamagedArchiveException(
          "%s: %s. What came before is imported; import an undamaged copy for the rest"
              .formatted(source, e.getMessage()),
          e);
    }
  }

  private void fromDirectory(Path source) throws IOException {
    Path contents = source.resolve(Export.CONTENTS);
    if (!Files.exists(contents)) {
      throw new IOException(
          "%s has no file %s: it is not an export, or one that has not ended. Export into it again"
              .formatted(source, Export.CONTENTS));
    }
    try (ArchiveInput in = new ArchiveInput(contents, ArchiveFormat.Type.CONTENTS)) {
      long runs = 0;
      long leftOut = 0;
      while (true) {
        switch (in.next()) {
          case Piece.Begin begin -> {
            if (!(in.next() instanceof Piece.Finish finish)) {
              throw misplaced(in);
            }
            fromRunFile(Export.runFile(source, begin.run()), begin.run(), finish.head());
            runs++;
          }
          case Piece.LeftOut run -> {
            leftOut(run);
            leftOut++;
          }
          case Piece.End end -> {
            requireEnd(end, runs, leftOut, in);
            return;
          }
          case null, default -> throw misplaced(in);
        }
      }
    } catch (DamagedArchiveException e) {
      throw new DamagedArchiveException(
          "%s: %s. Export into the directory again, or import an undamaged copy"
              .formatted(contents, e.getMessage()),
          e);
    }
  }

  private void fromRunFile(Path file, RunKey run, Head head) throws IOException {
    try (ArchiveInput in = new ArchiveInput(file, ArchiveFormat.Type.RUN)) {
      if (!new Piece.Begin(run).equals(in.next())) {
        throw new DamagedArchiveException("it is of another run");
      }
      Head end = run(run, in);
      if (!end.equals(head) || in.next() != null) {
        throw new DamagedArchiveException("it is not the file that " + Export.CONTENTS + " lists");
      }
    } catch (NoSuchFileException e) {
      progress.fault(run, "not imported, since its file " + file + " is missing");
    } catch (DamagedArchiveException e) {
      progress.fault(
          run,
          "not imported whole, since its file is not: %s: %s. Import an undamaged copy"
              .formatted(file, e.getMessage()));
    }
  }

  private void leftOut(Piece.LeftOut run) {
    progress.fault(run.run(), "not in the export, since the store could not read it: " + run.why());
  }

  private static void requireEnd(Piece.End end, long runs, long leftOut, ArchiveInput in)
      throws IOException {
    if (end.runs() != runs || end.leftOut() != leftOut || in.next() != null) {
      throw misplaced(in);
    }
  }

  private static DamagedArchiveException misplaced(ArchiveInput in) {
    return new DamagedArchiveException(
        "it is cut short, or has a piece that is out of place, at byte " + in.place().position());
  }

  /** Imports a run whose beginning was read; gives the head that it ends with. */
  private Head run(RunKey run, ArchiveInput in) throws IOException {
    Arrival arrival = new Arrival(run);
    while (true) {
      switch (in.next()) {
        case Piece.Entries entries -> arrival.take(entries, in);
        case Piece.Trimmed trimmed -> arrival.take(trimmed, in);
        case Piece.Keys keys -> arrival.take(keys, in);
        case Piece.State state -> arrival.take(state, in);
        case Piece.Attached attached -> arrival.take(attached, in);
        case Piece.Finish finish -> {
          arrival.finish(finish, in);
          return finish.head();
        }
        case null, default -> throw misplaced(in);
      }
    }
  }

  /** A run on its way into the store. */
  private final class Arrival {

    private final RunKey run;

    /** Where the journal of the run ended here when it came. */
    private final Head here;

    /** Where it ends now. */
    private Head appended;

    /** Where the entries end that were read. */
    private Head head = Head.NONE;

    /** Why nothing more of it is written; null while it is. */
    private @Nullable String refused;

    /** Whether all entries were read. */
    private boolean whole;

    Arrival(RunKey run) throws JournalException {
      this.run = run;
      here = lookUp();
      appended = here;
    }

    private Head lookUp() throws JournalException {
      try {
        RunKey present = journal.lookup(run.id());
        if (present != null && !present.equals(run)) {
          refused =
              "not imported, since there is another run of this name here: %s"
                  .formatted(present.incarnation());
          return Head.NONE;
        }
        Head end = present == null ? null : journal.head(present);
        return end == null ? Head.NONE : end;
      } catch (CorruptJournalException e) {
        refuse(e);
        return Head.NONE;
      }
    }

    void take(Piece.Entries entries, ArchiveInput in) throws IOException {
      if (whole || entries.first() != head.sequence() + 1) {
        throw misplaced(in);
      }
      List<StoredEntry> decoded = decode(entries, in);
      head = entries.head();
      if (refused != null) {
        return;
      }
      List<StoredEntry> missing = new ArrayList<>(decoded.size());
      for (StoredEntry entry : decoded) {
        if (entry.sequence() == here.sequence() && !entry.head().equals(here)) {
          refuse();
          return;
        }
        if (entry.sequence() > here.sequence()) {
          missing.add(entry);
        }
      }
      progress.there(decoded.size() - missing.size());
      append(missing);
    }

    void take(Piece.Trimmed trimmed, ArchiveInput in) throws IOException {
      if (whole || !head.equals(Head.NONE) || trimmed.head().sequence() <= 2) {
        throw misplaced(in);
      }
      StoredEntry created =
          decode(Head.NONE.next(ByteBuffer.wrap(trimmed.created())), trimmed.created(), in);
      StoredEntry first = decode(trimmed.head(), trimmed.first(), in);
      head = first.head();
      if (refused != null) {
        return;
      }
      if (here.equals(Head.NONE)) {
        create(created, first);
      } else if (here.sequence() < first.sequence()) {
        refused =
            ("not imported, since it ends at entry %d here, and the exported one has none left from"
                    + " there to %d. Delete it here, and import again")
                .formatted(here.sequence(), first.sequence() - 1);
      } else if (here.sequence() == first.sequence() && !here.equals(first.head())) {
        refuse();
      } else {
        progress.there(2);
      }
    }

    private void create(StoredEntry created, StoredEntry first) throws IOException {
      if (!journal.createTrimmed(run, created, first)) {
        refused = "not imported, since somebody else writes to it";
        return;
      }
      appended = first.head();
      progress.moved(
          first.entry() instanceof JournalEntry.Batch ? 1 : 0,
          created.bytes().length + first.bytes().length);
    }

    private List<StoredEntry> decode(Piece.Entries entries, ArchiveInput in)
        throws DamagedArchiveException {
      List<StoredEntry> decoded = new ArrayList<>(entries.entries().size());
      Head last = head;
      for (byte[] bytes : entries.entries()) {
        last = last.next(ByteBuffer.wrap(bytes));
        decoded.add(decode(last, bytes, in));
      }
      if (!last.equals(entries.head())) {
        throw new DamagedArchiveException(
            "its entries up to %d do not follow each other".formatted(last.sequence()));
      }
      return decoded;
    }

    private StoredEntry decode(Head at, byte[] bytes, ArchiveInput in)
        throws DamagedArchiveException {
      try {
        StoredEntry entry = new StoredEntry(run, at, bytes);
        if (entry.entry() instanceof JournalEntry.Created != (at.sequence() == 1)
            || entry.entry() instanceof JournalEntry.Deleted) {
          throw misplaced(in);
        }
        return entry;
      } catch (CorruptJournalException e) {
        throw new DamagedArchiveException(
            "entry %d is damaged, before byte %d".formatted(at.sequence(), in.place().position()),
            e);
      }
    }

    private void refuse() {
      refused = "not imported, since its journal here has other entries than the exported one";
    }

    private void refuse(CorruptJournalException e) {
      refused = "not imported, since it is here, and damaged: " + e.getMessage();
    }

    /** In as few appends as can be: a key may be used again only after what forgets it. */
    private void append(List<StoredEntry> missing) throws IOException {
      int from = 0;
      for (int i = 0; i < missing.size() && refused == null; i++) {
        JournalEntry entry = missing.get(i).entry();
        if (i == missing.size() - 1
            || entry instanceof JournalEntry.Rewound
            || entry instanceof JournalEntry.Trimmed) {
          appendAtOnce(missing.subList(from, i + 1));
          from = i + 1;
        }
      }
    }

    private void appendAtOnce(List<StoredEntry> entries) throws IOException {
      List<JournalEntry> group = new ArrayList<>(entries.size());
      int batches = 0;
      long bytes = 0;
      for (StoredEntry entry : entries) {
        ByteBuffer again = format.encode(run.incarnation(), entry.sequence(), entry.entry());
        if (!again.equals(ByteBuffer.wrap(entry.bytes()))) {
          refused =
              "not imported, since entry %d has a form that only another release writes"
                  .formatted(entry.sequence());
          return;
        }
        group.add(entry.entry());
        batches += entry.entry() instanceof JournalEntry.Batch ? 1 : 0;
        bytes += entry.bytes().length;
      }
      Append append = new Append(run, appended, group);
      Head end = entries.getLast().head();
      if (!end.equals(journal.append(List.of(append)).get(run))) {
        refused = "not imported further, since somebody else writes to it";
        return;
      }
      appended = end;
      progress.moved(batches, bytes);
    }

    /** What is here may have gone on since the export; then it must have been there once. */
    private void endEntries(ArchiveInput in) throws IOException {
      if (whole) {
        return;
      }
      whole = true;
      if (head.equals(Head.NONE)) {
        throw misplaced(in);
      }
      if (refused == null && here.sequence() > head.sequence()) {
        try {
          List<StoredEntry> last = journal.read(run, head.sequence(), 1);
          if (!last.isEmpty() && last.getFirst().sequence() > head.sequence()) {
            refused = "left as it is, since it has gone on here and dropped what is exported";
          } else if (last.isEmpty() || !last.getFirst().head().equals(head)) {
            refuse();
          }
        } catch (CorruptJournalException e) {
          refuse(e);
        }
      }
    }

    void take(Piece.Keys keys, ArchiveInput in) throws IOException {
      endEntries(in);
      if (refused == null) {
        journal.keep(run, keys.keys());
      }
    }

    void take(Piece.State state, ArchiveInput in) throws IOException {
      endEntries(in);
      if (refused == null) {
        journal.save(run, state.snapshot());
      }
    }

    void take(Piece.Attached attached, ArchiveInput in) throws IOException {
      endEntries(in);
      if (refused != null) {
        return;
      }
      Document document = document(attached.kind(), attached.id(), in);
      if (attached.kind() == DocumentKind.REPLAY_RUNNING
          && has(document(DocumentKind.REPLAY, attached.id(), in))) {
        // It has ended here since an earlier import brought it.
        return;
      }
      if (!journal.keep(document, attached.content())) {
        refused = "not imported whole, since it was deleted meanwhile";
      }
    }

    private Document document(DocumentKind kind, String id, ArchiveInput in)
        throws DamagedArchiveException {
      try {
        return new Document(run, kind, id);
      } catch (IllegalArgumentException e) {
        throw misplaced(in);
      }
    }

    private boolean has(Document document) throws JournalException {
      try {
        return journal.content(document) != null;
      } catch (CorruptJournalException e) {
        return true;
      }
    }

    void finish(Piece.Finish finish, ArchiveInput in) throws IOException {
      endEntries(in);
      if (!finish.head().equals(head)) {
        throw misplaced(in);
      }
      String fault = refused;
      if (fault == null) {
        progress.run();
      } else {
        progress.fault(run, fault);
      }
    }
  }
}
