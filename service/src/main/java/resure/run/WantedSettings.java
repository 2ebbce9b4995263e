package resure.run;

import org.jspecify.annotations.Nullable;

/** The settings that a client asks for: some of the fields, the others as they are. */
public interface WantedSettings {

  /** The whole settings of a new run: defaults where nothing was said. */
  RunSettings complete();

  /**
   * JSON pointer to the first field that was sent and differs in an existing run; null when all
   * agree.
   */
  @Nullable String conflict(RunSettings existing);
}
