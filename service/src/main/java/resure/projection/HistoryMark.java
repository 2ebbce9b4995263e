package resure.projection;

import resure.journal.CorruptJournalException;

/**
 * Something that happened to a run at some point of its history.
 *
 * @param kind what
 * @param sequence of the entry with which it happened
 * @param folded how many folded steps the history has before it
 * @param step of a warning or alarm the step that raised it; of a rewind the one that is next; of
 *     the end the newest that was folded, 0 if there is none
 * @param slot of a warning or alarm the turn's slot, otherwise 0
 * @param drift of a warning or alarm the gauge at that moment, in standard deviations
 */
public record HistoryMark(
    Kind kind, long sequence, long folded, long step, int slot, double drift) {

  /** What may happen. */
  public enum Kind {
    /** A turn's loss seems to rise. */
    WARNING(0),
    /** A turn's loss has risen. */
    ALARM(1),
    /** Batches were forgotten. */
    REWOUND(2),
    /** The training is over. */
    FINISHED(3);

    /** What it is in a row's key, for ever. */
    final int code;

    Kind(int code) {
      this.code = code;
    }

    static Kind of(int code) throws CorruptJournalException {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      throw new CorruptJournalException("a mark of unknown kind " + code);
    }

    /** Whether it is of a turn. */
    public boolean ofTurn() {
      return this == WARNING || this == ALARM;
    }
  }
}
