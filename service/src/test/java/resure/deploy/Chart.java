package resure.deploy;

import com.marcnuri.helm.DryRun;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.springframework.util.FileSystemUtils;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The repository's Helm chart, rendered by Helm's own engine as the release {@code resure}. */
public final class Chart {

  static final String FOLDER = "helm/resure";
  private static final String NAMESPACE = "ml";
  private static final String KUBERNETES = "1.34.0";
  private static final JsonMapper JSON = new JsonMapper();

  private Chart() {}

  /**
   * The objects that these values give, in YAML, without the one of {@code helm test}; throws an
   * IllegalStateException that says why when they are refused.
   */
  public static List<JsonNode> render(String values) {
    return render(ComposeFile.repository().resolve(FOLDER), values);
  }

  /** The same with what only {@code helm test} makes, which a template is rendered without. */
  static List<JsonNode> renderWithTests(String values) {
    Path copy = copy();
    try {
      Path test = copy.resolve("templates/tests/answers.yaml");
      // Helm shows nobody its hooks; with another annotation it is none.
      Files.writeString(
          test, Files.readString(test).replace("helm.sh/hook", "resure.example/hook"));
      return render(copy, values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(copy);
    }
  }

  private static List<JsonNode> render(Path chart, String values) {
    return withFile(
        values,
        file -> {
          String rendered =
              new Helm(chart)
                  .template()
                  .withName("resure")
                  .withNamespace(NAMESPACE)
                  .withKubeVersion(KUBERNETES)
                  .withValuesFile(file)
                  .call();
          List<JsonNode> objects = new ArrayList<>();
          for (Object document : yaml().loadAll(rendered)) {
            if (document != null) {
              objects.add(JSON.valueToTree(document));
            }
          }
          return objects;
        });
  }

  /** What an installer is told. */
  static String notes(String values) {
    return withFile(
        values,
        file ->
            new Helm(ComposeFile.repository().resolve(FOLDER))
                .install()
                .withName("resure")
                .withNamespace(NAMESPACE)
                .withKubeVersion(KUBERNETES)
                .clientOnly()
                .withDryRunOption(DryRun.CLIENT)
                .withValuesFile(file)
                .call()
                .getOutput());
  }

  /** What Helm finds in the chart where its defaults are those values. */
  static LintResult lint(String values) {
    Path copy = copy();
    try {
      Map<Object, Object> merged =
          merge(yaml().load(read(copy, "values.yaml")), yaml().load(values));
      Files.writeString(copy.resolve("values.yaml"), yaml().dump(merged));
      return new Helm(copy).lint().strict().call();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(copy);
    }
  }

  private static Map<Object, Object> merge(Map<?, ?> defaults, Map<?, ?> values) {
    Map<Object, Object> merged = new LinkedHashMap<>(defaults);
    values.forEach(
        (key, value) ->
            merged.put(
                key,
                value instanceof Map<?, ?> map && merged.get(key) instanceof Map<?, ?> inner
                    ? merge(inner, map)
                    : value));
    return merged;
  }

  private static Path copy() {
    try {
      Path copy = Files.createTempDirectory("chart").resolve("resure");
      FileSystemUtils.copyRecursively(ComposeFile.repository().resolve(FOLDER), copy);
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path copy) {
    FileSystemUtils.deleteRecursively(copy.getParent().toFile());
  }

  private static <T> T withFile(String values, Function<Path, T> use) {
    try {
      Path file = Files.createTempFile("values", ".yaml");
      try {
        Files.writeString(file, values);
        return use.apply(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path chart, String path) throws IOException {
    return Files.readString(chart.resolve(path));
  }

  static Yaml yaml() {
    return new Yaml(new SafeConstructor(new LoaderOptions()));
  }

  /** The values that a chart has by itself. */
  static JsonNode defaults() {
    return JSON.valueToTree(yaml().load(ComposeFile.text(FOLDER + "/values.yaml")));
  }

  /** What values may be. */
  public static JsonNode schema() {
    return JSON.readTree(ComposeFile.text(FOLDER + "/values.schema.json"));
  }

  /** The only one of a kind. */
  public static JsonNode only(List<JsonNode> objects, String kind) {
    List<JsonNode> found = all(objects, kind);
    if (found.size() != 1) {
      throw new AssertionError(found.size() + " of " + kind);
    }
    return found.getFirst();
  }

  static List<JsonNode> all(List<JsonNode> objects, String kind) {
    return objects.stream().filter(o -> o.get("kind").asString().equals(kind)).toList();
  }

  /** The pod of the service, of either kind of workload. */
  public static JsonNode pod(List<JsonNode> objects) {
    return objects.stream()
        .map(o -> o.at("/spec/template"))
        .filter(JsonNode::isObject)
        .findFirst()
        .orElseThrow();
  }

  /** The variables of its container; those that are of a secret have its key as their value. */
  public static Map<String, String> environment(JsonNode pod) {
    Map<String, String> variables = new TreeMap<>();
    for (JsonNode variable : pod.at("/spec/containers/0/env")) {
      JsonNode value = variable.has("value") ? variable.get("value") : variable.findValue("key");
      if (variables.put(variable.get("name").asString(), value.asString()) != null) {
        throw new AssertionError(variable + " twice");
      }
    }
    return variables;
  }
}
