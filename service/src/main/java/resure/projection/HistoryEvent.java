package resure.projection;

/**
 * Something that those who watch a run are told: of the entries of its journal that make any, in
 * their order, and of those of one entry in a fixed one. Told again, it is the same.
 */
public sealed interface HistoryEvent {

  /** Where it stands. */
  Position position();

  /** A step was folded; the bucket is that of this step, and not to be changed. */
  record Step(Position position, HistoryBucket bucket) implements HistoryEvent {}

  /** Something else happened. */
  record Marked(Position position, HistoryMark mark) implements HistoryEvent {}

  /**
   * Where an event stands in all that may be told of a run.
   *
   * @param sequence of the entry with which it happened
   * @param index among the events of that entry, from 0
   */
  record Position(long sequence, int index) implements Comparable<Position> {

    /** After all events of an entry. */
    public static Position after(long sequence) {
      return new Position(sequence, Integer.MAX_VALUE);
    }

    @Override
    public int compareTo(Position other) {
      return sequence == other.sequence
          ? Integer.compare(index, other.index)
          : Long.compare(sequence, other.sequence);
    }
  }
}
