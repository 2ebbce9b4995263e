package resure.journal;

import java.util.List;
import java.util.Map;

/** That nobody else appends to one run. One thread at a time. */
public interface Exclusive extends AutoCloseable {

  /** What {@link Journal#read} gives from where it was asked for, since others were kept away. */
  List<StoredEntry> tail();

  /** Appends to the run as {@link Journal#append} does, and may conflict as that does; once. */
  Map<RunKey, Head> append(Append append) throws JournalException;

  /** Lets others in. */
  @Override
  void close();

  /** Keeps nobody away. */
  static Exclusive without(Journal journal, List<StoredEntry> tail) {
    return new Exclusive() {
      @Override
      public List<StoredEntry> tail() {
        return tail;
      }

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
