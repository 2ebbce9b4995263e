package resure.projection;

import java.util.List;
import resure.drift.DriftEvent;
import resure.journal.CorruptJournalException;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RowKind;
import resure.projection.HistoryFormat.Extent;
import resure.run.FoldedStep;
import resure.run.RunEvent;

/**
 * The rows of a history: one a folded step, and one of the next level for each eight of a level, so
 * that any stretch of any run is read with a bounded number of rows and none of its peaks is lost.
 * A row is written once, when what it is of is whole; what is not, at the end, is read from the
 * levels below.
 */
public final class History implements Projection {

  @Override
  public void project(List<RunEvent> events, RowsEdit rows) throws JournalException {
    Extent extent = HistoryFormat.extent(rows.get(RowKind.HISTORY, HistoryFormat.extentKey()));
    Extent before = extent;
    for (RunEvent event : events) {
      switch (event) {
        case RunEvent.Folded folded -> extent = fold(folded.step(), extent, rows);
        case RunEvent.Other other -> mark(other, extent, rows);
        case RunEvent.Batch _ -> {}
      }
    }
    if (!extent.equals(before)) {
      rows.put(RowKind.HISTORY, HistoryFormat.extentKey(), HistoryFormat.extent(extent));
    }
  }

  private static Extent fold(FoldedStep step, Extent extent, RowsEdit rows)
      throws JournalException {
    long at = Math.max(step.step(), extent.last());
    rows.put(
        RowKind.HISTORY,
        HistoryFormat.key(0, extent.folded()),
        HistoryFormat.row(HistoryBucket.of(step, at), 0));
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
    long folded = extent.folded() + 1;
    long index = folded;
    for (int level = 1; index % HistoryFormat.FANOUT == 0; level++) {
      index /= HistoryFormat.FANOUT;
      rows.put(
          RowKind.HISTORY,
          HistoryFormat.key(level, index - 1),
          HistoryFormat.row(children(level, index - 1, rows), level));
    }
    return new Extent(folded, at);
  }

  private static HistoryBucket children(int level, long index, RowsEdit rows)
      throws JournalException {
    HistoryBucket all = new HistoryBucket();
    HistoryBucket child = new HistoryBucket();
    for (int i = 0; i < HistoryFormat.FANOUT; i++) {
      byte[] content =
          rows.get(RowKind.HISTORY, HistoryFormat.key(level - 1, index * HistoryFormat.FANOUT + i));
      if (content == null) {
        throw new CorruptJournalException("a row of a history is missing");
      }
      HistoryFormat.read(content, level - 1, child);
      all.add(child);
    }
    return all;
  }

  private static void mark(RunEvent.Other other, Extent extent, RowsEdit rows) {
    switch (other.entry()) {
      case JournalEntry.Rewound rewound ->
          mark(other.sequence(), extent, HistoryMark.Kind.REWOUND, rewound.nextStep(), rows);
      case JournalEntry.Finished _ ->
          mark(
              other.sequence(),
              extent,
              HistoryMark.Kind.FINISHED,
              Math.max(0, extent.last()),
              rows);
      case JournalEntry.Evaluated _,
          JournalEntry.Trimmed _,
          JournalEntry.Batch _,
          JournalEntry.Created _,
          JournalEntry.Deleted _ -> {}
    }
  }

  private static void mark(
      long sequence, Extent extent, HistoryMark.Kind kind, long step, RowsEdit rows) {
    rows.put(
        RowKind.HISTORY,
        HistoryFormat.markKey(sequence, extent.folded(), 0, kind),
        HistoryFormat.mark(step, Double.NaN));
  }
}
