package resure.api;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which observations of an export are wanted: those that have one of the values of each filter that
 * is given. Immutable.
 *
 * @param sources sources; empty for any, or none
 * @param turns turn indices; empty for any
 * @param dialogues ids of dialogues; empty for any
 */
record Selection(Set<String> sources, Set<Long> turns, Set<String> dialogues) {

  /** Everything. */
  static final Selection ALL = new Selection(Set.of(), Set.of(), Set.of());

  private static final int MAX_VALUES = 100;
  private static final int MAX_TEXT = 256;

  static Selection of(Exchange exchange) {
    return new Selection(
        values(exchange, "source", value -> text("source", value)),
        values(exchange, "turn", value -> Exchange.whole("turn", value)),
        values(exchange, "dialogue", value -> text("dialogue", value)));
  }

  private static <T> Set<T> values(Exchange exchange, String name, Function<String, T> read) {
    Set<T> values = new HashSet<>();
    for (String value : exchange.queries(name)) {
      values.add(read.apply(value));
      if (values.size() > MAX_VALUES) {
        throw ProblemException.parameter(name, "may be given " + MAX_VALUES + " times.");
      }
    }
    return Set.copyOf(values);
  }

  private static String text(String name, String value) {
    if (value.isEmpty() || !Text.valid(value, MAX_TEXT)) {
      throw ProblemException.parameter(
          name, "must be text of 1 to " + MAX_TEXT + " code points without U+0000.");
    }
    return value;
  }

  /** Whether any observation of such a dialogue may be wanted. */
  boolean has(String dialogue, @Nullable String source) {
    return (dialogues.isEmpty() || dialogues.contains(dialogue))
        && (sources.isEmpty() || (source != null && sources.contains(source)));
  }

  /** Whether an observation of this turn, of a dialogue that may have some, is wanted. */
  boolean has(long turn) {
    return turns.isEmpty() || turns.contains(turn);
  }
}
