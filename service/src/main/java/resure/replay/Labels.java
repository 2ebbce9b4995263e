package resure.replay;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Scored;

/** Which dialogues and turns are labelled bad. Immutable. */
public final class Labels {

  private static final boolean[] NONE_BAD = {};

  private final Set<String> whole = new HashSet<>();
  private final Map<String, Set<Long>> turns = new HashMap<>();

  /** A dialogue that is named as a whole is bad in every turn, whatever else is said of it. */
  public Labels(List<Bad> bad) {
    for (Bad label : bad) {
      Long turn = label.turn();
      if (turn == null) {
        whole.add(label.dialogue());
      } else {
        turns.computeIfAbsent(label.dialogue(), id -> new HashSet<>()).add(turn);
      }
    }
  }

  /** For each loss of a batch, whether it is bad; empty when none is. */
  boolean[] bad(ObservationBatch batch) {
    boolean[] bad = NONE_BAD;
    if (whole.isEmpty() && turns.isEmpty()) {
      return bad;
    }
    for (int d = 0; d < batch.dialogues(); d++) {
      String id = batch.id(d);
      boolean every = whole.contains(id);
      Set<Long> some = turns.getOrDefault(id, Set.of());
      if (every || !some.isEmpty()) {
        bad = bad.length > 0 ? bad : new boolean[batch.size()];
        long turn = batch.firstTurn(d);
        for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++, turn++) {
          bad[i] = every || some.contains(turn);
        }
      }
    }
    return bad;
  }

  /**
   * Those labels that name nothing that was ever observed: no visit of the dialogue has a loss, or
   * none at that turn. Blocking: reads until every label was met, or to the end.
   */
  public static List<Bad> unknown(Export recorded, List<Bad> bad) throws JournalException {
    Set<Bad> missing = new HashSet<>(bad);
    Set<String> wanted = new HashSet<>();
    bad.forEach(label -> wanted.add(label.dialogue()));
    for (List<Scored> chunk = recorded.next();
        !chunk.isEmpty() && !missing.isEmpty();
        chunk = recorded.next()) {
      for (Scored scored : chunk) {
        ObservationBatch batch = scored.batch();
        for (int d = 0; d < batch.dialogues(); d++) {
          String id = batch.id(d);
          if (wanted.contains(id)) {
            removeFound(missing, id, batch, d);
          }
        }
      }
    }
    List<Bad> unknown = new ArrayList<>(bad);
    unknown.retainAll(missing);
    return unknown;
  }

  private static void removeFound(
      Set<Bad> missing, String id, ObservationBatch batch, int dialogue) {
    long turn = batch.firstTurn(dialogue);
    for (int i = batch.offsets()[dialogue]; i < batch.offsets()[dialogue + 1]; i++, turn++) {
      if (batch.supervised(i)) {
        missing.remove(new Bad(id, null));
        missing.remove(new Bad(id, turn));
      }
    }
  }
}
