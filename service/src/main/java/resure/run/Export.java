package resure.run;

import java.util.ArrayList;
import java.util.List;
import resure.compute.Compute;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.observation.ObservationBatch;
import resure.weighting.Configuration;

/**
 * The recorded batches of a run as they stood at one sequence, in that order. Reading is blocking
 * and in pieces, so that a slow reader holds nothing open.
 */
public final class Export {

  private static final int CHUNK_BYTES = 1 << 18;

  private final Journal journal;
  private final RunKey run;
  private final JournalEntry.Created created;
  private final long last;
  private final Rewinds rewinds;
  private final WholeFrom wholeFrom;
  private final long fromStep;
  private final long toStep;
  private long next;

  Export(Journal journal, Run run, long fromStep, long toStep) {
    this.journal = journal;
    this.run = run.key();
    this.created = run.created();
    this.last = run.sequence();
    this.rewinds = run.rewinds().copy();
    this.wholeFrom = run.wholeFrom();
    this.next = wholeFrom.sequence();
    this.fromStep = fromStep;
    this.toStep = toStep;
  }

  private Export(Export other, long last) {
    this.last = last;
    journal = other.journal;
    run = other.run;
    created = other.created;
    rewinds = other.rewinds;
    wholeFrom = other.wholeFrom;
    next = wholeFrom.sequence();
    fromStep = other.fromStep;
    toStep = other.toStep;
  }

  /** The run's sequence that these are of. */
  public long sequence() {
    return last;
  }

  /** Where they begin: what was dropped before is not in them, nor what is left of its steps. */
  public WholeFrom wholeFrom() {
    return wholeFrom;
  }

  /** The same batches once more, from the first. */
  public Export again() {
    return new Export(this, last);
  }

  /**
   * The batches of these up to a sequence, from the first. They are those that stood at that
   * sequence, unless a rewind since then has removed some of them.
   */
  public Export upTo(long sequence) {
    return new Export(this, Math.min(sequence, last));
  }

  /**
   * What folds these batches as if the run had been created with another configuration.
   *
   * @param compute for this alone; closed with it
   */
  public Refolding refolding(Configuration configuration, Compute compute) {
    return new Refolding(run, created, configuration, compute);
  }

  /**
   * The next batches that stand, as {@link Scored}; empty at the end.
   *
   * @throws DroppedException when they were dropped since the first of these were read
   */
  public List<Scored> next() throws JournalException {
    List<Scored> found = new ArrayList<>();
    while (found.isEmpty() && next <= last) {
      List<StoredEntry> chunk = journal.read(run, next, CHUNK_BYTES);
      if (chunk.isEmpty()) {
        // Deleted meanwhile.
        next = last + 1;
      }
      for (StoredEntry stored : chunk) {
        if (stored.sequence() != next) {
          throw new DroppedException();
        }
        next = stored.sequence() + 1;
        if (stored.sequence() <= last
            && stored.entry() instanceof JournalEntry.Batch batch
            && wanted(stored.sequence(), batch.batch().step())) {
          found.add(new Scored(stored.sequence(), batch.batch(), batch.weights(), false));
        }
      }
    }
    return found;
  }

  private boolean wanted(long sequence, long step) {
    return step >= fromStep
        && step <= toStep
        && (step == ObservationBatch.NO_STEP || step >= wholeFrom.step())
        && !rewinds.removed(sequence, step);
  }
}
