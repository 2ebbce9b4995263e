package resure.journal.rocksdb;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.OutcomeUnknownException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/** The victim of {@link FailingDiskTest}: appends, makes the disk fail, goes on, and recovers. */
final class AppendUntilTheDiskFails {

  private static final int ACKNOWLEDGED = 30;

  private final RunKey run = Entries.run("victim");
  private Head head = Head.NONE;
  private final RocksDbJournal journal;

  private AppendUntilTheDiskFails(RocksDbJournal journal) {
    this.journal = journal;
  }

  /** Arguments: directory, durability, trigger file, what to put into it. */
  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    Durability durability = Durability.valueOf(arguments[1]);
    RocksDbJournal journal = RocksDbJournal.open(directory, durability);
    AppendUntilTheDiskFails victim = new AppendUntilTheDiskFails(journal);
    int recovered = victim.go(Path.of(arguments[2]), arguments[3]);
    journal.close();
    try (RocksDbJournal again = RocksDbJournal.open(directory, durability)) {
      victim.requireWhole(again, recovered, recovered);
    }
    System.out.println("recovered " + recovered);
  }

  private JournalEntry entry(long sequence) {
    return sequence == 1
        ? Entries.created()
        : Entries.batch(new Random(sequence), "key-" + sequence, sequence, 32, 16);
  }

  private void append(long sequence) throws JournalException {
    head =
        Objects.requireNonNull(
            journal.append(List.of(new Append(run, head, List.of(entry(sequence))))).get(run),
            "conflict");
  }

  private int go(Path trigger, String failure) throws Exception {
    for (int sequence = 1; sequence <= ACKNOWLEDGED; sequence++) {
      append(sequence);
    }
    Files.writeString(trigger, failure);
    requireFailure(OutcomeUnknownException.class, () -> appended(ACKNOWLEDGED + 1));
    requireFailure(JournalUnavailableException.class, () -> appended(ACKNOWLEDGED + 1));
    requireFailure(JournalUnavailableException.class, () -> journal.read(run, 1, 1));
    for (int i = 0; i < 2; i++) {
      requireFailure(JournalException.class, this::checked);
      requireFailure(JournalUnavailableException.class, () -> appended(ACKNOWLEDGED + 1));
    }
    Files.delete(trigger);
    journal.check();
    head = Objects.requireNonNull(journal.head(run));
    int there = requireWhole(journal, ACKNOWLEDGED, ACKNOWLEDGED + 1);
    append(there + 1);
    return requireWhole(journal, there + 1, there + 1);
  }

  private Void appended(long sequence) throws JournalException {
    append(sequence);
    return null;
  }

  private Void checked() throws JournalException {
    journal.check();
    return null;
  }

  private int requireWhole(RocksDbJournal from, int least, int most) throws JournalException {
    List<StoredEntry> stored = from.read(run, 1, Integer.MAX_VALUE);
    if (stored.size() < least || stored.size() > most) {
      throw new AssertionError(
          "%d entries in place of %d to %d".formatted(stored.size(), least, most));
    }
    for (StoredEntry entry : stored) {
      Entries.assertSame(entry.entry(), entry(entry.sequence()));
      if (entry.sequence() > 1 && from.find(run, "key-" + entry.sequence()) != entry.sequence()) {
        throw new AssertionError("key of " + entry.sequence() + " is lost");
      }
    }
    return stored.size();
  }

  private static void requireFailure(Class<? extends Exception> expected, Callable<?> call) {
    try {
      Object result = call.call();
      throw new AssertionError("no failure, but " + result);
    } catch (Exception e) {
      if (!expected.isInstance(e)) {
        throw new AssertionError("not " + expected, e);
      }
      System.out.println("as expected: " + e);
    }
  }
}
