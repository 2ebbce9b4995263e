package resure.journal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the rows of every journal promise. A store passes by a subclass that opens it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class RunRowsContract {

  private static final RowsMark FIRST = new RowsMark(new Head(7, 77), 3, 2);
  private static final RowsMark SECOND = new RowsMark(new Head(9, -99), 4, 2);
  private static final RowsMark NOTHING = new RowsMark(Head.NONE, -1, 0);

  private Journal journal;
  private RunRows rows;

  /** Opens a journal in which there is nothing. */
  protected abstract Journal open() throws Exception;

  /** Opens again what {@link #open} opened and the kit has closed. */
  protected abstract Journal reopen() throws Exception;

  /** Opens beside the first what another process would have; only asked of a shared journal. */
  protected Journal openSecond() throws Exception {
    throw new UnsupportedOperationException("it is of one process");
  }

  @BeforeEach
  void openEmpty() throws Exception {
    journal = open();
    rows = journal.rows();
  }

  @AfterEach
  void close() {
    journal.close();
  }

  private RunKey create(String name) throws JournalException {
    RunKey run = Entries.run(name);
    Entries.append(journal, run, Entries.created());
    return run;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(ISO_8859_1);
  }

  private static RowChange put(String key, String content) {
    return RowChange.put(RowKind.DIALOGUES, bytes(key), bytes(content));
  }

  private static RowChange remove(String key) {
    return RowChange.remove(RowKind.DIALOGUES, bytes(key));
  }

  private @Nullable String get(RunKey run, RowKind kind, String key) throws JournalException {
    byte[] content = rows.get(run, kind, bytes(key));
    return content == null ? null : new String(content, ISO_8859_1);
  }

  private List<String> scan(RunKey run, String from, @Nullable String to, int limit)
      throws JournalException {
    List<String> found = new ArrayList<>();
    for (Row row :
        rows.scan(run, RowKind.DIALOGUES, bytes(from), to == null ? null : bytes(to), limit)) {
      found.add(new String(row.key(), ISO_8859_1) + "=" + new String(row.content(), ISO_8859_1));
    }
    return found;
  }

  @Test
  void thereIsNothingAtFirst() throws Exception {
    RunKey run = create("a");

    assertThat(rows.mark(run)).isNull();
    assertThat(get(run, RowKind.DIALOGUES, "k")).isNull();
    assertThat(scan(run, "", null, 10)).isEmpty();
  }

  @Test
  void whatIsWrittenIsThereWithItsMark() throws Exception {
    RunKey run = create("a");

    assertThat(rows.write(run, null, FIRST, List.of(put("k", "1"), put("", "none")))).isTrue();
    assertThat(rows.mark(run)).isEqualTo(FIRST);
    assertThat(get(run, RowKind.DIALOGUES, "k")).isEqualTo("1");
    assertThat(get(run, RowKind.DIALOGUES, "")).isEqualTo("none");

    assertThat(rows.write(run, FIRST, SECOND, List.of(put("k", "2"), remove(""), remove("no"))))
        .isTrue();
    assertThat(rows.mark(run)).isEqualTo(SECOND);
    assertThat(get(run, RowKind.DIALOGUES, "k")).isEqualTo("2");
    assertThat(get(run, RowKind.DIALOGUES, "")).isNull();
    assertThat(rows.write(run, SECOND, SECOND, List.of(put("more", "3")))).isTrue();
    assertThat(scan(run, "", null, 10)).containsExactly("k=2", "more=3");
  }

  @Test
  void whoFindsTheMarkMovedChangesNothing() throws Exception {
    RunKey run = create("a");
    rows.write(run, null, FIRST, List.of(put("k", "1")));

    for (RowsMark wrong :
        Arrays.asList(
            null,
            SECOND,
            new RowsMark(new Head(7, 78), 3, 2),
            new RowsMark(new Head(7, 77), 2, 2),
            new RowsMark(new Head(7, 77), 3, 1))) {
      assertThat(rows.write(run, wrong, SECOND, List.of(put("k", "2"), put("l", "2")))).isFalse();
      assertThat(rows.clear(run, wrong, SECOND)).isFalse();
    }

    assertThat(rows.mark(run)).isEqualTo(FIRST);
    assertThat(scan(run, "", null, 10)).containsExactly("k=1");
  }

  @Test
  void kindsAndRunsAreApart() throws Exception {
    RunKey run = create("a");
    RunKey other = create("b");
    rows.write(run, null, FIRST, List.of(put("k", "a")));
    rows.write(
        other,
        null,
        SECOND,
        List.of(put("k", "b"), RowChange.put(RowKind.HISTORY, bytes("k"), bytes("h"))));

    assertThat(get(run, RowKind.DIALOGUES, "k")).isEqualTo("a");
    assertThat(get(run, RowKind.HISTORY, "k")).isNull();
    assertThat(get(other, RowKind.HISTORY, "k")).isEqualTo("h");
    assertThat(scan(other, "", null, 10)).containsExactly("k=b");
    assertThat(rows.clear(other, SECOND, NOTHING)).isTrue();
    assertThat(rows.mark(other)).isEqualTo(NOTHING);
    assertThat(scan(other, "", null, 10)).isEmpty();
    assertThat(get(other, RowKind.HISTORY, "k")).isNull();
    assertThat(scan(run, "", null, 10)).containsExactly("k=a");
  }

  @Test
  void rowsAreScannedInTheOrderOfTheirBytes() throws Exception {
    RunKey run = create("a");
    Random random = new Random(5);
    TreeMap<String, String> expected = new TreeMap<>();
    List<RowChange> changes = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      byte[] key = new byte[random.nextInt(4)];
      random.nextBytes(key);
      if (expected.put(new String(key, ISO_8859_1), Integer.toString(i)) == null) {
        changes.add(RowChange.put(RowKind.DIALOGUES, key, new byte[0]));
      }
    }
    rows.write(run, null, FIRST, changes);
    changes.clear();
    for (Map.Entry<String, String> row : expected.entrySet()) {
      changes.add(put(row.getKey(), row.getValue()));
    }
    rows.write(run, FIRST, SECOND, changes);

    List<String> all =
        expected.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
    assertThat(scan(run, "", null, 1000)).isEqualTo(all);
    assertThat(scan(run, "", null, 7)).isEqualTo(all.subList(0, 7));
    String from = new ArrayList<>(expected.keySet()).get(20);
    String to = new ArrayList<>(expected.keySet()).get(50);
    assertThat(scan(run, from, to, 1000)).isEqualTo(all.subList(20, 50));
    assertThat(scan(run, from, to, 4)).isEqualTo(all.subList(20, 24));
    assertThat(scan(run, to, from, 4)).isEmpty();
  }

  @Test
  void largeRowsComeBackAsTheyWere() throws Exception {
    RunKey run = create("a");
    byte[] large = new byte[1 << 20];
    new Random(1).nextBytes(large);
    rows.write(
        run, null, FIRST, List.of(RowChange.put(RowKind.HISTORY, bytes("l"), large.clone())));

    assertThat(rows.get(run, RowKind.HISTORY, bytes("l"))).isEqualTo(large);
  }

  @Test
  void rowsGoWithTheirRun() throws Exception {
    RunKey run = create("a");
    rows.write(run, null, FIRST, List.of(put("k", "1")));
    Entries.append(journal, run, new JournalEntry.Deleted(Entries.AT));

    assertThat(rows.mark(run)).isNull();
    assertThat(get(run, RowKind.DIALOGUES, "k")).isNull();
    assertThat(scan(run, "", null, 10)).isEmpty();
    assertThat(rows.write(run, null, FIRST, List.of(put("k", "1")))).isFalse();
    assertThat(rows.write(run, FIRST, SECOND, List.of(put("k", "1")))).isFalse();
    RunKey next = create("a");
    assertThat(rows.mark(next)).isNull();
    assertThat(scan(next, "", null, 10)).isEmpty();
    journal.check();
    assertThat(rows.mark(run)).isNull();
  }

  @Test
  void rowsOutliveAClosing() throws Exception {
    RunKey run = create("a");
    rows.write(run, null, FIRST, List.of(put("k", "1")));
    journal.close();
    journal = reopen();
    rows = journal.rows();

    assertThat(rows.mark(run)).isEqualTo(FIRST);
    assertThat(scan(run, "", null, 10)).containsExactly("k=1");
  }

  @Test
  void ofTwoWhoWriteOneMovesTheMark() throws Exception {
    RunKey run = create("a");
    rows.write(run, null, NOTHING, List.of());
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Integer>> done = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        String name = "t" + t;
        done.add(threads.submit(() -> count(run, name)));
      }
      int moves = 0;
      for (Future<Integer> each : done) {
        moves += each.get(100, TimeUnit.SECONDS);
      }
      RowsMark last = requireNonNull(rows.mark(run));
      assertThat(last.sequence()).isEqualTo(moves).isEqualTo(100);
      assertThat(scan(run, "", null, 1000)).hasSize(100);
    }
  }

  private int count(RunKey run, String name) throws JournalException {
    int moved = 0;
    while (moved < 25) {
      RowsMark mark = requireNonNull(rows.mark(run));
      RowsMark next = new RowsMark(new Head(mark.sequence() + 1, 1), -1, 0);
      if (rows.write(run, mark, next, List.of(put(name + moved, "")))) {
        moved++;
      }
    }
    return moved;
  }

  @Test
  void anotherProcessSeesTheMarkThatIsThere() throws Exception {
    assumeTrue(journal.shared(), "the store is of one process, so nobody else writes rows");
    RunKey run = create("a");
    try (Journal second = openSecond()) {
      assertThat(second.rows().write(run, null, FIRST, List.of(put("k", "1")))).isTrue();
      assertThat(rows.write(run, null, FIRST, List.of(put("k", "2")))).isFalse();
      assertThat(get(run, RowKind.DIALOGUES, "k")).isEqualTo("1");
      assertThat(rows.write(run, FIRST, SECOND, List.of())).isTrue();
      assertThat(second.rows().mark(run)).isEqualTo(SECOND);
    }
  }
}
