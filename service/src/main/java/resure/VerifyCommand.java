package resure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import resure.archive.Progress;
import resure.compute.jvm.JvmCompute;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
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

  private static final int NAMES_A_PAGE = 1000;

  private final Commands commands;
  private final List<String> properties;

  @Parameters(
      paramLabel = "STATE",
      arity = "0..1",
      description = "The state directory, or a backup; without one, the store of the properties.")
  private @Nullable Path path;

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
    return commands.move("verify", all, true, VerifyCommand::verify);
  }

  private static void verify(Journal journal, Progress progress) throws JournalException {
    try (JvmCompute compute = new JvmCompute()) {
      Verification verification = new Verification(journal, compute);
      for (RunKey run : runs(journal)) {
        Verification.Found found = verification.verify(run);
        found.faults().forEach(fault -> progress.fault(run, fault));
        progress.verified(found.entries(), found.snapshots());
      }
    }
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
