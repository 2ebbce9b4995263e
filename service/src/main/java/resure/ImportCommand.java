package resure;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import resure.archive.Import;

/** Brings the runs of an export into the store: see {@link Import}. */
@Command(
    name = "import",
    header = "Brings the runs of an export into the store.",
    description =
        "Brings the runs of an export into the store, whatever it is. A run that is there is"
            + " continued if it is the same; another one of its name is left as it is, and named."
            + " Interrupted, it goes on where it stopped when it is called again.")
final class ImportCommand implements Callable<Integer> {

  private final Commands commands;
  private final List<String> properties;

  @Parameters(
      paramLabel = "SOURCE",
      description = "The directory or file that an export has written.")
  @SuppressWarnings("NullAway.Init") // Set before call.
  private Path path;

  ImportCommand(Commands commands, List<String> properties) {
    this.commands = commands;
    this.properties = properties;
  }

  @Override
  public Integer call() {
    return commands.move(
        "import",
        properties,
        false,
        (journal, progress) -> new Import(journal, progress).from(path));
  }
}
