package resure.projection;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.drift.DriftEvent;
import resure.journal.CorruptJournalException;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.projection.HistoryFormat.Extent;
import resure.run.FoldedStep;
import resure.run.RunEvent;

/**
 * The rows of a history: of level 0 one for eight folded steps, of each next level one for each
 * eight of the one before, so that any stretch of any run is read with a bounded number of rows and
 * none of its peaks is lost. A row above level 0 is written once, when what it is of is whole; what
 * is not, at the end, is read from the levels below.
 */
public final class History implements Projection {

  @Override
  public void project(List<RunEvent> events, RowsEdit rows) throws JournalException {
    Growing history = new Growing(rows);
    for (RunEvent event : events) {
      switch (event) {
        case RunEvent.Folded folded -> history.add(folded.step());
        case RunEvent.Other other -> history.mark(other);
        case RunEvent.Batch _ -> {}
      }
    }
    history.end();
  }

  /** A run's history while steps are added to it. */
  private static final class Growing {
    private final RowsEdit rows;
    private final Extent before;
    private Extent extent;

    /** The last row of level 0, while it is not whole; null as long as nothing was added. */
    private @Nullable RowOutput last;

    /** What is in it. */
    private final HistoryBucket ofLast = new HistoryBucket();

    private final HistoryBucket scratch = new HistoryBucket();

    Growing(RowsEdit rows) throws JournalException {
      this.rows = rows;
      before = HistoryFormat.extent(rows.get(RowKind.HISTORY, HistoryFormat.extentKey()));
      extent = before;
    }

    void add(FoldedStep step) throws JournalException {
      long at = Math.max(step.step(), extent.last());
      for (DriftEvent noticed : step.events()) {
        HistoryMark.Kind kind =
            switch (noticed.kind()) {
              case WARNING -> HistoryMark.Kind.WARNING;
              case ALARM -> HistoryMark.Kind.ALARM;
            };
        rows.put(
            RowKind.HISTORY,
            HistoryFormat.markKey(step.sequence(), extent.folded(), noticed.slot(), kind),
            HistoryFormat.mark(step.step(), noticed.drift()));
      }
      RowOutput row = last();
      scratch.set(step, at);
      HistoryFormat.addStep(row, scratch);
      ofLast.add(scratch);
      extent = new Extent(extent.folded() + 1, at);
      if (extent.folded() % HistoryFormat.FANOUT == 0) {
        complete(row);
      }
    }

    private RowOutput last() throws JournalException {
      RowOutput row = last;
      if (row == null) {
        row = new RowOutput(4096);
        last = row;
        if (extent.folded() % HistoryFormat.FANOUT == 0) {
          HistoryFormat.begin(row);
        } else {
          byte[] content = row(0, extent.folded() / HistoryFormat.FANOUT);
          HistoryFormat.resume(row, content);
          HistoryFormat.Steps steps = new HistoryFormat.Steps(content);
          while (steps.next(scratch)) {
            ofLast.add(scratch);
          }
        }
      }
      return row;
    }

    private byte[] row(int level, long index) throws JournalException {
      byte[] content = rows.get(RowKind.HISTORY, HistoryFormat.key(level, index));
      if (content == null) {
        throw new CorruptJournalException("a row of a history is missing");
      }
      return content;
    }

    /** Writes the rows that end with the last step. */
    private void complete(RowOutput row) throws JournalException {
      long index = extent.folded() / HistoryFormat.FANOUT;
      rows.put(RowKind.HISTORY, HistoryFormat.key(0, index - 1), row.written());
      HistoryFormat.begin(row);
      put(1, index - 1, ofLast);
      ofLast.clear();
      for (int level = 2; index % HistoryFormat.FANOUT == 0; level++) {
        index /= HistoryFormat.FANOUT;
        put(level, index - 1, children(level, index - 1));
      }
    }

    private void put(int level, long index, HistoryBucket bucket) {
      rows.put(RowKind.HISTORY, HistoryFormat.key(level, index), HistoryFormat.row(bucket, level));
    }

    private HistoryBucket children(int level, long index) throws JournalException {
      HistoryBucket all = new HistoryBucket();
      for (int i = 0; i < HistoryFormat.FANOUT; i++) {
        HistoryFormat.read(row(level - 1, index * HistoryFormat.FANOUT + i), level - 1, scratch);
        all.add(scratch);
      }
      return all;
    }

    void mark(RunEvent.Other other) {
      switch (other.entry()) {
        case JournalEntry.Rewound rewound ->
            mark(other.sequence(), HistoryMark.Kind.REWOUND, rewound.nextStep());
        case JournalEntry.Finished _ ->
            mark(other.sequence(), HistoryMark.Kind.FINISHED, Math.max(0, extent.last()));
        case JournalEntry.Evaluated _,
            JournalEntry.Trimmed _,
            JournalEntry.Batch _,
            JournalEntry.Created _,
            JournalEntry.Deleted _ -> {}
      }
    }

    private void mark(long sequence, HistoryMark.Kind kind, long step) {
      rows.put(
          RowKind.HISTORY,
          HistoryFormat.markKey(sequence, extent.folded(), 0, kind),
          HistoryFormat.mark(step, Double.NaN));
    }

    /** Writes what is not whole yet, and how much there is. */
    void end() {
      if (last != null && extent.folded() % HistoryFormat.FANOUT != 0) {
        rows.put(
            RowKind.HISTORY,
            HistoryFormat.key(0, extent.folded() / HistoryFormat.FANOUT),
            last.written());
      }
      if (!extent.equals(before)) {
        rows.put(RowKind.HISTORY, HistoryFormat.extentKey(), HistoryFormat.extent(extent));
      }
    }
  }
}
