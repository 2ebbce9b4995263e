package resure.projection;

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

  /** What may happen; the order is that of the bytes and is never changed. */
  public enum Kind {
    /** A turn's loss seems to rise. */
    WARNING,
    /** A turn's loss has risen. */
    ALARM,
    /** Batches were forgotten. */
    REWOUND,
    /** The training is over. */
    FINISHED;

    /** Whether it is of a turn. */
    public boolean ofTurn() {
      return this == WARNING || this == ALARM;
    }
  }
}
