package resure.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Entries;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/** Stores with something in them, and what is in a store. */
final class Stores {

  /** Documents that go with their run; not those of processes at work. */
  private static final Set<DocumentKind> MOVED =
      EnumSet.complementOf(EnumSet.of(DocumentKind.REPLAY_PROGRESS));

  private Stores() {}

  /** A new run of any tenant. */
  static RunKey create(Journal journal, String tenant, String name) throws JournalException {
    RunKey run = new RunKey(new RunId(tenant, name), Incarnation.next(Entries.AT.toEpochMilli()));
    Entries.append(journal, run, Entries.created());
    return run;
  }

  /** Fills a store with some runs of everything that there is; the same for the same seed. */
  static void fill(Journal journal, long seed, int runs, int entries) throws JournalException {
    Random random = new Random(seed);
    for (int i = 0; i < runs; i++) {
      String tenant = List.of("default", "z.9", "a").get(random.nextInt(3));
      RunKey run = create(journal, tenant, "run-" + i);
      grow(journal, run, random, entries);
      if (random.nextInt(5) == 0) {
        Entries.append(journal, run, new JournalEntry.Deleted(Entries.AT));
        if (random.nextBoolean()) {
          grow(journal, create(journal, tenant, "run-" + i), random, entries);
        }
      }
    }
  }

  /** Appends batches, rewinds that free their keys, and an end; keeps snapshots and documents. */
  static void grow(Journal journal, RunKey run, Random random, int entries)
      throws JournalException {
    Set<Long> standing = new HashSet<>();
    for (int i = 0; i < entries; i++) {
      long step = random.nextInt(entries);
      String key = "step-" + step;
      switch (random.nextInt(8)) {
        case 0 -> {
          Entries.append(
              journal,
              run,
              new JournalEntry.Rewound(Entries.AT, step, random.nextBoolean() ? "job" : null));
          standing.removeIf(other -> other >= step);
        }
        case 1 ->
            Entries.append(
                journal,
                run,
                random.nextBoolean()
                    ? new JournalEntry.Finished(Entries.AT)
                    : new JournalEntry.Evaluated(Entries.AT, step, "mt-bench", step / 8.0));
        case 2 -> Entries.append(journal, run, Entries.batch(random, null, step, 3, 4));
        case 3 ->
            journal.save(
                run,
                new Snapshot(
                    requireNonNull(journal.head(run)), ("state " + i).repeat(i).getBytes(UTF_8)));
        default -> {
          if (journal.find(run, key) == 0) {
            Entries.append(journal, run, Entries.batch(key, step, i));
          }
        }
      }
    }
    for (DocumentKind kind : DocumentKind.values()) {
      for (int i = random.nextInt(3); i > 0; i--) {
        String id = kind == DocumentKind.REPLAY_RUNNING ? "RUNNING-" + i : "ENDED-" + i;
        journal.keep(new Document(run, kind, id), (kind + id).repeat(i).getBytes(UTF_8));
      }
    }
  }

  /**
   * Adds runs that were trimmed, most of them more than once: one with a batch a step, the other
   * without steps, so that its keys last.
   */
  static void fillTrimmed(Journal journal, long seed, int entries) throws JournalException {
    Random random = new Random(seed);
    for (boolean steps : new boolean[] {true, false}) {
      RunKey run = create(journal, "default", steps ? "trimmed" : "trimmed-stepless");
      growAndTrim(journal, run, random, steps, entries);
      growAndTrim(journal, run, random, steps, entries);
    }
  }

  /** Appends batches and snapshots, and then trims the run at one of its snapshots. */
  static void growAndTrim(Journal journal, RunKey run, Random random, boolean steps, int entries)
      throws JournalException {
    for (int i = 0; i < entries; i++) {
      long sequence = requireNonNull(journal.head(run)).sequence() + 1;
      // Keys that were forgotten come again.
      String key = "k" + (steps ? sequence % (entries * 3L / 2) : sequence);
      boolean known = journal.find(run, key) != 0;
      Entries.append(journal, run, Entries.batch(known ? null : key, steps ? sequence : -1, i));
      if (i % 7 == 6) {
        journal.save(
            run, new Snapshot(requireNonNull(journal.head(run)), ("state " + i).getBytes(UTF_8)));
      }
    }
    long first = requireNonNull(journal.snapshot(run, Long.MAX_VALUE)).sequence();
    for (int back = random.nextInt(6); back > 0; back--) {
      Snapshot older = journal.snapshot(run, first - 1);
      first = older == null ? first : older.sequence();
    }
    Entries.append(journal, run, new JournalEntry.Trimmed(Entries.AT, first + 1, first));
  }

  /** Everything of a store in words, by run: two stores that say the same hold the same. */
  static Map<String, List<String>> content(Journal journal) throws JournalException {
    Map<String, List<String>> content = new TreeMap<>();
    for (String tenant : journal.tenants()) {
      for (RunKey run : journal.list(tenant, null, Integer.MAX_VALUE)) {
        content.put(tenant + "/" + run.id().name(), content(journal, run));
      }
    }
    return content;
  }

  /** The same without the snapshots. */
  static Map<String, List<String>> contentButSnapshots(Journal journal) throws JournalException {
    Map<String, List<String>> content = content(journal);
    content.values().forEach(words -> words.removeIf(word -> word.startsWith("snapshot ")));
    return content;
  }

  /** Everything of a run in words. */
  static List<String> content(Journal journal, RunKey run) throws JournalException {
    List<String> words = new ArrayList<>();
    words.add(run.incarnation().toString());
    Map<String, Long> keys = new LinkedHashMap<>();
    for (StoredEntry entry : journal.read(run, 1, Integer.MAX_VALUE)) {
      words.add(entry.head() + " " + hex(entry.bytes()));
      if (entry.entry() instanceof JournalEntry.Batch batch && batch.key() != null) {
        keys.put(batch.key(), journal.find(run, batch.key()));
      }
    }
    words.add("keys " + keys);
    words.add("lasting " + journal.lastingKeys(run, null, Integer.MAX_VALUE));
    Snapshot snapshot = journal.snapshot(run, Long.MAX_VALUE - 1);
    while (snapshot != null) {
      words.add("snapshot " + snapshot.head() + " " + new String(snapshot.state(), UTF_8));
      snapshot = journal.snapshot(run, snapshot.sequence() - 1);
    }
    for (DocumentKind kind : MOVED) {
      for (Document document : journal.documents(run, kind)) {
        words.add(kind + " " + document.id() + " " + hex(journal.content(document)));
      }
    }
    return words;
  }

  /** The entries of a run in words, in order. */
  static List<String> entries(Journal journal, RunKey run) throws JournalException {
    return journal.read(run, 1, Integer.MAX_VALUE).stream()
        .map(entry -> entry.head() + " " + hex(entry.bytes()))
        .toList();
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  /** Asserts that every run of a store has no entries but the first ones that another's has. */
  static void assertBeginsLike(Journal part, Journal whole) throws JournalException {
    for (String tenant : part.tenants()) {
      for (RunKey run : part.list(tenant, null, Integer.MAX_VALUE)) {
        List<String> there = entries(whole, run);
        List<String> here = entries(part, run);
        assertThat(here.size()).isLessThanOrEqualTo(there.size());
        assertThat(here).isEqualTo(there.subList(0, here.size()));
      }
    }
  }
}
