package resure;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import resure.archive.Export;

/** Writes all runs of the store to a file or a directory: see {@link Export}. */
@Command(
    name = "export",
    header = "Writes all runs of the store to a directory or a file.",
    description =
        "Writes all runs of the store, whatever it is, to a directory, or to one file if its name"
            + " ends with .resure. Into a directory it goes on where it was interrupted, or where"
            + " the runs have grown since. No service may have the store open: export a backup that"
            + " it has taken.")
final class ExportCommand implements Callable<Integer> {

  private final Commands commands;
  private final List<String> properties;

  @Parameters(paramLabel = "TARGET", description = "The directory or file to write.")
  @SuppressWarnings("NullAway.Init") // Set before call.
  private Path path;

  ExportCommand(Commands commands, List<String> properties) {
    this.commands = commands;
    this.properties = properties;
  }

  @Override
  public Integer call() {
    return commands.move(
        "export", properties, true, (journal, progress) -> new Export(journal, progress).to(path));
  }
}
