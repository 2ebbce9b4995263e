package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.projection.DialogueFormat.Segment;

/**
 * Finds the least reliable dialogues of a run: goes through all there are and keeps those of the
 * page. Memory is bounded by the page; time grows with the number of dialogues.
 */
public final class DialogueRanking implements RowsLook<DialoguePage> {

  /** Times that segments may be merged while they are read. */
  private static final int MOST_TRIES = 10;

  /** Least reliable first, and of those that are as reliable by id. */
  private static final Comparator<Found> ORDER =
      Comparator.<Found>comparingDouble(found -> -found.unreliability)
          .thenComparing(found -> found.id, Arrays::compareUnsigned);

  private final RunKey run;
  private final DialogueQuery query;
  private final byte @Nullable [] source;
  private final @Nullable Found after;

  /** Of a run's dialogues those that are asked for. */
  public DialogueRanking(RunKey run, DialogueQuery query) {
    this.run = run;
    this.query = query;
    source = query.source() == null ? null : query.source().getBytes(UTF_8);
    DialogueQuery.Place place = query.after();
    after =
        place == null
            ? null
            : new Found(place.unreliability(), place.dialogue().getBytes(UTF_8), null);
  }

  /** A dialogue with its place in the order. */
  private static final class Found {
    final double unreliability;
    final byte[] id;
    final @Nullable DialogueReliability dialogue;

    Found(double unreliability, byte[] id, @Nullable DialogueReliability dialogue) {
      this.unreliability = unreliability;
      this.id = id;
      this.dialogue = dialogue;
    }
  }

  @Override
  public DialoguePage at(RunRows rows, @Nullable RowsMark mark) throws JournalException {
    for (int tries = 0; tries < MOST_TRIES; tries++) {
      try {
        return find(rows);
      } catch (MergedException e) {
        // What there is now is listed now.
      }
    }
    throw new JournalUnavailableException("dialogues are merged all the time");
  }

  /** A block was not there any more. */
  private static final class MergedException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private DialoguePage find(RunRows rows) throws JournalException {
    List<Segment> segments =
        DialogueFormat.list(rows.get(run, RowKind.DIALOGUES, DialogueFormat.listKey()));
    DialogueMerge merge =
        new DialogueMerge(segments, (segment, block) -> block(rows, segment, block));
    // The last of the page is on top; one more than that tells whether there is another page.
    PriorityQueue<Found> page = new PriorityQueue<>(Collections.reverseOrder(ORDER));
    DialogueSums sums = new DialogueSums();
    while (merge.next()) {
      merge.read(sums);
      if (isAskedFor(sums)) {
        double unreliability = unreliability(sums);
        Found found = new Found(unreliability, sums.id, null);
        if ((after == null || ORDER.compare(found, after) > 0)
            && (page.size() <= query.limit() || ORDER.compare(found, page.element()) < 0)) {
          page.add(new Found(unreliability, sums.id, describe(sums, unreliability)));
          if (page.size() > query.limit() + 1) {
            page.remove();
          }
        }
      }
    }
    List<DialogueReliability> dialogues = new ArrayList<>();
    boolean more = page.size() > query.limit();
    if (more) {
      page.remove();
    }
    while (!page.isEmpty()) {
      DialogueReliability dialogue = page.remove().dialogue;
      if (dialogue != null) {
        dialogues.add(dialogue);
      }
    }
    Collections.reverse(dialogues);
    return new DialoguePage(dialogues, more);
  }

  private byte[] block(RunRows rows, long segment, int block) throws JournalException {
    byte[] content = rows.get(run, RowKind.DIALOGUES, DialogueFormat.blockKey(segment, block));
    if (content == null) {
      throw new MergedException();
    }
    return content;
  }

  private boolean isAskedFor(DialogueSums sums) {
    Integer turn = query.turn();
    return (source == null || Arrays.equals(source, sums.source))
        && (turn == null || (turn < sums.slots && sums.usable[turn] + sums.unusable[turn] > 0));
  }

  private double unreliability(DialogueSums sums) {
    Integer turn = query.turn();
    long excess = 0;
    long rated = 0;
    long visits = 0;
    for (int slot = turn == null ? 0 : turn;
        slot < (turn == null ? sums.slots : turn + 1);
        slot++) {
      excess += sums.excess[slot] + DialogueReliability.BEYOND * sums.beyond[slot];
      rated += sums.rated[slot];
      visits = Math.max(visits, sums.rated[slot]);
    }
    return mean(excess, Math.max(1, rated))
        * (visits / (double) (visits + DialogueReliability.PRIOR));
  }

  private static DialogueReliability describe(DialogueSums sums, double unreliability) {
    List<DialogueReliability.Turn> turns = new ArrayList<>();
    long usable = 0;
    long unusable = 0;
    long rated = 0;
    long weight = 0;
    long excess = 0;
    for (int slot = 0; slot < sums.slots; slot++) {
      long observations = sums.usable[slot] + sums.unusable[slot];
      if (observations > 0) {
        turns.add(
            new DialogueReliability.Turn(
                slot,
                observations,
                sums.unusable[slot],
                mean(sums.loss[slot], sums.usable[slot]),
                mean(sums.weight[slot], sums.usable[slot]),
                mean(sums.excess[slot], sums.rated[slot])));
        usable += sums.usable[slot];
        unusable += sums.unusable[slot];
        rated += sums.rated[slot];
        weight += sums.weight[slot];
        excess += sums.excess[slot];
      }
    }
    byte[] source = sums.source;
    return new DialogueReliability(
        new String(sums.id, UTF_8),
        source == null ? null : new String(source, UTF_8),
        sums.visits,
        usable + unusable,
        unusable,
        mean(weight, usable),
        mean(excess, rated),
        unreliability,
        sums.lastStep,
        turns);
  }

  private static double mean(long sum, long count) {
    return count == 0 ? Double.NaN : sum / DialogueSums.SCALE / count;
  }
}
