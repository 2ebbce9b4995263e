package resure.archive;

import java.util.List;
import resure.journal.DocumentKind;
import resure.journal.Head;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.Snapshot;

/** What a file of an export is made of; {@link ArchiveFormat} says in which order. */
sealed interface Piece {

  /** A run begins: what follows is of it. */
  record Begin(RunKey run) implements Piece {}

  /**
   * Entries that follow each other.
   *
   * @param first sequence of the first of them
   * @param entries their bytes as they are stored, at least one
   * @param head where the run's journal ended with the last of them
   */
  record Entries(long first, List<byte[]> entries, Head head) implements Piece {}

  /** What a run begins with that was trimmed: its first entry, and the first after the gap. */
  final class Trimmed implements Piece {

    private final byte[] created;
    private final Head head;
    private final byte[] first;

    /** Takes over the arrays. */
    Trimmed(byte[] created, Head head, byte[] first) {
      this.created = created;
      this.head = head;
      this.first = first;
    }

    /** The bytes of the run's first entry. */
    byte[] created() {
      return created;
    }

    /** Where the run's journal ended with the entry after the gap. */
    Head head() {
      return head;
    }

    /** The bytes of that. */
    byte[] first() {
      return first;
    }
  }

  /** Keys of batches that were trimmed away, at least one. */
  record Keys(List<LastingKey> keys) implements Piece {}

  /** A snapshot of the run. */
  record State(Snapshot snapshot) implements Piece {}

  /** A document of the run. */
  final class Attached implements Piece {

    private final DocumentKind kind;
    private final String id;
    private final byte[] content;

    /** Takes over the array. */
    Attached(DocumentKind kind, String id, byte[] content) {
      this.kind = kind;
      this.id = id;
      this.content = content;
    }

    DocumentKind kind() {
      return kind;
    }

    String id() {
      return id;
    }

    byte[] content() {
      return content;
    }
  }

  /** The run ends with this head: nothing of it is missing. */
  record Finish(Head head) implements Piece {}

  /** A run that the store could not read, so that it is not here. */
  record LeftOut(RunKey run, String why) implements Piece {}

  /** The end of the file: so many runs are in it. */
  record End(long runs, long leftOut) implements Piece {}
}
