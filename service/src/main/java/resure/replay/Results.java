package resure.replay;

import java.util.List;
import resure.journal.CorruptJournalException;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;

/**
 * The results of a replay, best first, in pieces, so that a slow reader holds one of them. Reading
 * is blocking. One thread at a time.
 */
public final class Results {

  private final Journal journal;
  private final RunKey run;
  private final String replay;
  private final int pieces;
  private int piece;
  private int left;

  Results(Journal journal, RunKey run, ReplayFormat.Ended ended, int limit) {
    this.journal = journal;
    this.run = run;
    replay = ended.replay().id();
    pieces = ended.pieces();
    left = Math.min(limit, ended.results());
  }

  /**
   * The next ones; empty at the end.
   *
   * @throws CorruptJournalException also when the replay has been removed meanwhile
   */
  public List<Tried> next() throws JournalException {
    if (left == 0 || piece == pieces) {
      return List.of();
    }
    byte[] content = journal.content(Pieces.document(run, replay, piece++));
    if (content == null) {
      throw new CorruptJournalException("results of replay %s are missing".formatted(replay));
    }
    List<Tried> tried = ReplayFormat.tried(content);
    List<Tried> wanted = tried.subList(0, Math.min(left, tried.size()));
    left -= wanted.size();
    return wanted;
  }
}
