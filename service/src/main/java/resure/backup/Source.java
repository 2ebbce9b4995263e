package resure.backup;

import java.io.IOException;
import java.nio.file.Path;

/** What is backed up. */
public interface Source {

  /** Tells its backups from those of others in the same directory: letters and digits. */
  String id();

  /**
   * Writes a backup and makes sure that it can be restored. Blocking.
   *
   * @param directory absent; left behind in any state when this throws
   */
  void backUp(Path directory) throws IOException;
}
