package resure.journal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Rows that last as long as the object, for tests. Thread-safe: the monitor guards everything. */
public final class InMemoryRows implements RunRows {

  private static final class Rows {
    @Nullable RowsMark mark;
    final Map<RowKind, NavigableMap<byte[], byte[]>> rows = new EnumMap<>(RowKind.class);

    NavigableMap<byte[], byte[]> of(RowKind kind) {
      return rows.computeIfAbsent(kind, k -> new TreeMap<>(Arrays::compareUnsigned));
    }
  }

  private final Map<RunKey, Rows> runs = new HashMap<>();
  private final Predicate<RunKey> alive;
  private boolean unavailable;

  /** Rows of the runs that are there. */
  public InMemoryRows(Predicate<RunKey> alive) {
    this.alive = alive;
  }

  /** Whether every call is refused from now on. */
  public synchronized void refuse(boolean now) {
    unavailable = now;
  }

  /** Loses the rows of a run, as a crash may. */
  public synchronized void lose(RunKey run) {
    runs.remove(run);
  }

  private Rows of(RunKey run) throws JournalUnavailableException {
    if (unavailable) {
      throw new JournalUnavailableException("told to refuse");
    }
    if (!alive.test(run)) {
      runs.remove(run);
      return new Rows();
    }
    return runs.computeIfAbsent(run, r -> new Rows());
  }

  @Override
  public synchronized @Nullable RowsMark mark(RunKey run) throws JournalException {
    return of(run).mark;
  }

  @Override
  public synchronized byte @Nullable [] get(RunKey run, RowKind kind, byte[] key)
      throws JournalException {
    byte[] content = of(run).of(kind).get(key);
    return content == null ? null : content.clone();
  }

  @Override
  public synchronized List<Row> scan(
      RunKey run, RowKind kind, byte[] from, byte @Nullable [] to, int limit)
      throws JournalException {
    List<Row> found = new ArrayList<>();
    for (Map.Entry<byte[], byte[]> row : of(run).of(kind).tailMap(from, true).entrySet()) {
      if (found.size() == limit || (to != null && Arrays.compareUnsigned(row.getKey(), to) >= 0)) {
        break;
      }
      found.add(new Row(row.getKey().clone(), row.getValue().clone()));
    }
    return found;
  }

  @Override
  public synchronized boolean write(
      RunKey run, @Nullable RowsMark expected, RowsMark next, List<RowChange> changes)
      throws JournalException {
    Rows rows = of(run);
    if (!Objects.equals(rows.mark, expected) || !alive.test(run)) {
      return false;
    }
    for (RowChange change : changes) {
      byte[] content = change.content();
      if (content == null) {
        rows.of(change.kind()).remove(change.key());
      } else {
        rows.of(change.kind()).put(change.key().clone(), content.clone());
      }
    }
    rows.mark = next;
    return true;
  }

  @Override
  public synchronized boolean clear(RunKey run, @Nullable RowsMark expected, RowsMark next)
      throws JournalException {
    if (!write(run, expected, next, List.of())) {
      return false;
    }
    of(run).rows.clear();
    return true;
  }
}
