package resure;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Says whether the service would start with these properties, as far as they tell. */
@Command(
    name = "check-config",
    header = "Checks the properties and the token file, and starts nothing.",
    description =
        "Reads properties and environment variables as the service does. Exit status 0 when they"
            + " are valid, 2 when not: each fault is named with what would be valid.")
final class CheckConfigCommand implements Callable<Integer> {

  private final Commands commands;
  private final List<String> properties;

  CheckConfigCommand(Commands commands, List<String> properties) {
    this.commands = commands;
    this.properties = properties;
  }

  @Override
  public Integer call() {
    return commands.checkConfiguration(properties);
  }
}
