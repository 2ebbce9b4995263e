package resure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import resure.access.Scope;
import resure.access.TokenSet;
import resure.observation.RunId;

/** Makes tokens for the file of {@code resure.access.tokens}. */
@Command(name = "token", header = "Makes tokens.")
final class TokenCommand implements Runnable {

  private final Consumer<String> secrets;
  private final Consumer<String> lines;

  @Spec
  @SuppressWarnings("NullAway.Init") // Set before a command runs.
  private CommandSpec spec;

  /**
   * Of a command line.
   *
   * @param secrets gets a token and nothing else, so that it can be handed on
   * @param lines gets what is said beside it
   */
  TokenCommand(Consumer<String> secrets, Consumer<String> lines) {
    this.secrets = secrets;
    this.lines = lines;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command: create");
  }

  @Command(
      name = "create",
      header = "Makes a token and shows it once.",
      description =
          "Writes the token to standard output, and adds the line that makes it valid, with a hash"
              + " in place of the secret, to a file; without one, the line is shown.")
  int create(
      @Option(
              names = "--tenant",
              defaultValue = RunId.DEFAULT_TENANT,
              description = "Whose runs it is for (default: ${DEFAULT-VALUE}).")
          String tenant,
      @Option(
              names = "--scopes",
              split = ",",
              required = true,
              description = "What it allows: some of read,write,admin,metrics.")
          String[] scopes,
      @Option(names = "--file", description = "The file to add it to; made if it is not there.")
          @Nullable Path file) {
    CommandLine line = spec.subcommands().get("create");
    if (!RunId.validName(tenant)) {
      throw new ParameterException(
          line, "A tenant's name must match [A-Za-z0-9][A-Za-z0-9._~-]{0,127}.");
    }
    Set<Scope> allowed = EnumSet.noneOf(Scope.class);
    for (String word : scopes) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        throw new ParameterException(
            line, "'%s' is no scope; there are read, write, admin, metrics.".formatted(word));
      }
      allowed.add(scope);
    }
    TokenSet.Created created = TokenSet.create(tenant, allowed);
    if (file == null) {
      lines.accept("The line for the file of resure.access.tokens:");
      lines.accept(created.line());
    } else {
      try {
        // A line of its own even after a last one that was left unended.
        String before = Files.exists(file) && !endsALine(file) ? "\n" : "";
        Files.writeString(
            file,
            before + created.line() + "\n",
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      } catch (IOException e) {
        lines.accept("No token was made: " + e);
        return Commands.FAILED;
      }
    }
    secrets.accept(created.secret());
    return Commands.DONE;
  }

  private static boolean endsALine(Path file) throws IOException {
    String text = Files.readString(file);
    return text.isEmpty() || text.endsWith("\n");
  }
}
