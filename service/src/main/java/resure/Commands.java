package resure;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import resure.access.TokenFile;
import resure.archive.Progress;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.rocksdb.RocksDbJournal;

/**
 * What the jar does besides serving: a word and its arguments, beside the service's own properties
 * ({@code --name=value}) and environment variables. Exit status: 0 done, 1 failed, 2 not
 * understood.
 */
final class Commands {

  static final int DONE = 0;
  static final int FAILED = 1;
  static final int NOT_UNDERSTOOD = 2;

  /** What the jar does without any word, too. */
  static final String SERVE = "serve";

  private static final String GOES_ON =
      ". What was moved stays, and the same command goes on from it";

  /** What {@link #run} parses; its subcommands are what there is. */
  @Command(
      name = "java -jar resure-service.jar",
      synopsisSubcommandLabel = "[COMMAND]",
      footer =
          "Without a command, and with the word serve, it serves. The properties of README.md go"
              + " with every command, as --resure.state.directory=DIRECTORY does.")
  private static final class Words {}

  /** Nothing runs in it: it reads properties as the service does. */
  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  private final Consumer<String> results;
  private final Consumer<String> lines;

  /**
   * Of a command line.
   *
   * @param results gets what a command is asked for, and nothing else
   * @param lines gets what is said beside it
   */
  Commands(Consumer<String> results, Consumer<String> lines) {
    this.results = results;
    this.lines = lines;
  }

  /** Whether arguments have a word that is no option, other than the one that means to serve. */
  static boolean isOne(String[] arguments) {
    return Arrays.stream(arguments)
        .anyMatch(argument -> !argument.startsWith("-") && !argument.equals(SERVE));
  }

  /** Does what the arguments say, and gives the exit status. */
  int run(String[] arguments) {
    // A property's name has a dot; options of ours have none.
    List<String> properties = Stream.of(arguments).filter(Commands::isProperty).toList();
    String[] words =
        Stream.of(arguments).filter(argument -> !isProperty(argument)).toArray(String[]::new);
    CommandLine line = new CommandLine(new Words());
    line.addSubcommand(new ExportCommand(this, properties));
    line.addSubcommand(new ImportCommand(this, properties));
    line.addSubcommand(new VerifyCommand(this, properties));
    line.addSubcommand(new CheckConfigCommand(this, properties));
    line.addSubcommand(new TokenCommand(results, lines));
    line.addSubcommand(new VersionCommand(results));
    line.addSubcommand(new CommandLine.HelpCommand());
    line.setParameterExceptionHandler(
        (e, ignored) -> {
          lines.accept(e.getMessage());
          lines.accept(e.getCommandLine().getUsageMessage().strip());
          return NOT_UNDERSTOOD;
        });
    return line.execute(words);
  }

  private static boolean isProperty(String argument) {
    return argument.matches("--[^=]*\\..*");
  }

  /** Reads the properties as the service does, and starts nothing. */
  int checkConfiguration(List<String> properties) {
    try (ConfigurableApplicationContext context = environment(properties)) {
      ResureProperties read = ResureProperties.read(context.getEnvironment());
      Path tokens = read.tokens();
      if (tokens != null) {
        TokenFile.open(tokens, lines).close();
      }
      results.accept("The configuration is valid.");
      return DONE;
    } catch (InvalidPropertiesException e) {
      lines.accept(e.getMessage());
    } catch (IOException e) {
      lines.accept(ResureProperties.TOKENS.name() + " cannot be used: " + e.getMessage());
    }
    return NOT_UNDERSTOOD;
  }

  /** Says what was asked for. */
  void result(String line) {
    results.accept(line);
  }

  /** Reads from a store, or writes to it. */
  @FunctionalInterface
  interface Moving {
    void move(Journal journal, Progress progress) throws IOException;
  }

  /**
   * Opens the store as the service does and moves something out of it or into it.
   *
   * @param what begins every line that is said
   * @param mustExist whether a store that is not there is a fault; else it is initialised
   */
  int move(String what, List<String> properties, boolean mustExist, Moving moving) {
    try (ConfigurableApplicationContext context = environment(properties)) {
      return move(what, context.getEnvironment(), mustExist, moving);
    } catch (InvalidPropertiesException e) {
      lines.accept(e.getMessage());
      return NOT_UNDERSTOOD;
    }
  }

  private int move(
      String what, ConfigurableEnvironment environment, boolean mustExist, Moving moving) {
    ResureProperties properties = ResureProperties.read(environment);
    Progress progress = new Progress(what, lines, System::nanoTime);
    boolean embedded = properties.store() == StoreChoice.Store.ROCKSDB;
    if (mustExist && embedded && !RocksDbJournal.isIn(properties.stateDirectory())) {
      progress.say(
          "there is no store in %s. Name the one to read with --%s="
              .formatted(
                  properties.stateDirectory().toAbsolutePath().normalize(),
                  ResureProperties.STATE_DIRECTORY.name()));
      return FAILED;
    }
    Journal opened;
    try {
      opened = StoreChoice.open(properties, environment).journal();
    } catch (JournalException e) {
      progress.say(
          e.getMessage()
              + (mustExist && embedded
                  ? ". What a running service holds is moved from a backup that it has taken: see"
                      + " docs/operating.md"
                  : ""));
      return FAILED;
    }
    try (Journal journal = opened) {
      moving.move(journal, progress);
      progress.end();
      return progress.faults() == 0 ? DONE : FAILED;
    } catch (JournalException e) {
      progress.say(e.getMessage() + GOES_ON);
    } catch (FileSystemException e) {
      progress.say(e + GOES_ON);
    } catch (IOException e) {
      progress.say(String.valueOf(e.getMessage()));
    }
    return FAILED;
  }

  /** The environment of the service, in which nothing is started. */
  private static ConfigurableApplicationContext environment(List<String> properties) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setLogStartupInfo(false);
    application.setRegisterShutdownHook(false);
    return application.run(
        Stream.concat(properties.stream(), Stream.of("--spring.main.web-application-type=none"))
            .toArray(String[]::new));
  }
}
