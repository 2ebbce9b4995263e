package resure.run;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.Append;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;

/**
 * An entry on its way to the journal.
 *
 * @param slot whose it is
 * @param request who asked for it
 * @param key the run
 * @param after where the run's journal is taken to end, the same for all entries of a run's group
 * @param sequence the position that the entry gets
 * @param entry what
 * @param run as it was when the entry was made; null for its creation
 */
record InFlight(
    Slot slot,
    Request<?> request,
    RunKey key,
    Head after,
    long sequence,
    JournalEntry entry,
    @Nullable Run run) {

  InFlight(Slot slot, Request<?> request, Run run, long sequence, JournalEntry entry) {
    this(slot, request, run.key(), run.head(), sequence, entry, run);
  }

  /** What appends a group: a run's entries are adjacent in it. */
  static List<Append> appends(List<InFlight> group) {
    List<Append> appends = new ArrayList<>();
    for (int from = 0, to; from < group.size(); from = to) {
      InFlight first = group.get(from);
      List<JournalEntry> entries = new ArrayList<>();
      for (to = from; to < group.size() && group.get(to).key.equals(first.key); to++) {
        entries.add(group.get(to).entry);
      }
      appends.add(new Append(first.key, first.after, entries));
    }
    return appends;
  }
}
