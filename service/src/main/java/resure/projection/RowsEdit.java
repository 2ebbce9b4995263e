package resure.projection;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.Row;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;

/** The rows of one run with changes that are not written yet. One thread. */
public final class RowsEdit {

  private static final long MOST_AHEAD_BYTES = 1 << 20;

  private final RunRows rows;
  private final RunKey run;
  private final @Nullable RowsMark mark;

  /** Null where a row is removed. */
  private final Map<RowKind, NavigableMap<byte[], byte @Nullable []>> changes =
      new EnumMap<>(RowKind.class);

  /** Of the changes those that may be written ahead, and their bytes. */
  private final List<RowChange> ahead = new ArrayList<>();

  private long aheadBytes;

  /** Changes of rows that are at {@code mark}, null for none. */
  RowsEdit(RunRows rows, RunKey run, @Nullable RowsMark mark) {
    this.rows = rows;
    this.run = run;
    this.mark = mark;
  }

  private NavigableMap<byte[], byte @Nullable []> changes(RowKind kind) {
    return changes.computeIfAbsent(kind, k -> new TreeMap<>(Arrays::compareUnsigned));
  }

  /** What a row holds, null when it is not there; not to be changed. */
  public byte @Nullable [] get(RowKind kind, byte[] key) throws JournalException {
    NavigableMap<byte[], byte @Nullable []> changed = changes(kind);
    return changed.containsKey(key) ? changed.get(key) : rows.get(run, kind, key);
  }

  /**
   * Rows in the order of their keys' bytes, taken as unsigned; the arrays are not to be changed.
   *
   * @param from first key
   * @param to key before which to end; null for the last
   * @param limit most rows to give
   */
  public List<Row> scan(RowKind kind, byte[] from, byte @Nullable [] to, int limit)
      throws JournalException {
    NavigableMap<byte[], byte @Nullable []> changed = changes(kind).tailMap(from, true);
    if (to != null) {
      if (Arrays.compareUnsigned(from, to) >= 0) {
        return List.of();
      }
      changed = changed.headMap(to, false);
    }
    // As many more as could be removed or replaced by what is not written yet.
    int wanted = (int) Math.min(Integer.MAX_VALUE, (long) limit + changed.size());
    NavigableMap<byte[], byte @Nullable []> found = new TreeMap<>(Arrays::compareUnsigned);
    for (Row row : rows.scan(run, kind, from, to, wanted)) {
      found.put(row.key(), row.content());
    }
    found.putAll(changed);
    List<Row> result = new ArrayList<>();
    for (Map.Entry<byte[], byte @Nullable []> row : found.entrySet()) {
      byte[] content = row.getValue();
      if (content != null && result.size() < limit) {
        result.add(new Row(row.getKey(), content));
      }
    }
    return result;
  }

  /** Puts a row, in place of the one of that key if there is one. Takes over the arrays. */
  public void put(RowKind kind, byte[] key, byte[] content) {
    changes(kind).put(key, content);
  }

  /**
   * Puts a row that nothing refers to until all changes are written: it may be written before, so
   * that not all of many are in memory. Should the others never be, it stays behind for nothing;
   * its key is to be no other's.
   */
  public void putAhead(RowKind kind, byte[] key, byte[] content) throws JournalException {
    put(kind, key, content);
    ahead.add(RowChange.put(kind, key, content));
    aheadBytes += content.length;
    if (mark != null && aheadBytes > MOST_AHEAD_BYTES) {
      // What was removed again meanwhile stays so.
      ahead.removeIf(row -> changes(row.kind()).get(row.key()) == null);
      if (!rows.write(run, mark, mark, ahead)) {
        throw new JournalUnavailableException("somebody else has moved the mark");
      }
      for (RowChange row : ahead) {
        changes(row.kind()).remove(row.key());
      }
      ahead.clear();
      aheadBytes = 0;
    }
  }

  /** Removes a row if it is there. Takes over the array. */
  public void remove(RowKind kind, byte[] key) {
    changes(kind).put(key, null);
  }

  /** What is to be written. */
  List<RowChange> changes() {
    List<RowChange> all = new ArrayList<>();
    changes.forEach(
        (kind, changed) ->
            changed.forEach(
                (key, content) ->
                    all.add(
                        content == null
                            ? RowChange.remove(kind, key)
                            : RowChange.put(kind, key, content))));
    return all;
  }
}
