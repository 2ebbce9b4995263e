package resure.client;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/**
 * Which dialogues of a run to list, least reliable first. Begins with {@link #ALL}; every method
 * narrows it. Immutable.
 */
public final class DialogueQuery {

  /** All dialogues, in pages of 20. */
  public static final DialogueQuery ALL = new DialogueQuery("", "", 20, "");

  private final String source;
  private final String turn;
  private final int limit;
  private final String cursor;

  private DialogueQuery(String source, String turn, int limit, String cursor) {
    this.source = source;
    this.turn = turn;
    this.limit = limit;
    this.cursor = cursor;
  }

  /** Only dialogues whose last visit had this source. */
  public DialogueQuery of(String name) {
    return new DialogueQuery(parameter("source", name), turn, limit, cursor);
  }

  /** Only dialogues with a loss of this turn, in the order of how unreliable it alone is. */
  public DialogueQuery byTurn(long index) {
    if (index < 0) {
      throw new IllegalArgumentException("turns are counted from 0");
    }
    return new DialogueQuery(source, parameter("turn", Long.toString(index)), limit, cursor);
  }

  /** At most so many dialogues a page: 1 to 1000. */
  public DialogueQuery limit(int dialogues) {
    if (dialogues < 1 || dialogues > 1000) {
      throw new IllegalArgumentException("a page has 1 to 1000 dialogues");
    }
    return new DialogueQuery(source, turn, dialogues, cursor);
  }

  /** The page after one of the same query, by its {@link DialoguePage#next}. */
  public DialogueQuery after(String next) {
    return new DialogueQuery(source, turn, limit, parameter("cursor", next));
  }

  private static String parameter(String name, String value) {
    return "&" + name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
  }

  /** As the query of an address. */
  @Override
  public String toString() {
    return "?limit=" + limit + source + turn + cursor;
  }
}
