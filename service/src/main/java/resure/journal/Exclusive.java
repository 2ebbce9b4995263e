package resure.journal;

import java.util.List;
import java.util.Map;

/** That nobody else appends to one run. One thread at a time. */
public interface Exclusive extends AutoCloseable {

  /** Appends to the run as {@link Journal#append} does, and may conflict as that does. */
  Map<RunKey, Head> append(Append append) throws JournalException;

  /** Lets others in. */
  @Override
  void close();

  /** Keeps nobody away. */
  static Exclusive without(Journal journal) {
    return new Exclusive() {
      @Override
      public Map<RunKey, Head> append(Append append) throws JournalException {
        return journal.append(List.of(append));
      }

      @Override
      public void close() {
        // There is nobody to let in.
      }
    };
  }
}
