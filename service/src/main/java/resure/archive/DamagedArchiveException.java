package resure.archive;

import java.io.IOException;

/** A file of an export is not what an export wrote, or not all of it. */
public final class DamagedArchiveException extends IOException {

  private static final long serialVersionUID = 1L;

  DamagedArchiveException(String message) {
    super(message);
  }

  DamagedArchiveException(String message, Throwable cause) {
    super(message, cause);
  }
}
