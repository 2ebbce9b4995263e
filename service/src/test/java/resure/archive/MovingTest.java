package resure.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.journal.Append;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.InMemoryJournal;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.RunId;

/** What goes through an export and an import. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MovingTest {

  private static final int PIECE_BYTES = 700;

  @TempDir private Path temporary;

  private final List<String> said = new ArrayList<>();

  private Progress progress(String what) {
    return new Progress(what, said::add, System::nanoTime);
  }

  private long export(Journal journal, Path target) throws IOException {
    Progress progress = progress("export");
    new Export(journal, progress, PIECE_BYTES).to(target);
    return progress.faults();
  }

  private long bring(Path source, Journal journal) throws IOException {
    Progress progress = progress("import");
    new Import(journal, progress).from(source);
    return progress.faults();
  }

  private Path target(String name) {
    return temporary.resolve(name);
  }

  private static InMemoryJournal filled(long seed, int runs, int entries) throws JournalException {
    InMemoryJournal journal = new InMemoryJournal();
    Stores.fill(journal, seed, runs, entries);
    Stores.fillTrimmed(journal, seed, entries);
    return journal;
  }

  private static Map<String, byte[]> files(Path directory) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> list = Files.list(directory)) {
      for (Path file : list.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  @ParameterizedTest
  @ValueSource(strings = {"all.resure", "all"})
  void everythingComesThroughTwoStoresAndTwoExportsAsItWas(String name) throws Exception {
    InMemoryJournal first = filled(1, 12, 60);
    Path state = temporary.resolve("state");

    assertThat(export(first, target(name))).isZero();
    try (Journal second = RocksDbJournal.open(state, Durability.OS)) {
      assertThat(bring(target(name), second)).isZero();
    }
    InMemoryJournal third = new InMemoryJournal();
    try (Journal second = RocksDbJournal.open(state, Durability.OS)) {
      assertThat(export(second, target("again-" + name))).isZero();
      assertThat(bring(target("again-" + name), third)).isZero();
      assertThat(Stores.content(third)).isEqualTo(Stores.content(second)).hasSizeGreaterThan(8);
    }
    // But for snapshots: a store keeps as many as it sees fit, the newest among them.
    assertThat(Stores.contentButSnapshots(third)).isEqualTo(Stores.contentButSnapshots(first));
    for (RunKey run : first.list("default", null, 100)) {
      Snapshot expected = first.snapshot(run, Long.MAX_VALUE - 1);
      Snapshot newest = third.snapshot(run, Long.MAX_VALUE - 1);
      assertThat(newest == null).isEqualTo(expected == null);
      if (expected != null) {
        assertThat(newest.head()).isEqualTo(expected.head());
        assertThat(newest.state()).isEqualTo(expected.state());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"none.resure", "none"})
  void nothingComesThroughToo(String name) throws Exception {
    assertThat(export(new InMemoryJournal(), target(name))).isZero();
    InMemoryJournal store = new InMemoryJournal();
    assertThat(bring(target(name), store)).isZero();
    assertThat(store.tenants()).isEmpty();
  }

  @Test
  void largeEntriesAndLongRunsComeThrough() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    RunKey run = Stores.create(from, "default", "large");
    Random random = new Random(7);
    for (int i = 0; i < 5; i++) {
      Entries.append(from, run, Entries.batch(random, null, i, 512, 32));
    }
    for (int i = 0; i < 3000; i++) {
      Entries.append(from, run, Entries.batch("k-" + i, 5 + i, 0));
    }
    Progress progress = progress("export");
    new Export(from, progress).to(target("large.resure"));
    InMemoryJournal to = new InMemoryJournal();

    assertThat(bring(target("large.resure"), to)).isZero();
    assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
  }

  @Test
  void aTrimmedRunComesWithWhatIsLeftOfIt() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    Stores.fillTrimmed(from, 4, 40);
    RunKey stepless = from.lookup(new RunId("default", "trimmed-stepless"));
    long first = from.read(stepless, 2, 1).getFirst().sequence();
    assertThat(first).isGreaterThan(10);
    export(from, target("trimmed.resure"));

    try (Journal to = RocksDbJournal.open(temporary.resolve("state"), Durability.OS)) {
      assertThat(bring(target("trimmed.resure"), to)).isZero();

      assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
      assertThat(to.find(stepless, "k2")).isEqualTo(2);
      for (long s = 2; s < first; s++) {
        assertThat(to.find(stepless, "k" + s)).isEqualTo(from.find(stepless, "k" + s));
      }
      assertThat(to.append(List.of(Entries.next(to, stepless, Entries.batch("k2", -1, 0)))))
          .isEmpty();
      for (RunKey run : to.list("default", null, 9)) {
        Entries.append(to, run, Entries.batch("more", run.equals(stepless) ? -1 : 999, 0));
        assertThat(to.snapshot(run, Long.MAX_VALUE)).isNotNull();
      }
    }
  }

  @Test
  void aRunThatIsTrimmedAfterItsExportIsExportedOn() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    RunKey run = Stores.create(from, "default", "run");
    Random random = new Random(2);
    Path directory = target("often");
    InMemoryJournal to = new InMemoryJournal();
    export(from, directory);
    for (int round = 0; round < 6; round++) {
      Stores.growAndTrim(from, run, random, round % 3 != 2, 30);

      assertThat(export(from, directory)).isZero();

      InMemoryJournal fresh = new InMemoryJournal();
      assertThat(bring(directory, fresh)).isZero();
      assertThat(Stores.content(fresh)).isEqualTo(Stores.content(from));
      boolean beyond = from.read(run, 2, 1).getFirst().sequence() > end(to, run);
      assertThat(bring(directory, to)).isEqualTo(beyond && round > 0 ? 1 : 0);
      if (beyond && round > 0) {
        to = fresh;
      }
      assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
    }
  }

  private static long end(Journal journal, RunKey run) throws JournalException {
    Head head = journal.head(run);
    return head == null ? 0 : head.sequence();
  }

  @Test
  void aRunThatIsTrimmedWhileItIsExportedIsExportedAsItIsThen() throws Exception {
    for (String name : List.of("busy-%d.resure", "busy-%d")) {
      for (int call = 1; call <= 30; call++) {
        InMemoryJournal from = new InMemoryJournal();
        RunKey run = Stores.create(from, "default", "busy");
        Stores.growAndTrim(from, run, new Random(call), true, 30);
        List<String> before = Stores.entries(from, run);
        Journal busy = trimmedAtCall(from, run, call);
        Path target = target(name.formatted(call));

        assertThat(export(busy, target)).isZero();

        InMemoryJournal to = new InMemoryJournal();
        assertThat(bring(target, to)).isZero();
        List<String> there = Stores.entries(from, run);
        List<String> here = Stores.entries(to, run);
        assertThat(here.getFirst()).isEqualTo(there.getFirst());
        assertThat(here.getLast()).isIn(before.getLast(), there.getLast());
        long first = to.read(run, 2, 1).getFirst().sequence();
        assertThat(to.snapshot(run, Long.MAX_VALUE)).as("call %d", call).isNotNull();
        assertThat(here).hasSize((int) (to.head(run).sequence() - first + 2));
      }
    }
  }

  /** A store in which a run goes on and is trimmed just before the so-manieth reading. */
  private static Journal trimmedAtCall(InMemoryJournal journal, RunKey run, int call) {
    AtomicInteger calls = new AtomicInteger();
    return (Journal)
        Proxy.newProxyInstance(
            Journal.class.getClassLoader(),
            new Class<?>[] {Journal.class},
            (proxy, method, arguments) -> {
              if (calls.incrementAndGet() == call) {
                Stores.growAndTrim(journal, run, new Random(call), true, 30);
              }
              return method.invoke(journal, arguments);
            });
  }

  @Test
  void aRunThatEndsInWhatTheExportedOneHasDroppedIsLeftAsItIs() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    RunKey run = Stores.create(from, "default", "run");
    InMemoryJournal to = new InMemoryJournal();
    export(from, target("before.resure"));
    bring(target("before.resure"), to);
    Stores.growAndTrim(from, run, new Random(1), true, 30);
    export(from, target("after.resure"));

    assertThat(bring(target("after.resure"), to)).isEqualTo(1);

    assertThat(Stores.entries(to, run)).hasSize(1);
    assertThat(said)
        .anyMatch(l -> l.contains("it ends at entry 1 here") && l.contains("Delete it here"));
    Entries.append(to, run, new JournalEntry.Deleted(Entries.AT));
    assertThat(bring(target("after.resure"), to)).isZero();
    assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
  }

  /** A small export with every kind of piece. */
  private static InMemoryJournal small() throws JournalException {
    InMemoryJournal journal = new InMemoryJournal();
    for (String name : List.of("one", "two")) {
      RunKey run = Stores.create(journal, "default", name);
      Entries.append(journal, run, Entries.batch("k", 1, 0));
      journal.save(run, new Snapshot(journal.head(run), "state".getBytes(UTF_8)));
      Entries.append(journal, run, new JournalEntry.Rewound(Entries.AT, 0, null));
      Entries.append(journal, run, Entries.batch("k", 1, 0));
      journal.keep(new Document(run, DocumentKind.REPLAY, "R"), "document".getBytes(UTF_8));
    }
    RunKey trimmed = Stores.create(journal, "default", "trimmed");
    for (int i = 0; i < 4; i++) {
      Entries.append(journal, trimmed, Entries.batch("k" + i, -1, 0));
      journal.save(trimmed, new Snapshot(journal.head(trimmed), "state".getBytes(UTF_8)));
    }
    Entries.append(journal, trimmed, new JournalEntry.Trimmed(Entries.AT, -1, 4));
    return journal;
  }

  private interface Damage {
    byte[] of(byte[] whole, int at);
  }

  private static final List<Damage> DAMAGES =
      List.of(
          (whole, at) -> {
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) (1 << at % 8);
            return flipped;
          },
          (whole, at) -> {
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) 0xFF;
            return flipped;
          },
          (whole, at) -> Arrays.copyOf(whole, at));

  @Test
  void aFileThatIsDamagedAtAnyByteIsRefusedAndBringsNothingWrong() throws Exception {
    InMemoryJournal from = small();
    Path file = target("small.resure");
    export(from, file);
    byte[] whole = Files.readAllBytes(file);

    for (Damage damage : DAMAGES) {
      for (int at = 0; at < whole.length; at++) {
        Files.write(file, damage.of(whole, at));
        InMemoryJournal to = new InMemoryJournal();
        int position = at;
        assertThatThrownBy(() -> bring(file, to))
            .as("at %d", position)
            .isInstanceOf(DamagedArchiveException.class);
        Stores.assertBeginsLike(to, from);
        if (at % 50 == 0) {
          // What was brought is gone on from.
          Files.write(file, whole);
          assertThat(bring(file, to)).isZero();
          assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
        }
      }
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertThatThrownBy(() -> bring(file, new InMemoryJournal()))
        .isInstanceOf(DamagedArchiveException.class);
  }

  @Test
  void aDirectoryWithAFileThatIsDamagedAtAnyByteBringsTheOtherRunsAndNothingWrong()
      throws Exception {
    InMemoryJournal from = small();
    Path directory = target("small");
    export(from, directory);

    for (Map.Entry<String, byte[]> file : files(directory).entrySet()) {
      Path path = directory.resolve(file.getKey());
      byte[] whole = file.getValue();
      for (Damage damage : DAMAGES) {
        for (int at = 0; at < whole.length; at++) {
          Files.write(path, damage.of(whole, at));
          InMemoryJournal to = new InMemoryJournal();
          if (file.getKey().equals("contents")) {
            assertThatThrownBy(() -> bring(directory, to))
                .isInstanceOf(DamagedArchiveException.class);
          } else {
            assertThat(bring(directory, to)).as("%s at %d", path, at).isEqualTo(1);
            assertThat(
                    Stores.content(to).entrySet().stream()
                        .filter(Stores.content(from).entrySet()::contains))
                .isNotEmpty();
          }
          Stores.assertBeginsLike(to, from);
        }
      }
      Files.write(path, whole);
    }
  }

  @Test
  void anExportThatWasCutShortAnywhereGoesOnAndEndsInTheSameBytes() throws Exception {
    InMemoryJournal from = filled(3, 6, 40);
    Path directory = target("cut");
    export(from, directory);
    Map<String, byte[]> whole = files(directory);
    Random random = new Random(4);

    for (int round = 0; round < 60; round++) {
      // As a kill would leave it, and worse: damage too.
      Files.deleteIfExists(directory.resolve("contents"));
      Files.write(directory.resolve("contents.part"), new byte[random.nextInt(30)]);
      for (String name : whole.keySet()) {
        Path file = directory.resolve(name);
        int length = whole.get(name).length;
        switch (name.equals("contents") ? 9 : random.nextInt(5)) {
          case 0 -> Files.delete(file);
          case 1 -> {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
              channel.truncate(random.nextInt(length));
            }
          }
          case 2 -> Files.write(file, DAMAGES.get(0).of(whole.get(name), random.nextInt(length)));
          default -> {}
        }
      }
      assertThatThrownBy(() -> bring(directory, new InMemoryJournal()))
          .hasMessageContaining("Export into it again");

      assertThat(export(from, directory)).isZero();

      Map<String, byte[]> again = files(directory);
      assertThat(again.keySet()).isEqualTo(whole.keySet());
      again.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(whole.get(name)));
    }
  }

  @Test
  void anImportThatWasCutShortGoesOnWhereItStopped() throws Exception {
    InMemoryJournal from = filled(5, 6, 40);
    for (String name : List.of("cut.resure", "cut-directory")) {
      export(from, target(name));
      Random random = new Random(6);
      for (int round = 0; round < 20; round++) {
        InMemoryJournal to = new InMemoryJournal();
        int failures = 0;
        for (boolean done = false; !done; ) {
          // The store fails now and then, in one way or the other.
          InMemoryJournal.Failure failure = InMemoryJournal.Failure.values()[random.nextInt(3)];
          if (random.nextInt(4) != 0 && failures < 10) {
            if (random.nextBoolean()) {
              to.failNextAppend(failure);
            } else {
              to.failNextDocument(failure);
            }
          }
          try {
            assertThat(bring(target(name), to)).isZero();
            done = true;
          } catch (JournalException e) {
            failures++;
            to.check();
          }
        }
        assertThat(Stores.content(to)).isEqualTo(Stores.content(from));
      }
    }
  }

  @Test
  void runsThatHaveGrownAreContinuedAndRunsThatAreGoneAreNotListed() throws Exception {
    InMemoryJournal from = filled(8, 5, 30);
    Path directory = target("grown");
    RunKey gone = Stores.create(from, "default", "gone");
    RunKey grown = Stores.create(from, "default", "grown");
    Stores.grow(from, grown, new Random(1), 50);
    Document request = new Document(grown, DocumentKind.REPLAY_RUNNING, "X");
    from.keep(request, new byte[10]);
    export(from, directory);
    long before = Files.size(directory.resolve(grown.incarnation() + ".run"));
    InMemoryJournal to = new InMemoryJournal();
    bring(directory, to);

    Entries.append(from, gone, new JournalEntry.Deleted(Entries.AT));
    Entries.append(from, grown, Entries.batch("later", 1000, 0));
    from.move(request, DocumentKind.REPLAY, new byte[20]);
    said.clear();
    assertThat(export(from, directory)).isZero();

    assertThat(Files.size(directory.resolve(grown.incarnation() + ".run")))
        .isBetween(before + 20, before + 1000);
    InMemoryJournal fresh = new InMemoryJournal();
    assertThat(bring(directory, fresh)).isZero();
    assertThat(Stores.content(fresh)).isEqualTo(Stores.content(from));
    assertThat(bring(directory, to)).isZero();
    assertThat(Stores.entries(to, grown)).isEqualTo(Stores.entries(from, grown));
  }

  @Test
  void aRunWhoseHistoryIsAnotherNowIsExportedAnew() throws Exception {
    RunKey run = Entries.run("restored");
    InMemoryJournal before = new InMemoryJournal();
    InMemoryJournal after = new InMemoryJournal();
    for (InMemoryJournal journal : List.of(before, after)) {
      Entries.append(journal, run, Entries.created());
    }
    for (int i = 0; i < 20; i++) {
      Entries.append(before, run, Entries.batch("b-" + i, i, 0));
      Entries.append(after, run, Entries.batch("a-" + i, i, 1));
    }
    export(before, target("history"));

    assertThat(export(after, target("history"))).isZero();

    InMemoryJournal to = new InMemoryJournal();
    assertThat(bring(target("history"), to)).isZero();
    assertThat(Stores.content(to)).isEqualTo(Stores.content(after));
  }

  @Test
  void aRunOfANameThatIsTakenIsRefusedAndTheOthersAreImported() throws Exception {
    InMemoryJournal from = filled(9, 6, 30);
    export(from, target("taken.resure"));
    InMemoryJournal to = new InMemoryJournal();
    String taken = Stores.content(from).keySet().iterator().next();
    String[] id = taken.split("/", -1);
    RunKey other = Stores.create(to, id[0], id[1]);
    List<String> before = Stores.content(to, other);

    assertThat(bring(target("taken.resure"), to)).isEqualTo(1);

    assertThat(Stores.content(to, other)).isEqualTo(before);
    Map<String, List<String>> expected = Stores.content(from);
    expected.put(taken, before);
    assertThat(Stores.content(to)).isEqualTo(expected);
    assertThat(said)
        .contains(
            "import: run %s of tenant %s: not imported, since there is another run of this name"
                    .formatted(id[1], id[0])
                + " here: "
                + other.incarnation());
  }

  @Test
  void aRunThatWentOnDifferentlyIsRefusedAndOneThatOnlyWentOnIsNot() throws Exception {
    RunKey run = Entries.run("run");
    InMemoryJournal from = new InMemoryJournal();
    Entries.append(from, run, Entries.created(), Entries.batch("a", 1, 0));
    InMemoryJournal same = new InMemoryJournal();
    InMemoryJournal other = new InMemoryJournal();
    InMemoryJournal longer = new InMemoryJournal();
    Entries.append(
        same, run, Entries.created(), Entries.batch("a", 1, 0), Entries.batch("b", 2, 0));
    Entries.append(other, run, Entries.created(), Entries.batch("a", 1, 1));
    Entries.append(
        longer, run, Entries.created(), Entries.batch("c", 1, 1), Entries.batch("b", 2, 0));
    from.save(run, new Snapshot(from.head(run), new byte[7]));
    export(from, target("run.resure"));

    for (InMemoryJournal to : List.of(same, other, longer)) {
      List<String> before = Stores.entries(to, run);
      long faults = bring(target("run.resure"), to);
      assertThat(Stores.entries(to, run)).isEqualTo(before);
      assertThat(faults).isEqualTo(to == same ? 0 : 1);
      assertThat(to.snapshot(run, 100) == null).isEqualTo(to != same);
    }
  }

  @Test
  void aReplayThatHasEndedSinceItWasImportedDoesNotRunAgain() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    RunKey run = Stores.create(from, "default", "replayed");
    Document request = new Document(run, DocumentKind.REPLAY_RUNNING, "R");
    from.keep(request, new byte[3]);
    from.keep(new Document(run, DocumentKind.REPLAY_PROGRESS, "R"), new byte[4]);
    export(from, target("replayed.resure"));
    InMemoryJournal to = new InMemoryJournal();
    bring(target("replayed.resure"), to);
    assertThat(to.documents(DocumentKind.REPLAY_RUNNING)).containsExactly(request);
    assertThat(to.documents(DocumentKind.REPLAY_PROGRESS)).isEmpty();
    to.move(request, DocumentKind.REPLAY, new byte[5]);

    assertThat(bring(target("replayed.resure"), to)).isZero();

    assertThat(to.documents(DocumentKind.REPLAY_RUNNING)).isEmpty();
    assertThat(to.content(new Document(run, DocumentKind.REPLAY, "R"))).hasSize(5);
  }

  @Test
  void aRunThatTheStoreCannotReadIsLeftOutAndNamedBothTimes() throws Exception {
    for (String name : List.of("damaged.resure", "damaged")) {
      InMemoryJournal from = new InMemoryJournal();
      Stores.fill(from, 10, 4, 30);
      RunKey bad = Stores.create(from, "default", "bad");
      for (int i = 0; i < 40; i++) {
        Entries.append(from, bad, Entries.batch(null, i, 0));
      }
      Map<String, List<String>> expected = Stores.content(from);
      expected.remove("default/bad");
      from.damage(bad, 37);
      said.clear();

      assertThat(export(from, target(name))).isEqualTo(1);
      assertThat(said).anyMatch(l -> l.startsWith("export: run bad of tenant default: left out"));
      InMemoryJournal to = new InMemoryJournal();
      assertThat(bring(target(name), to)).isEqualTo(1);

      assertThat(Stores.content(to)).isEqualTo(expected);
      assertThat(said)
          .anyMatch(l -> l.startsWith("import: run bad of tenant default: not in the export"));
    }
  }

  @Test
  void onlyADirectoryOfAnExportIsExportedIntoAndNoFileIsWrittenOver() throws Exception {
    Path foreign = Files.createDirectories(target("foreign"));
    Files.writeString(foreign.resolve("notes.txt"), "mine");
    Path file = Files.writeString(target("there.resure"), "mine");
    Path plain = Files.writeString(target("plain"), "mine");

    assertThatThrownBy(() -> export(small(), foreign))
        .hasMessageEndingWith("there is notes.txt. Name an empty or absent one");
    assertThatThrownBy(() -> export(small(), file)).hasMessageContaining("is there already");
    assertThatThrownBy(() -> export(small(), plain)).hasMessageContaining("is a file");
    assertThat(files(foreign)).containsOnlyKeys("notes.txt");
    assertThat(Files.readString(file)).isEqualTo("mine");
    assertThat(Files.readString(plain)).isEqualTo("mine");
  }

  @Test
  void whatIsNoExportIsNotImported() throws Exception {
    Path file = Files.writeString(target("text"), "this is no export at all");
    Path directory = target("export");
    export(small(), directory);
    InMemoryJournal to = new InMemoryJournal();

    assertThatThrownBy(() -> bring(target("absent"), to)).hasMessageContaining("is not there");
    assertThatThrownBy(() -> bring(file, to)).hasMessageContaining("it is not a file of an export");
    assertThatThrownBy(() -> bring(directory.resolve("contents"), to))
        .hasMessageContaining("name the directory that it came in");
    assertThatThrownBy(() -> bring(temporary, to)).hasMessageContaining("has no file contents");
    assertThat(to.tenants()).isEmpty();
  }

  @Test
  void anAppendOfSomebodyElseIsNotWrittenOver() throws Exception {
    InMemoryJournal from = new InMemoryJournal();
    RunKey run = Stores.create(from, "default", "raced");
    for (int i = 0; i < 50; i++) {
      Entries.append(from, run, Entries.batch("k-" + i, i, 0));
    }
    export(from, target("raced.resure"));
    InMemoryJournal to = new InMemoryJournal();
    // A key of the export's is another batch's here: as if a service had been first.
    Entries.append(to, run, Entries.created(), Entries.batch("k-0", 0, 0));
    Head mine = to.head(run);
    assertThat(mine).isEqualTo(from.read(run, 2, 1).getFirst().head());
    to.append(List.of(new Append(run, mine, List.of(Entries.batch("k-30", 1, 5)))));

    assertThat(bring(target("raced.resure"), to)).isEqualTo(1);

    assertThat(to.head(run).sequence()).isEqualTo(3);
  }
}
