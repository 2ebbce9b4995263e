package resure.replay;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.run.Scored;

/** One pass over the recorded batches, as many at a time as fit in the budget. */
final class Windows {

  /** The next recorded batches; empty at the end. */
  interface Chunks {
    List<Scored> next() throws JournalException;
  }

  private final Survey survey;
  private final Labels labels;
  private final Chunks recorded;
  private final long bytes;
  private final int columns;
  private final int rankings;
  private final Deque<Scored> read = new ArrayDeque<>();
  private long batches;
  private long losses;

  Windows(Survey survey, Labels labels, Chunks recorded, long bytes, int columns, int rankings) {
    this.survey = survey;
    this.labels = labels;
    this.recorded = recorded;
    this.bytes = bytes;
    this.columns = columns;
    this.rankings = rankings;
  }

  /** What is in memory already. */
  static Chunks once(List<Scored> everything) {
    Iterator<List<Scored>> whole = List.of(everything).iterator();
    return () -> whole.hasNext() ? whole.next() : List.of();
  }

  /** The next window, of at least one batch; empty at the end. */
  List<Recorded> next() throws JournalException {
    List<Recorded> window = new ArrayList<>();
    long used = 0;
    for (Scored scored = peek(); scored != null; scored = peek()) {
      used += Budget.ofBatch(scored.batch(), columns, rankings);
      if (used > bytes && !window.isEmpty()) {
        return window;
      }
      window.add(Recorded.of(scored, survey.sources(), survey.sample(), labels));
      read.remove();
      batches++;
      losses += scored.batch().size();
    }
    if (batches != survey.batches() || losses != survey.losses()) {
      throw new ChangedRecordsException();
    }
    return window;
  }

  private @Nullable Scored peek() throws JournalException {
    if (read.isEmpty()) {
      read.addAll(recorded.next());
    }
    return read.peek();
  }
}
