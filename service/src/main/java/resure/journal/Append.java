package resure.journal;

/**
 * An entry to append.
 *
 * @param run to which run
 * @param sequence the position that it must get
 * @param entry what
 */
public record Append(RunKey run, long sequence, JournalEntry entry) {}
