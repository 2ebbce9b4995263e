package resure.journal;

import java.nio.ByteBuffer;

/** An entry that was read back. */
public final class StoredEntry {

  private final Head head;
  private final JournalEntry entry;
  private final byte[] bytes;

  /**
   * Decodes an entry; takes over the array.
   *
   * @param run whose it should be
   * @param head where it should be
   * @throws CorruptJournalException when the bytes are not what was encoded for these
   */
  public StoredEntry(RunKey run, Head head, byte[] bytes) throws CorruptJournalException {
    this.head = head;
    this.bytes = bytes;
    entry = EntryFormat.decode(run.incarnation(), head.sequence(), bytes);
  }

  /** Where its run's journal ended with it. */
  public Head head() {
    return head;
  }

  /** Its position in its run's journal, from 1. */
  public long sequence() {
    return head.sequence();
  }

  /** What it says. */
  public JournalEntry entry() {
    return entry;
  }

  /** Its bytes as they are stored; not to be changed. */
  public byte[] bytes() {
    return bytes;
  }

  /** Whether it is the one that came after {@code earlier}, in the same history of the run. */
  public boolean follows(Head earlier) {
    return earlier.next(ByteBuffer.wrap(bytes)).equals(head);
  }
}
