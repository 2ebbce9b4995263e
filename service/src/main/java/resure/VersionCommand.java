package resure;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Says which release this is. */
@Command(name = "version", header = "Says which release this is.")
final class VersionCommand implements Runnable {

  private final Consumer<String> results;

  VersionCommand(Consumer<String> results) {
    this.results = results;
  }

  @Override
  public void run() {
    // Of the packaged jar's manifest.
    @Nullable String version = ResureService.class.getPackage().getImplementationVersion();
    results.accept(version == null ? "unpackaged" : version);
  }
}
