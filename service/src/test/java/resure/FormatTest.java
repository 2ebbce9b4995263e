package resure;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every Java file is as google-java-format writes it; {@code -Dformat=apply} makes it so. */
class FormatTest {

  @Test
  void everyJavaFileIsFormatted() throws IOException, FormatterException {
    Path root = repository();
    List<String> unformatted = new ArrayList<>();
    for (String module : List.of("core", "client-sdk", "service", "bench", "examples/djl")) {
      try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src"))) {
        for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          String source = Files.readString(file);
          String formatted = new Formatter().formatSourceAndFixImports(source);
          if (formatted.equals(source)) {
            continue;
          }
          if ("apply".equals(System.getProperty("format"))) {
            Files.writeString(file, formatted);
          } else {
            unformatted.add(root.relativize(file).toString());
          }
        }
      }
    }
    assertThat(unformatted)
        .as("not formatted; CONTRIBUTING.md has the command that does it")
        .isEmpty();
  }

  private static Path repository() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("openapi/resure.yaml"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository");
  }
}
