package resure.compute.djl;

import ai.djl.util.Utils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import resure.compute.BackendUnavailableException;

/** The tensor backend for tests. */
public final class Djl {

  private Djl() {}

  /** On the processor, with the libtorch of the test class path. */
  public static DjlBackend onCpu() {
    try {
      return DjlBackend.open("cpu", null);
    } catch (BackendUnavailableException e) {
      throw new AssertionError("the tests bring libtorch with them", e);
    }
  }

  /** A folder with libtorch, for a service that does not bring it. */
  public static Path libtorch() {
    String version = onCpu().library().replace("PyTorch ", "");
    try (Stream<Path> folders = Files.list(Utils.getEngineCacheDir("pytorch"))) {
      return folders
          .filter(folder -> folder.getFileName().toString().matches(version + "-.*cpu-.*"))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
