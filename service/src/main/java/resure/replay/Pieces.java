package resure.replay;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.weighting.Configuration;

/** How the results of a replay are cut into documents, best first, numbered from 0. */
final class Pieces {

  /**
   * Sums in a piece, about: some 33 bytes each. Small enough that keeping one does not hold up live
   * appends.
   */
  private static final int SUMS = 8192;

  private Pieces() {}

  static Document document(RunKey run, String replay, int piece) {
    return new Document(
        run,
        DocumentKind.REPLAY_RESULTS,
        "%s/%05d".formatted(replay, piece).toUpperCase(Locale.ROOT));
  }

  static List<Document> documents(RunKey run, String replay, int pieces) {
    return IntStream.range(0, pieces).mapToObj(piece -> document(run, replay, piece)).toList();
  }

  /** Cuts; each piece has at least one result. */
  static List<List<Tried>> cut(List<ReplayResult> ranked, List<Configuration> configurations) {
    List<List<Tried>> pieces = new ArrayList<>();
    List<Tried> piece = new ArrayList<>();
    int sums = 0;
    for (ReplayResult result : ranked) {
      // A configuration and what else there is of a result take as much as four sums.
      int more = 5 + result.turns().size() + result.sources().size();
      if (!piece.isEmpty() && sums + more > SUMS) {
        pieces.add(piece);
        piece = new ArrayList<>();
        sums = 0;
      }
      piece.add(new Tried(configurations.get(result.index()), result));
      sums += more;
    }
    if (!piece.isEmpty()) {
      pieces.add(piece);
    }
    return pieces;
  }

  /** Discards pieces from a number on that a replay which did not end has left. */
  static void discardLeft(Journal journal, RunKey run, String replay, int from)
      throws JournalException {
    List<Document> left = new ArrayList<>();
    Document next = document(run, replay, from);
    while (journal.content(next) != null) {
      left.add(next);
      next = document(run, replay, from + left.size());
    }
    journal.discard(left);
  }
}
