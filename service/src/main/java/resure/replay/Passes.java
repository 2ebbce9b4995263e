package resure.replay;

import resure.journal.JournalException;
import resure.run.Export;

/** Opens the recorded batches anew, for each pass over them; always the same ones. */
public interface Passes {

  /** From their beginning. */
  Export open() throws JournalException;
}
