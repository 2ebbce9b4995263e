package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Integration tests run two classes at once. */
class TakingTurnsTest {

  @Test
  void thoseWithAServiceInTheirOwnProcessHaveItByThemselves() throws IOException {
    Path tests = Path.of("src", "test", "java", "resure", "contract");
    int found = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(tests, "*IT.java")) {
      for (Path file : files) {
        String source = Files.readString(file);
        if (source.contains("LiveService.")) {
          found++;
          assertThat(source).as("%s", file).contains("@ResourceLock(LiveService.IN_THIS_PROCESS)");
        }
      }
    }
    assertThat(found).isGreaterThan(1);
  }
}
