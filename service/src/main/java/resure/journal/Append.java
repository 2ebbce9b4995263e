package resure.journal;

import java.util.List;

/**
 * Entries to append to one run.
 *
 * @param run to which run
 * @param after where its journal must end; {@link Head#NONE} for its creation
 * @param entries what follows, at least one
 */
public record Append(RunKey run, Head after, List<JournalEntry> entries) {
  /** Copies the list. */
  public Append {
    entries = List.copyOf(entries);
    if (entries.isEmpty()) {
      throw new IllegalArgumentException("nothing to append");
    }
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i) instanceof JournalEntry.Created != (after.sequence() + i == 0)) {
        throw new IllegalArgumentException("a run's first entry creates it, and no other does");
      }
    }
  }
}
