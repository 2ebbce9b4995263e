package resure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import resure.archive.Progress;
import resure.compute.jvm.JvmCompute;
import resure.journal.CorruptJournalException;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.run.Verification;

/** Folds a store afresh and compares: see {@link Verification}. */
@Command(
    name = "verify",
    header = "Folds all runs of the store afresh, and compares every snapshot.",
    description =
        "Reads every entry of every run, checks that each follows the one before it, and compares"
            + " every snapshot with what the entries say. Changes nothing. No service may have the"
            + " store open: verify a backup that it has taken.")
final class VerifyCommand implements Callable<Integer> {

  private static final System.Logger LOG = System.getLogger(VerifyCommand.class.getName());
  private static final int NAMES_A_PAGE = 1000;
  private static final int PIECE_BYTES = 1 << 20;

  private final Commands commands;
  private final List<String> properties;

  @Parameters(
      paramLabel = "STATE",
      arity = "0..1",
      description = "The state directory, or a backup; without one, the store of the properties.")
  private @Nullable Path path;

  @Option(
      names = "--changes",
      description =
          "Also lists who created, rewound and finished each run, when, and what its retention"
              + " dropped, as far as its entries are left.")
  private boolean changes;

  VerifyCommand(Commands commands, List<String> properties) {
    this.commands = commands;
    this.properties = properties;
  }

  @Override
  public Integer call() {
    Path state = path;
    List<String> all =
        state == null
            ? properties
            : Stream.concat(
                    properties.stream(),
                    Stream.of("--" + ResureProperties.STATE_DIRECTORY.name() + "=" + state))
                .toList();
    return commands.move("verify", all, true, this::verify);
  }

  private void verify(Journal journal, Progress progress) throws JournalException {
    try (JvmCompute compute = new JvmCompute()) {
      Verification verification = new Verification(journal, compute);
      for (RunKey run : runs(journal)) {
        if (changes) {
          listChanges(journal, run);
        }
        Verification.Found found = verification.verify(run);
        found.faults().forEach(fault -> progress.fault(run, fault));
        progress.verified(found.entries(), found.snapshots());
      }
    }
  }

  private void listChanges(Journal journal, RunKey run) throws JournalException {
    try {
      List<StoredEntry> read = journal.read(run, 1, PIECE_BYTES);
      while (!read.isEmpty()) {
        for (StoredEntry stored : read) {
          String change = change(stored.entry());
          if (change != null) {
            String actor = stored.entry().actor();
            commands.result(
                "%s %s/%s %d: %s%s"
                    .formatted(
                        stored.entry().at(),
                        run.id().tenant(),
                        run.id().name(),
                        stored.sequence(),
                        change,
                        actor == null ? "" : ", by " + actor));
          }
        }
        read = journal.read(run, read.getLast().sequence() + 1, PIECE_BYTES);
      }
    } catch (CorruptJournalException e) {
      // Verifying the run says so, and goes on with the next.
      LOG.log(System.Logger.Level.DEBUG, "the changes of a run cannot be read on", e);
    }
  }

  private static @Nullable String change(JournalEntry entry) {
    return switch (entry) {
      case JournalEntry.Created _ -> "created";
      case JournalEntry.Rewound rewound -> "rewound to step " + rewound.nextStep();
      case JournalEntry.Finished _ -> "finished";
      case JournalEntry.Trimmed trimmed ->
          "entries before %d dropped".formatted(trimmed.firstSequence());
      case JournalEntry.Batch _, JournalEntry.Evaluated _, JournalEntry.Deleted _ -> null;
    };
  }

  private static List<RunKey> runs(Journal journal) throws JournalException {
    List<RunKey> runs = new ArrayList<>();
    for (String tenant : journal.tenants()) {
      String after = null;
      List<RunKey> page;
      do {
        page = journal.list(tenant, after, NAMES_A_PAGE);
        runs.addAll(page);
        after = page.isEmpty() ? null : page.getLast().id().name();
      } while (!page.isEmpty());
    }
    return runs;
  }
}
