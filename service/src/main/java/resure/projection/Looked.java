package resure.projection;

/**
 * What was found in the rows of a run, and how much of the run they say.
 *
 * @param <T> what was looked for
 * @param found it
 * @param sequence of the last entry that the rows hold, at least; 0 for none
 * @param progress from 0 to 1, which it is when they hold all that the run had when it was asked
 */
public record Looked<T>(T found, long sequence, double progress) {

  /** With the progress of rows on their way to a sequence that the run had. */
  Looked(T found, long sequence, long goal) {
    // A run that was only created has nothing to say.
    this(found, sequence, sequence >= goal || goal <= 1 ? 1 : sequence / (double) goal);
  }
}
