package resure.replay;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Scored;

/** Which labels name something that occurs in the recorded batches. One thread. */
final class Occurrence {

  /** Most labels that are listed as unknown. */
  static final int LISTED = 100;

  /** Of each dialogue that is still sought: its turns, null for the dialogue itself. */
  private final Map<String, Set<@Nullable Long>> sought = new HashMap<>();

  Occurrence(List<Bad> labels) {
    for (Bad bad : labels) {
      sought.computeIfAbsent(bad.dialogue(), dialogue -> new HashSet<>()).add(bad.turn());
    }
  }

  /**
   * Goes through the batches until everything is found. Blocking.
   *
   * @param stop whether to give up
   */
  void read(Export batches, BooleanSupplier stop) throws JournalException {
    List<Scored> some = batches.next();
    while (!some.isEmpty() && !sought.isEmpty() && !stop.getAsBoolean()) {
      some.forEach(scored -> cross(scored.batch()));
      some = batches.next();
    }
  }

  private void cross(ObservationBatch batch) {
    for (int d = 0; d < batch.dialogues(); d++) {
      String id = batch.id(d);
      Set<@Nullable Long> turns = sought.get(id);
      if (turns == null) {
        continue;
      }
      turns.remove(null);
      int start = batch.offsets()[d];
      for (int i = start; i < batch.offsets()[d + 1]; i++) {
        if (batch.supervised(i)) {
          turns.remove(batch.firstTurn(d) + i - start);
        }
      }
      if (turns.isEmpty()) {
        sought.remove(id);
      }
    }
  }

  /** The labels that name nothing that was met; null when there are none. */
  Started.@Nullable UnknownLabels unknown(List<Bad> labels) {
    List<Bad> unknown = new ArrayList<>();
    int first = -1;
    int total = 0;
    for (int i = 0; i < labels.size(); i++) {
      Bad bad = labels.get(i);
      Set<@Nullable Long> turns = sought.get(bad.dialogue());
      if (turns != null && turns.contains(bad.turn())) {
        first = first < 0 ? i : first;
        total++;
        if (unknown.size() < LISTED) {
          unknown.add(bad);
        }
      }
    }
    return total == 0 ? null : new Started.UnknownLabels(first, unknown, total);
  }
}
