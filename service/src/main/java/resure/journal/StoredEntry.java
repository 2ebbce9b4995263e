package resure.journal;

/**
 * An entry that was read back.
 *
 * @param sequence its position in its run's journal, from 1
 * @param entry what
 */
public record StoredEntry(long sequence, JournalEntry entry) {}
