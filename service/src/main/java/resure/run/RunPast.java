package resure.run;

import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.RowsMark;

/** Tells again, from the journal, what happened to one run. Blocking; one thread at a time. */
public interface RunPast {

  /** Of rows that are empty: everything is to be told. */
  RowsMark NOTHING = new RowsMark(Head.NONE, -1, 0);

  /** How it ends. */
  enum End {
    /** At the end of the journal. */
    REACHED,
    /** Before it, since what was told before is {@link #stale} by what is known now. */
    STALE,
    /** The run is gone. */
    GONE,
    /** The listener wanted no more. */
    STOPPED
  }

  /** Who is told. */
  interface Listener extends RunEvents {

    /**
     * May take its time for what it was told up to {@link #reached}.
     *
     * @return whether to go on
     */
    boolean pause() throws JournalException;
  }

  /**
   * Whether rows that are written up to there hold what a rewind has removed, or what the journal
   * never held, by what is known.
   */
  boolean stale(RowsMark mark);

  /**
   * Tells what came after a mark that is not stale, and perhaps some of what came before.
   *
   * @param mark up to where it was told before, or {@link #NOTHING}
   */
  End retell(RowsMark mark, Listener to) throws JournalException;
}
