package resure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The formats of {@code docs/operating.md}, "Upgrades", are those of the code. Its last column says
 * which format the state directory, and which version the schema, was raised to with each: whoever
 * raises one finds here that the others are to be raised too, so that earlier releases refuse what
 * they would read only in parts.
 */
class FormatVersionsTest {

  private static final Path REPOSITORY = repository();
  private static final Pattern ROW =
      Pattern.compile("^\\| [^|]+ \\| `(\\w+)` \\| (\\d+) \\|", Pattern.MULTILINE);

  private static Path repository() {
    Path path = Path.of("").toAbsolutePath();
    while (!Files.exists(path.resolve("openapi/resure.yaml"))) {
      path = path.getParent();
    }
    return path;
  }

  @Test
  void areThoseOfTheManual() throws Exception {
    Map<String, Integer> written = new TreeMap<>();
    Matcher rows = ROW.matcher(Files.readString(REPOSITORY.resolve("docs/operating.md")));
    for (MatchResult row : rows.results().toList()) {
      written.put(row.group(1), Integer.parseInt(row.group(2)));
    }
    assertThat(written).isEqualTo(ofTheCode());
  }

  /** Classes that have a format, with its version. */
  private static Map<String, Integer> ofTheCode() throws Exception {
    Map<String, Integer> versions = new TreeMap<>();
    Path sources = REPOSITORY.resolve("service/src/main/java");
    List<Path> files;
    try (Stream<Path> all = Files.walk(sources)) {
      files =
          all.filter(file -> file.toString().endsWith(".java"))
              .filter(file -> declaresFormat(file))
              .toList();
    }
    for (Path file : files) {
      String name = sources.relativize(file).toString().replace(".java", "").replace('/', '.');
      Class<?> type = Class.forName(name);
      versions.put(type.getSimpleName(), version(type));
    }
    try (Stream<Path> migrations =
        Files.list(REPOSITORY.resolve("service/src/main/resources/resure/journal/postgres"))) {
      versions.put("Schema", Math.toIntExact(migrations.count()));
    }
    return versions;
  }

  private static boolean declaresFormat(Path file) {
    try {
      return Files.readString(file, UTF_8)
          .matches("(?s).* static final (int|byte|byte\\[\\]) (VERSION|FORMAT) = .*");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int version(Class<?> type) throws ReflectiveOperationException {
    Field field;
    try {
      field = type.getDeclaredField("VERSION");
    } catch (NoSuchFieldException e) {
      field = type.getDeclaredField("FORMAT");
    }
    field.setAccessible(true);
    Object value = field.get(null);
    return value instanceof byte[] bytes ? bytes[0] : ((Number) value).intValue();
  }
}
