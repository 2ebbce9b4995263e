package resure.replay;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;

/** Numbers of the sources: those that the run keeps apart in its order, then one for the others. */
final class SourceTable {

  private final List<@Nullable String> names;
  private final Map<@Nullable String, Integer> numbers = new HashMap<>();

  SourceTable(List<@Nullable String> names) {
    this.names = names;
    names.forEach(name -> numbers.put(name, numbers.size()));
  }

  /** How many numbers there are. */
  int size() {
    return names.size() + 1;
  }

  @Nullable String name(int number) {
    return other(number) ? null : names.get(number);
  }

  /** Whether this number pools what has none of its own. */
  boolean other(int number) {
    return number == names.size();
  }

  /** The number of each dialogue's source. */
  int[] of(ObservationBatch batch) {
    int[] ofBatch = new int[batch.sources().size()];
    for (int i = 0; i < ofBatch.length; i++) {
      ofBatch[i] = number(batch.sources().get(i));
    }
    int none = number(null);
    int[] sourceOf = batch.sourceOf();
    int[] ofDialogue = new int[batch.dialogues()];
    for (int d = 0; d < ofDialogue.length; d++) {
      ofDialogue[d] = sourceOf == null || sourceOf[d] < 0 ? none : ofBatch[sourceOf[d]];
    }
    return ofDialogue;
  }

  private int number(@Nullable String source) {
    return numbers.getOrDefault(source, names.size());
  }
}
