package resure.run;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.observation.Retention;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/**
 * Folds the recorded batches of a run once more, as if it had been created with another
 * configuration. A run of its own that nobody else knows: {@link Run#apply} decides here, too, what
 * is late, what is frozen, and what is folded. One owner thread at a time.
 */
public final class Refolding implements AutoCloseable {

  private final Compute compute;
  private final Run run;
  private @Nullable Reference last;
  private MomentsTable triples = new MomentsTable();

  Refolding(
      RunKey key, JournalEntry.Created recorded, Configuration configuration, Compute compute) {
    this.compute = compute;
    Start start = recorded.start();
    JournalEntry.Created created =
        new JournalEntry.Created(
            recorded.at(),
            configuration,
            recorded.labels(),
            start == null ? null : inherited(start, configuration),
            Retention.ALL);
    run = Run.created(key, created, new Head(1, 0), compute);
    run.keepStatisticsOnly();
  }

  /** What was recorded of the other run, pooled where this configuration has fewer slots. */
  private static Start inherited(Start start, Configuration configuration) {
    return new Start(
        start.asked(),
        start.step(),
        start.triples().inherited(configuration.maxTurns(), start.asked().observations()));
  }

  /**
   * Applies the next batch that stands.
   *
   * @return what it was weighed against: not to be changed; the same object as the last time
   *     exactly when the reference is the same
   */
  public MomentsTable apply(Scored scored) {
    Weighing weighing = run.weighing(scored.batch());
    if (!weighing.reference().equals(last)) {
      last = weighing.reference();
      triples = last.triples();
    }
    JournalEntry.Batch entry =
        new JournalEntry.Batch(run.created().at(), null, scored.batch(), scored.weights());
    if (scored.sequence() > run.sequence() + 1) {
      // Between them stood what changes no statistics, or what a rewind removed.
      run.skip(scored.sequence() - 1, entry);
    }
    run.apply(scored.sequence(), entry);
    return triples;
  }

  /** The sources that the run keeps apart, in its order, once everything is folded. */
  public List<@Nullable String> sources() {
    return run.statistics().totals().sources().keySet().stream().toList();
  }

  @Override
  public void close() {
    run.release();
    compute.close();
  }
}
