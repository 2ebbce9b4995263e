package resure.journal.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/** A copy of a store that is taken while it is written to. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RocksDbCopyTest {

  @TempDir private Path temporary;

  private static List<Head> heads(RocksDbJournal journal, RunKey run) throws JournalException {
    return journal.read(run, 1, Integer.MAX_VALUE).stream().map(StoredEntry::head).toList();
  }

  @ParameterizedTest
  @EnumSource
  void aCopyHoldsAllThatWasAppendedBeforeItAndTheBeginningOfWhatCameMeanwhile(Durability durability)
      throws Exception {
    RunKey before = Entries.run("before");
    RunKey meanwhile = Entries.run("meanwhile");
    RunKey deleted = Entries.run("deleted");
    List<Path> copies = new ArrayList<>();
    List<Integer> least = new ArrayList<>();
    List<Head> all;
    List<Head> old;
    try (RocksDbJournal journal = RocksDbJournal.open(temporary.resolve("state"), durability);
        ExecutorService writer = Executors.newSingleThreadExecutor()) {
      Entries.append(journal, before, Entries.created());
      Entries.append(journal, meanwhile, Entries.created());
      Entries.append(journal, deleted, Entries.created());
      Entries.append(journal, deleted, new JournalEntry.Deleted(Entries.AT));
      Random random = new Random(1);
      for (int i = 0; i < 20; i++) {
        Entries.append(journal, before, Entries.batch(random, "k-" + i, i, 64, 16));
      }
      AtomicBoolean stop = new AtomicBoolean();
      Future<?> writing =
          writer.submit(
              () -> {
                for (long step = 0; !stop.get(); step++) {
                  Entries.append(journal, meanwhile, Entries.batch("k-" + step, step, 0));
                }
                return null;
              });
      for (int i = 0; i < 5; i++) {
        Path copy = temporary.resolve("copy-" + i);
        least.add(heads(journal, meanwhile).size());
        journal.copyTo(copy);
        copies.add(copy);
      }
      stop.set(true);
      writing.get();
      all = heads(journal, meanwhile);
      old = heads(journal, before);
    }

    for (int i = 0; i < copies.size(); i++) {
      // Opened twice: the first leaves it as a store that was closed in order.
      for (int open = 0; open < 2; open++) {
        try (RocksDbJournal copy = RocksDbJournal.open(copies.get(i), Durability.FSYNC)) {
          assertThat(heads(copy, before)).isEqualTo(old);
          List<Head> there = heads(copy, meanwhile);
          assertThat(there.size()).isBetween(least.get(i), all.size());
          assertThat(there).isEqualTo(all.subList(0, there.size()));
          assertThat(copy.lookup(deleted.id())).isNull();
          assertThat(copy.find(before, "k-7")).isEqualTo(9);
          Entries.append(copy, before, new JournalEntry.Finished(Entries.AT));
          Entries.append(copy, before, new JournalEntry.Rewound(Entries.AT, 1_000, null));
          old = heads(copy, before);
        }
      }
      old = old.subList(0, 21);
    }
  }

  @Test
  void aCopyLivesOnWhenTheStoreIsGone() throws Exception {
    RunKey run = Entries.run("run");
    Path state = temporary.resolve("state");
    List<Head> heads;
    try (RocksDbJournal journal = RocksDbJournal.open(state, Durability.FSYNC)) {
      Entries.append(journal, run, Entries.created());
      Entries.append(journal, run, Entries.batch(new Random(1), null, 0, 512, 16));
      journal.copyTo(temporary.resolve("copy"));
      heads = heads(journal, run);
      for (int i = 1; i < 50; i++) {
        Entries.append(journal, run, Entries.batch(new Random(i), null, i, 512, 16));
      }
    }
    try (Stream<Path> files = Files.walk(state)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.delete(file);
      }
    }

    try (RocksDbJournal copy = RocksDbJournal.open(temporary.resolve("copy"), Durability.FSYNC)) {
      assertThat(heads(copy, run)).isEqualTo(heads);
    }
  }

  @Test
  void aCopyThatLostAFileOfKeysOrItsListIsRefused() throws Exception {
    RunKey run = Entries.run("run");
    Path copy = temporary.resolve("copy");
    try (RocksDbJournal journal =
        RocksDbJournal.open(temporary.resolve("state"), Durability.FSYNC)) {
      Entries.append(journal, run, Entries.created());
      for (int i = 0; i < 50; i++) {
        Entries.append(journal, run, Entries.batch(new Random(i), null, i, 64, 16));
      }
      journal.copyTo(copy);
    }
    List<Path> files;
    try (Stream<Path> content = Files.list(copy.resolve("journal"))) {
      files =
          content.filter(f -> f.toString().matches(".*\\.sst|.*/(MANIFEST.*|CURRENT)")).toList();
    }
    assertThat(files).hasSizeGreaterThan(3);
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      assertThat(catchThrowable(() -> RocksDbJournal.open(copy, Durability.FSYNC).close()))
          .as(file.toString())
          .isInstanceOf(JournalException.class);
      Files.write(file, bytes);
    }
  }

  @Test
  void aCopyThatCannotBeWrittenLeavesTheStoreAsItIs() throws Exception {
    RunKey run = Entries.run("run");
    Path there = Files.createDirectory(temporary.resolve("there"));
    try (RocksDbJournal journal =
        RocksDbJournal.open(temporary.resolve("state"), Durability.FSYNC)) {
      Entries.append(journal, run, Entries.created());
      assertThatThrownBy(() -> journal.copyTo(there)).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> journal.copyTo(temporary.resolve("absent/copy")))
          .isInstanceOf(IOException.class);
      journal.check();
      Entries.append(journal, run, Entries.batch("k", 0, 0));
      assertThat(heads(journal, run)).hasSize(2);
    }
    assertThat(there).isEmptyDirectory();
  }
}
