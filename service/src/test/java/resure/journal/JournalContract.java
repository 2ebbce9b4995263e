package resure.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.observation.RunId;

/** What every journal promises. A store passes by a subclass that opens it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class JournalContract {

  private static final int ALL = Integer.MAX_VALUE;

  private Journal journal;

  /** Opens a journal in which there is nothing. */
  protected abstract Journal open() throws Exception;

  /** Opens again what {@link #open} opened and the kit has closed. */
  protected abstract Journal reopen() throws Exception;

  /**
   * Opens beside the first what another process would have, on the same store; only asked of a
   * journal that is {@link Journal#shared}.
   */
  protected Journal openSecond() throws Exception {
    throw new UnsupportedOperationException("it is of one process");
  }

  @BeforeEach
  void openEmpty() throws Exception {
    journal = open();
  }

  @AfterEach
  void close() {
    journal.close();
  }

  private void closeAndReopen() throws Exception {
    journal.close();
    journal = reopen();
  }

  private Head append(RunKey run, long sequence, JournalEntry entry) throws JournalException {
    Head head = Entries.append(journal, run, entry);
    assertThat(head.sequence()).isEqualTo(sequence);
    return head;
  }

  /** A snapshot at the run's head. */
  private void save(RunKey run, String state) throws JournalException {
    journal.save(run, new Snapshot(requireNonNull(journal.head(run)), state.getBytes(UTF_8)));
  }

  private RunKey create(String name) throws JournalException {
    RunKey run = Entries.run(name);
    append(run, 1, Entries.created());
    return run;
  }

  private void assertHolds(RunKey run, JournalEntry... expected) throws JournalException {
    List<StoredEntry> stored = journal.read(run, 1, ALL);
    assertThat(stored).extracting(StoredEntry::sequence).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(stored.get(i).sequence()).isEqualTo(i + 1);
      Entries.assertSame(stored.get(i).entry(), expected[i]);
    }
  }

  private Snapshot newest(RunKey run, long atMost) throws JournalException {
    return requireNonNull(journal.snapshot(run, atMost));
  }

  @Test
  void anEmptyJournalHasNothing() throws Exception {
    RunKey nobody = Entries.run("nobody");

    assertThat(journal.read(nobody, 1, ALL)).isEmpty();
    assertThat(journal.find(nobody, "key")).isZero();
    assertThat(journal.lookup(nobody.id())).isNull();
    assertThat(journal.tenants()).isEmpty();
    assertThat(journal.list("default", null, 10)).isEmpty();
    assertThat(journal.snapshot(nobody, Long.MAX_VALUE - 1)).isNull();
    assertThat(journal.documents(nobody, DocumentKind.REPLAY)).isEmpty();
    assertThat(journal.append(List.of())).isEmpty();
    journal.check();
  }

  @Test
  void everyKindOfEntryIsReadBackAsItWasAppendedAlsoAfterReopening() throws Exception {
    RunKey run = create("kinds");
    JournalEntry.Batch batch = Entries.batch("key-1", 7, 1);
    JournalEntry.Batch large = Entries.batch(new Random(1), null, 8, 128, 16);
    JournalEntry.Rewound rewound = new JournalEntry.Rewound(Entries.AT, 8, "job-7802");
    JournalEntry.Finished finished = new JournalEntry.Finished(Entries.AT);
    append(run, 2, batch);
    append(run, 3, large);
    append(run, 4, rewound);
    append(run, 5, finished);

    assertHolds(run, Entries.created(), batch, large, rewound, finished);
    closeAndReopen();
    assertHolds(run, Entries.created(), batch, large, rewound, finished);
  }

  @Test
  void aGroupHoldsManyRunsAndManyEntriesOfEach() throws Exception {
    RunKey one = Entries.run("one");
    RunKey two = Entries.run("two");
    JournalEntry.Batch first = Entries.batch("a", 0, 0);
    JournalEntry.Batch second = Entries.batch("b", 0, 1);

    Map<RunKey, Head> heads =
        journal.append(
            List.of(
                new Append(one, Head.NONE, List.of(Entries.created(), first, second)),
                new Append(two, Head.NONE, List.of(Entries.created(), second))));

    assertThat(heads).containsOnlyKeys(one, two);
    assertThat(heads.get(one)).isEqualTo(journal.head(one));
    assertThat(heads.get(two)).isEqualTo(journal.head(two));
    assertHolds(one, Entries.created(), first, second);
    assertHolds(two, Entries.created(), second);
    assertThat(journal.find(one, "b")).isEqualTo(3);
    assertThat(journal.find(two, "b")).isEqualTo(2);
    assertThat(journal.find(two, "a")).isZero();
  }

  @Test
  void anAppendAfterAnotherHeadConflictsAndTheOtherRunsAreAppended() throws Exception {
    RunKey taken = create("taken");
    RunKey other = create("other");
    Append late =
        Entries.next(
            journal, taken, Entries.batch("loser", 0, 1), Entries.batch("after-loser", 0, 2));
    append(taken, 2, Entries.batch("winner", 0, 0));

    Map<RunKey, Head> heads =
        journal.append(List.of(late, Entries.next(journal, other, Entries.batch("other", 0, 0))));

    assertThat(heads).containsOnlyKeys(other);
    assertHolds(taken, Entries.created(), Entries.batch("winner", 0, 0));
    assertHolds(other, Entries.created(), Entries.batch("other", 0, 0));
    assertThat(journal.find(taken, "loser")).isZero();
    assertThat(journal.find(taken, "after-loser")).isZero();
  }

  @Test
  void anAppendToAnotherHistoryConflictsAlthoughItsSequenceIsTheNext() throws Exception {
    RunKey run = create("history");
    Head mine = append(run, 2, Entries.batch("mine", 0, 0));
    Head others = new Head(2, mine.checksum() ^ 1);

    for (int round = 0; round < 2; round++) {
      assertThat(
              journal.append(List.of(new Append(run, others, List.of(Entries.batch(null, 1, 0))))))
          .isEmpty();
      assertThat(journal.head(run)).isEqualTo(mine);
      closeAndReopen();
    }
  }

  @Test
  void anAppendThatLeavesAGapConflicts() throws Exception {
    RunKey run = create("gap");
    Append gap = new Append(run, new Head(2, 7), List.of(Entries.batch(null, 0, 0)));

    assertThat(journal.append(List.of(gap))).isEmpty();
    closeAndReopen();
    assertThat(journal.append(List.of(gap))).isEmpty();
    assertHolds(run, Entries.created());
  }

  @Test
  void aKeyThatStandsConflictsAndNothingOfItsRunIsAppended() throws Exception {
    RunKey run = create("known");
    RunKey other = create("other");
    append(run, 2, Entries.batch("k", 4, 0));

    Map<RunKey, Head> heads =
        journal.append(
            List.of(
                Entries.next(journal, run, Entries.batch("new", 5, 0), Entries.batch("k", 5, 1)),
                Entries.next(journal, other, Entries.batch("k", 5, 0))));

    assertThat(heads).containsOnlyKeys(other);
    assertHolds(run, Entries.created(), Entries.batch("k", 4, 0));
    assertThat(journal.find(run, "new")).isZero();
    append(run, 3, new JournalEntry.Rewound(Entries.AT, 4, null));
    append(run, 4, Entries.batch("k", 5, 1));
    assertThat(journal.find(run, "k")).isEqualTo(4);
  }

  @Test
  void eachEntryFollowsTheOneBeforeItAndTheLastIsTheHead() throws Exception {
    RunKey run = create("chained");
    for (int s = 2; s <= 20; s++) {
      append(run, s, Entries.batch(null, s, 0));
    }
    assertThat(journal.head(Entries.run("nobody"))).isNull();

    for (int round = 0; round < 2; round++) {
      Head head = Head.NONE;
      for (StoredEntry stored : journal.read(run, 1, ALL)) {
        assertThat(stored.follows(head)).isTrue();
        assertThat(stored.follows(new Head(head.sequence(), head.checksum() + 1))).isFalse();
        head = stored.head();
      }
      assertThat(head).isEqualTo(journal.head(run));
      assertThat(head.sequence()).isEqualTo(20);
      closeAndReopen();
    }
  }

  @Test
  void aNameIsTakenOnceAndSaysByWhom() throws Exception {
    RunKey first = create("name");
    RunKey second = Entries.run("name");

    assertThat(journal.append(List.of(Entries.next(journal, second, Entries.created())))).isEmpty();
    assertThat(journal.lookup(first.id())).isEqualTo(first);
    assertThat(journal.read(second, 1, ALL)).isEmpty();
    closeAndReopen();
    assertThat(journal.lookup(first.id())).isEqualTo(first);
  }

  @Test
  void aNameIsTakenOnceWithinAGroup() throws Exception {
    RunKey first = Entries.run("name");
    RunKey second = Entries.run("name");

    Map<RunKey, Head> heads =
        journal.append(
            List.of(
                new Append(first, Head.NONE, List.of(Entries.created())),
                new Append(second, Head.NONE, List.of(Entries.created()))));

    assertThat(heads).hasSize(1);
    assertThat(heads).containsOnlyKeys(requireNonNull(journal.lookup(first.id())));
  }

  @Test
  void readingGoesInChunksAndGivesAtLeastOneEntry() throws Exception {
    RunKey run = create("chunks");
    for (int s = 2; s <= 50; s++) {
      append(run, s, Entries.batch(new Random(s), null, s, 4, 4));
    }
    closeAndReopen();

    List<Long> sequences = new ArrayList<>();
    int reads = 0;
    for (long from = 1; ; reads++) {
      List<StoredEntry> chunk = journal.read(run, from, 600);
      if (chunk.isEmpty()) {
        break;
      }
      assertThat(chunk).hasSizeLessThan(10);
      chunk.forEach(entry -> sequences.add(entry.sequence()));
      from = chunk.getLast().sequence() + 1;
    }
    assertThat(sequences).hasSize(50).isSorted().doesNotHaveDuplicates();
    assertThat(reads).isGreaterThan(5);
    assertThat(journal.read(run, 20, 0)).extracting(StoredEntry::sequence).containsExactly(20L);
    assertThat(journal.read(run, 51, ALL)).isEmpty();
  }

  @Test
  void aKeyIsFoundAfterReopeningAndOnlyInItsRun() throws Exception {
    RunKey run = create("keys");
    RunKey other = create("keys-too");
    append(run, 2, Entries.batch("k", 0, 0));
    append(run, 3, Entries.batch("k2", 0, 1));
    closeAndReopen();

    assertThat(journal.find(run, "k")).isEqualTo(2);
    assertThat(journal.find(run, "k2")).isEqualTo(3);
    assertThat(journal.find(run, "k3")).isZero();
    assertThat(journal.find(other, "k")).isZero();
  }

  @Test
  void aRewindForgetsTheKeysOfTheBatchesThatItRemovesAndNoOthers() throws Exception {
    RunKey run = create("rewound");
    append(run, 2, Entries.batch("step-4", 4, 0));
    append(run, 3, Entries.batch("step-5", 5, 0));
    append(run, 4, Entries.batch("step-6", 6, 0));
    append(run, 5, new JournalEntry.Rewound(Entries.AT, 5, null));

    for (int round = 0; round < 2; round++) {
      assertThat(journal.find(run, "step-4")).isEqualTo(2);
      assertThat(journal.find(run, "step-5")).isZero();
      assertThat(journal.find(run, "step-6")).isZero();
      closeAndReopen();
    }
    append(run, 6, Entries.batch("step-5", 5, 0));
    assertThat(journal.find(run, "step-5")).isEqualTo(6);
    append(run, 7, new JournalEntry.Rewound(Entries.AT, 6, "job-2"));
    assertThat(journal.find(run, "step-5")).isEqualTo(6);
    append(run, 8, new JournalEntry.Rewound(Entries.AT, 0, "job-3"));
    assertThat(journal.find(run, "step-4")).isZero();
    assertThat(journal.find(run, "step-5")).isZero();
    assertThat(journal.read(run, 1, ALL)).hasSize(8);
  }

  @Test
  void aKeyOfABatchWithoutStepOutlivesEveryRewind() throws Exception {
    RunKey run = create("no-steps");
    append(run, 2, Entries.batch("k", -1, 0));
    append(run, 3, new JournalEntry.Rewound(Entries.AT, 0, null));

    assertThat(journal.find(run, "k")).isEqualTo(2);
  }

  @Test
  void deletingRemovesEverythingOfTheRunAndFreesItsName() throws Exception {
    RunKey neighbour = create("old-neighbour");
    RunKey run = create("old");
    append(neighbour, 2, Entries.batch("k", 0, 0));
    append(run, 2, Entries.batch("k", 0, 0));
    save(run, "two");
    Head last = requireNonNull(journal.head(run));
    append(run, 3, new JournalEntry.Deleted(Entries.AT));

    for (int round = 0; round < 2; round++) {
      assertThat(journal.lookup(run.id())).isNull();
      assertThat(journal.read(run, 1, ALL)).isEmpty();
      assertThat(journal.find(run, "k")).isZero();
      assertThat(journal.snapshot(run, 100)).isNull();
      assertThat(journal.list("default", null, 10)).containsExactly(neighbour);
      assertThat(journal.head(run)).isNull();
      assertThat(journal.append(List.of(new Append(run, last, List.of(Entries.batch(null, 1, 0))))))
          .isEmpty();
      assertHolds(neighbour, Entries.created(), Entries.batch("k", 0, 0));
      assertThat(journal.find(neighbour, "k")).isEqualTo(2);
      closeAndReopen();
    }
    RunKey successor = create("old");
    assertThat(journal.lookup(run.id())).isEqualTo(successor);
    assertThat(journal.find(successor, "k")).isZero();
    assertHolds(successor, Entries.created());
  }

  @Test
  void aRunThatIsDeletedCannotBeDeletedAgain() throws Exception {
    RunKey run = create("once");
    Append deletion = Entries.next(journal, run, new JournalEntry.Deleted(Entries.AT));
    assertThat(journal.append(List.of(deletion))).containsOnlyKeys(run);
    RunKey successor = create("once");

    assertThat(journal.append(List.of(deletion))).isEmpty();
    assertThat(journal.lookup(run.id())).isEqualTo(successor);
  }

  @Test
  void namesAreListedInOrderPageByPageAndByTenant() throws Exception {
    List<RunKey> expected = new ArrayList<>();
    for (String name : List.of("A", "a", "a-b", "a.b", "ab", "b")) {
      expected.add(create(name));
    }
    RunKey foreign =
        new RunKey(new RunId("defaul", "tA"), Incarnation.next(Entries.AT.toEpochMilli()));
    append(foreign, 1, Entries.created());

    for (int limit = 1; limit <= 7; limit++) {
      List<RunKey> listed = new ArrayList<>();
      String after = null;
      while (true) {
        List<RunKey> page = journal.list("default", after, limit);
        assertThat(page).hasSizeLessThanOrEqualTo(limit);
        if (page.isEmpty()) {
          break;
        }
        listed.addAll(page);
        after = page.getLast().id().name();
      }
      assertThat(listed).containsExactlyElementsOf(expected);
    }
    assertThat(journal.list("defaul", null, 10)).containsExactly(foreign);
    assertThat(journal.list("nobody", null, 10)).isEmpty();
  }

  @Test
  void theTenantsAreThoseThatHaveRuns() throws Exception {
    List<RunKey> runs = new ArrayList<>();
    for (String tenant : List.of("z", "default", "defaul", "defaults", "z.9-~")) {
      for (String name : List.of("one", "two")) {
        RunKey run = new RunKey(new RunId(tenant, name), Incarnation.next(runs.size()));
        append(run, 1, Entries.created());
        runs.add(run);
      }
    }
    append(runs.get(0), 2, new JournalEntry.Deleted(Entries.AT));
    append(runs.get(2), 2, new JournalEntry.Deleted(Entries.AT));
    append(runs.get(3), 2, new JournalEntry.Deleted(Entries.AT));

    closeAndReopen();

    assertThat(journal.tenants()).containsExactlyInAnyOrder("z", "defaul", "defaults", "z.9-~");
  }

  @Test
  void theNewestSnapshotUpToASequenceIsGivenAlsoAfterReopening() throws Exception {
    RunKey run = create("snapshots");
    for (int s = 2; s <= 31; s++) {
      append(run, s, Entries.batch(null, s, 0));
      switch (s) {
        case 10 -> save(run, "ten");
        case 20 -> save(run, "twenty");
        case 30 -> save(run, "thirty");
        default -> {}
      }
    }

    for (int round = 0; round < 2; round++) {
      assertThat(journal.snapshot(run, 9)).isNull();
      assertThat(newest(run, 10).state()).isEqualTo("ten".getBytes(UTF_8));
      assertThat(newest(run, 29).sequence()).isEqualTo(20);
      assertThat(newest(run, 31).sequence()).isEqualTo(30);
      assertThat(newest(run, Long.MAX_VALUE).sequence()).isEqualTo(30);
      closeAndReopen();
    }
    journal.save(run, new Snapshot(newest(run, 30).head(), "again".getBytes(UTF_8)));
    assertThat(newest(run, 31).state()).isEqualTo("again".getBytes(UTF_8));
    // Of another history: taken by somebody who did not see what became of the run.
    journal.save(run, new Snapshot(new Head(31, 7), "other".getBytes(UTF_8)));
    assertThat(newest(run, 31).state()).isEqualTo("again".getBytes(UTF_8));
    assertThat(journal.snapshot(Entries.run("snapshots"), 100)).isNull();
  }

  /** A run with a batch a step from sequence 2 on, and snapshots at each tenth. */
  private RunKey trimmable(String name, long newest) throws JournalException {
    RunKey run = create(name);
    for (long s = 2; s <= newest; s++) {
      append(run, s, Entries.batch("k" + s, s, 0));
      if (s % 10 == 0) {
        save(run, "at " + s);
      }
    }
    return run;
  }

  @Test
  void whatWasTrimmedAwayIsNotThereAndEverythingElseIs() throws Exception {
    RunKey neighbour = trimmable("neighbour", 20);
    RunKey run = trimmable("trimmed", 40);
    List<StoredEntry> before = journal.read(run, 1, ALL);
    append(run, 41, new JournalEntry.Trimmed(Entries.AT, 21, 20));

    for (int round = 0; round < 2; round++) {
      List<StoredEntry> after = journal.read(run, 1, ALL);
      assertThat(after).hasSize(23).extracting(StoredEntry::sequence).startsWith(1L, 20L, 21L);
      assertThat(after.get(1).bytes()).isEqualTo(before.get(19).bytes());
      assertThat(after.get(1).head()).isEqualTo(before.get(19).head());
      assertThat(after.get(2).follows(after.get(1).head())).isTrue();
      Entries.assertSame(after.getLast().entry(), new JournalEntry.Trimmed(Entries.AT, 21, 20));
      for (long from : new long[] {2, 10, 19, 20}) {
        assertThat(journal.read(run, from, 0))
            .extracting(StoredEntry::sequence)
            .containsExactly(20L);
      }
      assertThat(journal.read(run, 1, 0)).extracting(StoredEntry::sequence).containsExactly(1L);
      assertThat(journal.find(run, "k19")).isZero();
      assertThat(journal.find(run, "k20")).isEqualTo(20);
      assertThat(journal.find(run, "k40")).isEqualTo(40);
      assertThat(journal.snapshot(run, 19)).isNull();
      assertThat(newest(run, 29).state()).isEqualTo("at 20".getBytes(UTF_8));
      assertThat(newest(run, 40).sequence()).isEqualTo(40);
      assertThat(journal.head(run)).isEqualTo(after.getLast().head());
      assertThat(journal.read(neighbour, 1, ALL)).hasSize(20);
      assertThat(journal.find(neighbour, "k2")).isEqualTo(2);
      assertThat(newest(neighbour, 19).sequence()).isEqualTo(10);
      journal.check();
      closeAndReopen();
    }
  }

  @Test
  void aRunGoesOnAfterItWasTrimmedAndIsTrimmedAgain() throws Exception {
    RunKey run = trimmable("on", 30);
    append(run, 31, new JournalEntry.Trimmed(Entries.AT, 11, 10));
    closeAndReopen();
    append(run, 32, Entries.batch("k5", 32, 0));
    append(run, 33, new JournalEntry.Rewound(Entries.AT, 30, null));
    append(run, 34, Entries.batch("k30", 30, 0));
    journal.check();
    assertThat(journal.find(run, "k5")).isZero();
    assertThat(journal.find(run, "k30")).isEqualTo(34);
    append(run, 35, Entries.batch("k5", 35, 0));
    append(run, 36, new JournalEntry.Trimmed(Entries.AT, 21, 20));

    for (int round = 0; round < 3; round++) {
      assertThat(journal.read(run, 1, ALL)).hasSize(18);
      assertThat(journal.find(run, "k5")).as("used again").isEqualTo(35);
      assertThat(journal.find(run, "k19")).isZero();
      assertThat(journal.find(run, "k20")).isEqualTo(20);
      assertThat(newest(run, 36).sequence()).isEqualTo(30);
      assertThat(journal.snapshot(run, 19)).isNull();
      journal.check();
      closeAndReopen();
    }
  }

  @Test
  void aForgottenKeyConflictsNoMore() throws Exception {
    RunKey run = trimmable("forgotten", 30);
    append(run, 31, new JournalEntry.Trimmed(Entries.AT, 11, 10));

    append(run, 32, Entries.batch("k9", 32, 0));
    Append known = Entries.next(journal, run, Entries.batch("k10", 33, 0));

    assertThat(journal.append(List.of(known))).isEmpty();
    assertThat(journal.find(run, "k9")).isEqualTo(32);
    journal.check();
    assertThat(journal.find(run, "k9")).isEqualTo(32);
  }

  @Test
  void aKeyOfABatchWithoutStepOutlivesItsEntry() throws Exception {
    RunKey run = create("stepless");
    for (int s = 2; s <= 20; s++) {
      append(run, s, Entries.batch("k" + s, -1, 0));
    }
    append(run, 21, new JournalEntry.Trimmed(Entries.AT, 9, 10));

    for (int round = 0; round < 2; round++) {
      assertThat(journal.find(run, "k2")).isEqualTo(2);
      assertThat(journal.read(run, 2, 0)).extracting(StoredEntry::sequence).containsExactly(10L);
      assertThat(journal.append(List.of(Entries.next(journal, run, Entries.batch("k2", -1, 0)))))
          .isEmpty();
      journal.check();
      closeAndReopen();
    }
  }

  @Test
  void aSnapshotOfWhatWasTrimmedAwayIsNotKept() throws Exception {
    RunKey run = trimmable("late", 25);
    Snapshot old = newest(run, 10);
    append(run, 26, new JournalEntry.Trimmed(Entries.AT, 21, 20));
    journal.save(run, old);

    assertThat(journal.snapshot(run, 19)).isNull();
    assertThat(newest(run, 100).sequence()).isEqualTo(20);
  }

  @Test
  void theOldestSnapshotOfATrimmedRunIsKept() throws Exception {
    RunKey run = trimmable("oldest", 30);
    append(run, 31, new JournalEntry.Trimmed(Entries.AT, 11, 10));
    for (long s = 32; s <= 500; s++) {
      append(run, s, Entries.batch(null, s, 0));
      if (s % 5 == 0) {
        save(run, "at " + s);
      }
    }

    assertThat(newest(run, 10).state()).isEqualTo("at 10".getBytes(UTF_8));
  }

  @Test
  void aTrimmedRunIsDeletedWithAllThatBelongsToIt() throws Exception {
    RunKey run = trimmable("gone", 30);
    append(run, 31, new JournalEntry.Trimmed(Entries.AT, 11, 10));
    append(run, 32, new JournalEntry.Deleted(Entries.AT));
    journal.check();
    RunKey successor = trimmable("gone", 20);

    for (int round = 0; round < 2; round++) {
      assertThat(journal.read(run, 1, ALL)).isEmpty();
      assertThat(journal.find(run, "k20")).isZero();
      assertThat(journal.snapshot(run, 100)).isNull();
      assertThat(journal.read(successor, 1, ALL)).hasSize(20);
      assertThat(journal.find(successor, "k2")).isEqualTo(2);
      closeAndReopen();
    }
  }

  /** A run that was trimmed twice, elsewhere. */
  private static RunKey trimmedElsewhere(Journal elsewhere, boolean steps) throws JournalException {
    RunKey run = Entries.run("moved");
    Entries.append(elsewhere, run, Entries.created());
    for (long s = 2; s <= 40; s++) {
      Entries.append(
          elsewhere,
          run,
          switch ((int) s) {
            case 20 -> new JournalEntry.Trimmed(Entries.AT, 11, 10);
            case 30 -> new JournalEntry.Rewound(Entries.AT, 29, null);
            case 40 -> new JournalEntry.Trimmed(Entries.AT, 16, 15);
            default -> Entries.batch("k" + s, steps ? s : -1, 0);
          });
    }
    return run;
  }

  @Test
  void aRunThatWasTrimmedElsewhereComesAsItIsThere() throws Exception {
    for (boolean steps : new boolean[] {true, false}) {
      InMemoryJournal elsewhere = new InMemoryJournal();
      RunKey run = trimmedElsewhere(elsewhere, steps);
      List<StoredEntry> entries = elsewhere.read(run, 1, ALL);
      List<LastingKey> keys = elsewhere.lastingKeys(run, null, ALL);
      assertThat(keys).hasSize(steps ? 0 : 13);

      assertThat(journal.createTrimmed(run, entries.get(0), entries.get(1))).isTrue();
      assertThat(journal.createTrimmed(run, entries.get(0), entries.get(1))).isFalse();
      for (int half = 0; half < 2; half++) {
        assertThat(journal.lookup(run.id())).isEqualTo(run);
        assertThat(journal.read(run, 1, ALL))
            .extracting(StoredEntry::sequence)
            .containsExactly(1L, 15L);
        assertThat(journal.head(run)).isEqualTo(entries.get(1).head());
        closeAndReopen();
      }
      for (StoredEntry entry : entries.subList(2, entries.size())) {
        assertThat(append(run, entry.sequence(), entry.entry())).isEqualTo(entry.head());
        assertThat(journal.read(run, 2, 0).getFirst().head()).isEqualTo(entries.get(1).head());
      }
      journal.keep(run, keys);
      journal.keep(run, keys);
      save(run, "at 40");
      journal.save(run, new Snapshot(entries.get(1).head(), "at 15".getBytes(UTF_8)));

      for (int round = 0; round < 2; round++) {
        assertThat(journal.read(run, 1, ALL))
            .extracting(StoredEntry::head)
            .isEqualTo(entries.stream().map(StoredEntry::head).toList());
        assertThat(journal.lastingKeys(run, null, ALL)).isEqualTo(keys);
        for (long s = 2; s <= 40; s++) {
          assertThat(journal.find(run, "k" + s))
              .as("key of %d", s)
              .isEqualTo(elsewhere.find(run, "k" + s));
        }
        assertThat(newest(run, 39).state()).isEqualTo("at 15".getBytes(UTF_8));
        journal.check();
        closeAndReopen();
      }
      append(run, 41, new JournalEntry.Deleted(Entries.AT));
      assertThat(journal.lastingKeys(run, null, ALL)).isEmpty();
    }
  }

  @Test
  void aTrimmedRunDoesNotComeUnderANameThatIsTaken() throws Exception {
    InMemoryJournal elsewhere = new InMemoryJournal();
    RunKey run = trimmedElsewhere(elsewhere, false);
    List<StoredEntry> entries = elsewhere.read(run, 1, ALL);
    RunKey taken = create("moved");

    assertThat(journal.createTrimmed(run, entries.get(0), entries.get(1))).isFalse();
    journal.keep(run, elsewhere.lastingKeys(run, null, ALL));

    assertThat(journal.lookup(run.id())).isEqualTo(taken);
    assertThat(journal.read(run, 1, ALL)).isEmpty();
    assertThat(journal.find(run, "k2")).isZero();
    assertThat(journal.find(taken, "k2")).isZero();
  }

  @Test
  void theKeysThatLastAreThoseWithoutAStepOfWhatWasTrimmedAwayPageByPage() throws Exception {
    RunKey run = create("lasting");
    for (int s = 2; s <= 60; s++) {
      append(run, s, Entries.batch("k" + s, s % 3 == 0 ? s : -1, 0));
    }
    assertThat(journal.lastingKeys(run, null, ALL)).isEmpty();
    append(run, 61, new JournalEntry.Trimmed(Entries.AT, 50, 50));
    List<LastingKey> expected = new ArrayList<>();
    for (long s = 2; s < 50; s++) {
      if (s % 3 != 0) {
        expected.add(new LastingKey("k" + s, s));
      }
    }
    expected.sort(Comparator.comparing(LastingKey::key));

    for (int limit : new int[] {1, 7, 32, 100}) {
      List<LastingKey> listed = new ArrayList<>();
      List<LastingKey> page = journal.lastingKeys(run, null, limit);
      while (!page.isEmpty()) {
        assertThat(page).hasSizeLessThanOrEqualTo(limit);
        listed.addAll(page);
        page = journal.lastingKeys(run, page.getLast().key(), limit);
      }
      assertThat(listed).isEqualTo(expected);
      journal.check();
    }
  }

  @Test
  void aRunMayBeCreatedAndTrimmedInOneAppend() throws Exception {
    RunKey run = Entries.run("at-once");
    List<JournalEntry> entries = new ArrayList<>();
    entries.add(Entries.created());
    for (int s = 2; s <= 9; s++) {
      entries.add(Entries.batch("k" + s, s, 0));
    }
    entries.add(new JournalEntry.Trimmed(Entries.AT, 7, 6));
    Entries.append(journal, run, entries.toArray(JournalEntry[]::new));

    for (int round = 0; round < 2; round++) {
      assertThat(journal.read(run, 1, ALL))
          .extracting(StoredEntry::sequence)
          .containsExactly(1L, 6L, 7L, 8L, 9L, 10L);
      assertThat(journal.find(run, "k5")).isZero();
      assertThat(journal.find(run, "k6")).isEqualTo(6);
      journal.check();
      closeAndReopen();
    }
  }

  @Test
  void aSnapshotOfARunThatIsGoneIsNotKept() throws Exception {
    RunKey run = create("gone");
    Snapshot snapshot = new Snapshot(requireNonNull(journal.head(run)), new byte[] {1});
    append(run, 2, new JournalEntry.Deleted(Entries.AT));
    journal.save(run, snapshot);

    assertThat(journal.snapshot(run, 100)).isNull();
  }

  @Test
  void documentsAreKeptReplacedListedAndDiscardedAlsoAfterReopening() throws Exception {
    RunKey run = create("documents");
    RunKey other = create("documents-too");
    byte[] large = new byte[3 << 20];
    new Random(1).nextBytes(large);
    Document first = new Document(run, DocumentKind.REPLAY, "01A");
    Document second = new Document(run, DocumentKind.REPLAY, "01B/2");
    Document running = new Document(run, DocumentKind.REPLAY_RUNNING, "01A");
    Document others = new Document(other, DocumentKind.REPLAY, "01A");

    assertThat(journal.content(first)).isNull();
    assertThat(journal.documents(DocumentKind.REPLAY)).isEmpty();
    assertThat(journal.keep(second, large)).isTrue();
    assertThat(journal.keep(first, new byte[0])).isTrue();
    assertThat(journal.keep(running, new byte[] {1})).isTrue();
    assertThat(journal.keep(running, new byte[] {2, 3})).isTrue();
    assertThat(journal.keep(others, new byte[] {4})).isTrue();

    for (int round = 0; round < 2; round++) {
      assertThat(journal.content(first)).isEmpty();
      assertThat(journal.content(second)).isEqualTo(large);
      assertThat(journal.content(running)).containsExactly(2, 3);
      assertThat(journal.content(others)).containsExactly(4);
      assertThat(journal.documents(run, DocumentKind.REPLAY)).containsExactly(first, second);
      assertThat(journal.documents(run, DocumentKind.REPLAY_RUNNING)).containsExactly(running);
      assertThat(journal.documents(run, DocumentKind.REPLAY_RESULTS)).isEmpty();
      assertThat(journal.documents(DocumentKind.REPLAY))
          .containsExactlyInAnyOrder(first, second, others);
      assertHolds(run, Entries.created());
      closeAndReopen();
    }
    journal.discard(List.of(second, new Document(run, DocumentKind.REPLAY, "nobody")));
    journal.discard(List.of());
    closeAndReopen();
    assertThat(journal.content(second)).isNull();
    assertThat(journal.documents(run, DocumentKind.REPLAY)).containsExactly(first);
    assertThat(journal.content(others)).containsExactly(4);
  }

  @Test
  void aDocumentIsMovedToAnotherKindInOneAndOnlyWhereItIs() throws Exception {
    RunKey run = create("moved");
    Document running = new Document(run, DocumentKind.REPLAY_RUNNING, "1");
    Document ended = new Document(run, DocumentKind.REPLAY, "1");
    journal.keep(running, new byte[] {1});

    assertThat(journal.move(running, DocumentKind.REPLAY, new byte[] {2})).isTrue();
    for (int round = 0; round < 2; round++) {
      assertThat(journal.content(running)).isNull();
      assertThat(journal.content(ended)).containsExactly(2);
      assertThat(journal.move(running, DocumentKind.REPLAY, new byte[] {3})).isFalse();
      assertThat(journal.content(ended)).containsExactly(2);
      closeAndReopen();
    }
  }

  @Test
  void documentsGoWithTheirRunAndDoNotBringItBack() throws Exception {
    RunKey neighbour = create("gone-neighbour");
    RunKey run = create("gone");
    for (DocumentKind kind : DocumentKind.values()) {
      journal.keep(new Document(run, kind, "1"), new byte[] {1});
      journal.keep(new Document(neighbour, kind, "1"), new byte[] {2});
    }
    append(run, 2, new JournalEntry.Deleted(Entries.AT));
    RunKey successor = create("gone");

    for (int round = 0; round < 2; round++) {
      for (DocumentKind kind : DocumentKind.values()) {
        Document document = new Document(run, kind, "1");
        assertThat(journal.content(document)).isNull();
        assertThat(journal.keep(document, new byte[] {3})).isFalse();
        assertThat(journal.move(document, DocumentKind.REPLAY, new byte[] {3})).isFalse();
        assertThat(journal.documents(run, kind)).isEmpty();
        assertThat(journal.documents(successor, kind)).isEmpty();
        assertThat(journal.documents(kind)).containsExactly(new Document(neighbour, kind, "1"));
      }
      closeAndReopen();
    }
    assertThat(
            journal.keep(new Document(Entries.run("never"), DocumentKind.REPLAY, "1"), new byte[0]))
        .isFalse();
    assertThat(journal.lookup(run.id())).isEqualTo(successor);
    assertThat(journal.read(run, 1, ALL)).isEmpty();
  }

  @Test
  void aDocumentThatIsThereCanBeClaimedAgainByItsOwnerAndOneThatIsNotCannot() throws Exception {
    RunKey run = create("claimed");
    Document document = new Document(run, DocumentKind.REPLAY_RUNNING, "1");
    Duration lease = Duration.ofMinutes(1);
    assertThat(journal.claim(document, "me", lease)).isFalse();
    journal.keep(document, new byte[] {1});

    assertThat(journal.claim(document, "me", lease)).isTrue();
    assertThat(journal.claim(document, "me", lease)).isTrue();
    if (journal.shared()) {
      assertThat(journal.claim(document, "other", lease)).isFalse();
    }
    journal.move(document, DocumentKind.REPLAY, new byte[] {2});
    assertThat(journal.claim(document, "me", lease)).isFalse();
  }

  @Test
  void documentsAreKeptWhileTheRunIsAppendedTo() throws Exception {
    RunKey run = create("busy");
    int rounds = 200;
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<?> keeping =
          threads.submit(
              () -> {
                for (int i = 0; i < rounds; i++) {
                  Document document = new Document(run, DocumentKind.REPLAY, "%03d".formatted(i));
                  assertThat(journal.keep(document, new byte[] {(byte) i})).isTrue();
                }
                return null;
              });
      for (int s = 2; s <= rounds; s++) {
        append(run, s, Entries.batch(null, s, 0));
      }
      keeping.get(60, TimeUnit.SECONDS);
    }
    closeAndReopen();
    assertThat(journal.read(run, 1, ALL)).hasSize(rounds);
    assertThat(journal.documents(run, DocumentKind.REPLAY)).hasSize(rounds);
  }

  @Test
  void ofManyWritersToOneSequenceOneWins() throws Exception {
    RunKey run = create("race");
    int writers = 4;
    int rounds = 50;
    AtomicInteger won = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(writers);
    CyclicBarrier barrier = new CyclicBarrier(writers);
    try {
      List<Future<?>> done = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        int writer = w;
        done.add(
            threads.submit(
                () -> {
                  RunKey own = create("writer-" + writer);
                  for (int round = 0; round < rounds; round++) {
                    JournalEntry.Batch batch = Entries.batch(null, round, writer);
                    List<Append> group =
                        List.of(
                            Entries.next(journal, run, batch), Entries.next(journal, own, batch));
                    barrier.await();
                    Map<RunKey, Head> heads = journal.append(group);
                    assertThat(heads).containsKey(own);
                    if (heads.containsKey(run)) {
                      won.incrementAndGet();
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> future : done) {
        future.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(won.get()).isEqualTo(rounds);
    closeAndReopen();
    assertThat(journal.read(run, 1, ALL)).hasSize(rounds + 1);
    for (int w = 0; w < writers; w++) {
      RunKey own = requireNonNull(journal.lookup(new RunId("default", "writer-" + w)));
      assertThat(journal.read(own, 1, ALL)).hasSize(rounds + 1);
    }
  }

  @Test
  void closingUnderCallsRefusesThem() throws Exception {
    RunKey run = create("closing");
    ExecutorService threads = Executors.newFixedThreadPool(2);
    AtomicInteger appended = new AtomicInteger(1);
    try {
      Future<?> writer =
          threads.submit(
              () -> {
                for (int s = 2; ; s++) {
                  append(run, s, Entries.batch(null, s, 0));
                  appended.set(s);
                }
              });
      Future<?> reader =
          threads.submit(
              () -> {
                while (true) {
                  journal.read(run, 1, 1000);
                  journal.find(run, "k");
                }
              });
      while (appended.get() < 100) {
        Thread.onSpinWait();
      }
      journal.close();
      for (Future<?> future : List.of(writer, reader)) {
        assertThatThrownBy(() -> future.get(60, TimeUnit.SECONDS))
            .hasCauseInstanceOf(JournalUnavailableException.class);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThatThrownBy(journal::check).isInstanceOf(JournalUnavailableException.class);
    journal = reopen();
    assertThat(journal.read(run, 1, ALL)).hasSize(appended.get());
  }

  @Test
  void aSecondProcessSeesWhatTheFirstHasDoneAndTheOtherWayRound() throws Exception {
    assumeTrue(journal.shared(), "a journal of one process");
    try (Journal second = openSecond()) {
      RunKey run = create("shared");
      Append stale = Entries.next(journal, run, Entries.batch("stale", 1, 0));
      assertThat(second.lookup(run.id())).isEqualTo(run);
      Entries.append(second, run, Entries.batch("k", 0, 0));

      assertThat(journal.append(List.of(stale))).isEmpty();
      assertThat(journal.find(run, "k")).isEqualTo(2);
      assertThat(journal.find(run, "stale")).isZero();
      assertThat(journal.head(run)).isEqualTo(second.head(run));
      assertHolds(run, Entries.created(), Entries.batch("k", 0, 0));

      save(run, "mine");
      assertThat(requireNonNull(second.snapshot(run, 2)).state()).isEqualTo("mine".getBytes(UTF_8));
      Document document = new Document(run, DocumentKind.REPLAY, "1");
      second.keep(document, new byte[] {1});
      assertThat(journal.content(document)).containsExactly(1);

      // A key that the other has not heard of, and one that a rewind there has forgotten.
      assertThat(second.append(List.of(Entries.next(second, run, Entries.batch("k", 9, 0)))))
          .isEmpty();
      Entries.append(journal, run, new JournalEntry.Rewound(Entries.AT, 0, null));
      Entries.append(second, run, Entries.batch("k", 0, 0));
      assertThat(journal.find(run, "k")).isEqualTo(4);
    }
  }

  @Test
  void aRunThatAnotherProcessDeletesAndCreatesAgainIsAnotherRun() throws Exception {
    assumeTrue(journal.shared(), "a journal of one process");
    try (Journal second = openSecond()) {
      RunKey run = create("again");
      Entries.append(journal, run, Entries.batch("k", 0, 0));
      Head head = requireNonNull(journal.head(run));
      Snapshot snapshot = new Snapshot(head, new byte[] {1});
      Append late = new Append(run, head, List.of(Entries.batch("late", 1, 0)));

      Entries.append(second, run, new JournalEntry.Deleted(Entries.AT));
      RunKey successor = Entries.run("again");
      Entries.append(second, successor, Entries.created());

      assertThat(journal.append(List.of(late))).isEmpty();
      journal.save(run, snapshot);
      assertThat(journal.keep(new Document(run, DocumentKind.REPLAY, "1"), new byte[1])).isFalse();
      assertThat(journal.head(run)).isNull();
      assertThat(journal.snapshot(run, 9)).isNull();
      assertThat(journal.find(run, "k")).isZero();
      assertThat(journal.read(run, 1, ALL)).isEmpty();
      assertThat(journal.lookup(run.id())).isEqualTo(successor);
      assertThat(journal.find(successor, "k")).isZero();
      assertThat(journal.snapshot(successor, 9)).isNull();
      assertHolds(successor, Entries.created());
      journal.check();
      second.check();
      assertHolds(successor, Entries.created());
    }
  }

  @Test
  void ofTwoProcessesThatRaceOneWinsEachSequence() throws Exception {
    assumeTrue(journal.shared(), "a journal of one process");
    int rounds = 60;
    try (Journal second = openSecond();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      RunKey contended = create("contended");
      RunKey other = create("a-contended");
      CyclicBarrier barrier = new CyclicBarrier(4);
      AtomicInteger won = new AtomicInteger();
      List<Future<?>> done = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        Journal mine = w % 2 == 0 ? journal : second;
        int writer = w;
        done.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < rounds; round++) {
                    JournalEntry.Batch batch = Entries.batch(writer + "/" + round, round, writer);
                    List<Append> group = new ArrayList<>();
                    group.add(Entries.next(mine, contended, batch));
                    group.add(Entries.next(mine, other, batch));
                    // In either order: a store must not deadlock on it.
                    if (writer > 1) {
                      group = group.reversed();
                    }
                    barrier.await();
                    if (mine.append(group).containsKey(contended)) {
                      won.incrementAndGet();
                    }
                    barrier.await();
                  }
                  return null;
                }));
      }
      for (Future<?> future : done) {
        future.get(90, TimeUnit.SECONDS);
      }
      assertThat(won.get()).isEqualTo(rounds);
      assertThat(second.read(contended, 1, ALL)).hasSize(rounds + 1);
      assertThat(journal.read(other, 1, ALL)).hasSize(rounds + 1);
    }
  }

  @Test
  void whoHasARunForItselfKeepsTheOtherProcessOutUntilItHasAppended() throws Exception {
    assumeTrue(journal.shared(), "a journal of one process");
    try (Journal second = openSecond();
        ExecutorService threads = Executors.newSingleThreadExecutor()) {
      RunKey run = create("exclusive");
      RunKey other = create("other");
      Append theirs = Entries.next(second, run, Entries.batch("theirs", 0, 1));
      Future<Map<RunKey, Head>> waiting;
      try (Exclusive mine = journal.exclusive(run, 1, 1)) {
        waiting = threads.submit(() -> second.append(List.of(theirs)));
        Entries.append(second, other, Entries.batch(null, 0, 0));
        // Nothing is lost while the lock is held, however long the other has been waiting.
        assertThat(mine.append(Entries.next(journal, run, Entries.batch("mine", 0, 0))))
            .containsOnlyKeys(run);
      }
      assertThat(waiting.get(30, TimeUnit.SECONDS)).isEmpty();
      assertHolds(run, Entries.created(), Entries.batch("mine", 0, 0));

      try (Exclusive unused = journal.exclusive(run, 1, 1)) {
        assertThat(unused).isNotNull();
      }
      Entries.append(second, run, Entries.batch("theirs", 0, 1));
      try (Exclusive stale = journal.exclusive(run, 2, ALL)) {
        assertThat(stale.tail()).extracting(StoredEntry::sequence).containsExactly(2L, 3L);
        assertThat(stale.append(theirs)).isEmpty();
      }
      Entries.append(second, run, Entries.batch("again", 0, 2));
    }
  }
}
