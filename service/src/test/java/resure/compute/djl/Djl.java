package resure.compute.djl;

import ai.djl.util.Utils;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
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

  /**
   * A folder with libtorch alone, as an installed one, for a service that does not bring it. DJL's
   * cache holds its own JNI library beside it, which would be found there and hide what a user
   * sees.
   */
  public static Path libtorch() {
    String version = onCpu().library().replace("PyTorch ", "");
    try (Stream<Path> folders = Files.list(Utils.getEngineCacheDir("pytorch"))) {
      Path cached =
          folders
              .filter(f -> f.getFileName().toString().matches(version + "-.*cpu-.*"))
              .filter(f -> Files.exists(f.resolve(System.mapLibraryName("torch"))))
              .findFirst()
              .orElseThrow();
      Path folder = Files.createTempDirectory("libtorch");
      folder.toFile().deleteOnExit();
      for (File library : Objects.requireNonNull(cached.toFile().listFiles())) {
        if (!library.getName().contains("djl_torch")) {
          Path link = Files.createSymbolicLink(folder.resolve(library.getName()), library.toPath());
          link.toFile().deleteOnExit();
        }
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
