package resure.deploy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The repository's {@code docker-compose.yml}, as it is where no variable is set. */
public final class ComposeFile {

  private static final Pattern VARIABLE = Pattern.compile("\\$\\{\\w+:-([^}]*)}");

  private final Map<?, ?> content;

  private ComposeFile(Map<?, ?> content) {
    this.content = content;
  }

  /** Reads it. */
  public static ComposeFile read() {
    return new ComposeFile((Map<?, ?>) yaml("docker-compose.yml"));
  }

  /** What a YAML file of the repository says, every variable replaced by its default. */
  static Object yaml(String path) {
    return new Yaml(new SafeConstructor(new LoaderOptions()))
        .load(VARIABLE.matcher(text(path)).replaceAll("$1"));
  }

  /** A file of the repository. */
  static String text(String path) {
    try {
      return Files.readString(repository().resolve(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path repository() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("openapi/resure.yaml"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository");
  }

  Map<?, ?> content() {
    return content;
  }

  /** The services by name. */
  Map<String, Map<?, ?>> services() {
    Map<String, Map<?, ?>> services = new TreeMap<>();
    ((Map<?, ?>) content.get("services"))
        .forEach((name, service) -> services.put((String) name, (Map<?, ?>) service));
    return services;
  }

  /** What a service has under a key that holds a list; empty where it has not. */
  static List<?> list(Map<?, ?> service, String key) {
    return service.get(key) instanceof List<?> list ? list : List.of();
  }

  /** The variables that each service gets by this file, by the service's name. */
  public Map<String, Map<String, Object>> environments() {
    Map<String, Map<String, Object>> environments = new TreeMap<>();
    services()
        .forEach(
            (name, service) -> {
              Map<String, Object> variables = new TreeMap<>();
              if (service.get("environment") instanceof Map<?, ?> given) {
                given.forEach((variable, value) -> variables.put((String) variable, value));
              }
              environments.put(name, variables);
            });
    return environments;
  }
}
