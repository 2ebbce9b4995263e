package resure.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.observation.RunId;

/**
 * Runs that are being created where a tenant may have so many: of several at once each counts those
 * that began before it as if they were there, so that none is one too many. All ranks of a trainer
 * create the same run, which counts once. Any thread; the monitor guards the names.
 */
final class Creations {

  /** By tenant: names in the order in which they began, with how many ask for each. */
  private final Map<String, LinkedHashMap<String, Integer>> begun = new HashMap<>();

  /** The names of the tenant that began before this one, which begins with it if it had not. */
  synchronized List<String> begin(RunId id) {
    LinkedHashMap<String, Integer> names =
        begun.computeIfAbsent(id.tenant(), tenant -> new LinkedHashMap<>());
    names.merge(id.name(), 1, Integer::sum);
    List<String> before = new ArrayList<>();
    for (String name : names.keySet()) {
      if (name.equals(id.name())) {
        break;
      }
      before.add(name);
    }
    return before;
  }

  /** Says that one who began is done: its run is durable, or was not made. */
  synchronized void end(RunId id) {
    begun.computeIfPresent(
        id.tenant(),
        (tenant, names) -> {
          names.computeIfPresent(id.name(), (name, asking) -> asking == 1 ? null : asking - 1);
          return names.isEmpty() ? null : names;
        });
  }

  /** Whether the tenant has less than so many runs besides this one, or this one already. */
  static boolean hasRoom(Journal journal, RunId id, List<String> before, int most)
      throws JournalException {
    Set<String> names = new HashSet<>(before);
    journal.list(id.tenant(), null, most).forEach(run -> names.add(run.id().name()));
    return names.size() < most || names.contains(id.name()) || journal.lookup(id) != null;
  }
}
