package resure.client;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Which runs to list. Begins with {@link #ALL}; every method narrows it. Immutable. */
public final class RunQuery {

  /** All runs, in pages of 100. */
  public static final RunQuery ALL = new RunQuery("", 100, "");

  private final String filters;
  private final int limit;
  private final String cursor;

  private RunQuery(String filters, int limit, String cursor) {
    this.filters = filters;
    this.limit = limit;
    this.cursor = cursor;
  }

  /** Only runs with this label, and with those of other calls of this. */
  public RunQuery labelled(String name, String value) {
    return filter("label", name + ":" + value);
  }

  /** Only runs of a state; at most one. */
  public RunQuery in(Run.State state) {
    return filter("state", state == Run.State.ACTIVE ? "active" : "finished");
  }

  /** Only runs whose last batch, or creation where there is none, is of this time or later. */
  public RunQuery since(Instant time) {
    return filter("since", time.toString());
  }

  /** At most so many runs a page: 1 to 1000. */
  public RunQuery limit(int runs) {
    if (runs < 1 || runs > 1000) {
      throw new IllegalArgumentException("a page has 1 to 1000 runs");
    }
    return new RunQuery(filters, runs, cursor);
  }

  /** The page after one of the same query, by its {@link RunPage#next}. */
  public RunQuery after(String next) {
    return new RunQuery(filters, limit, parameter("cursor", next));
  }

  private RunQuery filter(String name, String value) {
    return new RunQuery(filters + parameter(name, value), limit, cursor);
  }

  private static String parameter(String name, String value) {
    return "&" + name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
  }

  /** As the query of an address. */
  @Override
  public String toString() {
    return "?limit=" + limit + filters + cursor;
  }
}
