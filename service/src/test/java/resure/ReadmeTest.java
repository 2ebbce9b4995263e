package resure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ReadmeTest {

  private static final String MARK = "<!-- compared with the code by a test -->";

  @Test
  void theTableOfPropertiesIsThatOfTheCode() throws IOException {
    List<String> expected = new ArrayList<>();
    expected.add("| property | default | valid | meaning |");
    expected.add("| --- | --- | --- | --- |");
    for (ResureProperties.Property<?> property : ResureProperties.ALL) {
      expected.add(
          "| `%s` | %s | %s | %s |"
              .formatted(
                  property.name(),
                  property.byDefault().isEmpty() ? "none" : "`" + property.byDefault() + "`",
                  property.valid(),
                  property.meaning()));
    }

    assertThat(table(Files.readAllLines(readme()))).isEqualTo(expected);
  }

  private static List<String> table(List<String> lines) {
    int start = lines.indexOf(MARK) + 1;
    assertThat(start).as("line of %s", MARK).isPositive();
    int end = start;
    while (end < lines.size() && !lines.get(end).isBlank()) {
      end++;
    }
    return lines.subList(start, end);
  }

  private static Path readme() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("openapi/resure.yaml"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository").resolve("README.md");
  }
}
