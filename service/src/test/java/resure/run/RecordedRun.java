package resure.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.RawWeights;
import resure.compute.jvm.JvmCompute;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.InMemoryJournal;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.Weights;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** A live run with its journal, driven as a shard does it, one request after the other. */
public final class RecordedRun {

  private static final Instant AT = Entries.AT;

  final InMemoryJournal journal = new InMemoryJournal();
  final Compute compute = new JvmCompute();
  final RunKey key = Entries.run("sft-42");

  /** Every batch that stands, with its recorded weights, in order of sequence. */
  final List<JournalEntry.Batch> standing = new ArrayList<>();

  private final JournalEntry.Created created;
  private Run run;

  /** A new run. */
  public RecordedRun(Configuration configuration) throws JournalException {
    this(configuration, null);
  }

  /** A new run that begins with another's statistics. */
  public RecordedRun(Configuration configuration, @Nullable Start start) throws JournalException {
    this(configuration, start, Retention.ALL);
  }

  /** A new run that keeps some of its losses. */
  public RecordedRun(Configuration configuration, @Nullable Start start, Retention retention)
      throws JournalException {
    created = new JournalEntry.Created(AT, configuration, Map.of(), start, retention);
    run = Run.created(key, created, Entries.append(journal, key, created), compute);
  }

  Run run() {
    return run;
  }

  /** Name and incarnation. */
  public RunKey key() {
    return key;
  }

  /** Where all of it is recorded. */
  public Journal journal() {
    return journal;
  }

  /** What is said of it now. */
  public RunStatistics statistics() {
    return run.statistics();
  }

  /** Weighs, records and applies a batch. */
  public Weights score(ObservationBatch batch) throws JournalException {
    return score(null, batch).weights();
  }

  /** The same of a batch that has a key. */
  public Scored score(@Nullable String idempotencyKey, ObservationBatch batch)
      throws JournalException {
    RawWeights raw = compute.weigh(List.of(run.weighing(batch))).getFirst();
    return record(new JournalEntry.Batch(AT, idempotencyKey, batch, run.weights(batch, raw)));
  }

  /** Records and applies a batch whatever its weights. */
  public Scored record(JournalEntry.Batch entry) throws JournalException {
    apply(entry);
    standing.add(entry);
    return new Scored(run.sequence(), entry.batch(), entry.weights(), false);
  }

  /** Forgets steps, as a trainer asks for it. */
  public void rewind(long nextStep, @Nullable String attempt) throws JournalException {
    JournalEntry.Rewound entry = new JournalEntry.Rewound(AT, nextStep, attempt);
    Head head = Entries.append(journal, key, entry);
    standing.removeIf(batch -> batch.batch().step() >= nextStep);
    if (run.holds(nextStep)) {
      run = recovered();
    } else {
      run.apply(head.sequence(), entry);
      run.reached(head);
    }
  }

  /** Says that the training is over. */
  public void finish() throws JournalException {
    JournalEntry.Finished entry = new JournalEntry.Finished(AT);
    apply(entry);
  }

  private void apply(JournalEntry entry) throws JournalException {
    Head head = Entries.append(journal, key, entry);
    run.apply(head.sequence(), entry);
    run.reached(head);
  }

  /** Drops what can be; says whether anything could. */
  public boolean trim() throws JournalException {
    Trimming.Cut cut = new Trimming(journal, new JvmCompute()).find(Trimming.Wanted.of(run));
    if (cut == null || !cut.suits(run)) {
      return false;
    }
    apply(new JournalEntry.Trimmed(AT, cut.step() + 1, cut.sequence()));
    return true;
  }

  /** As the shard does now and then. */
  public void saveSnapshot() throws JournalException {
    journal.save(key, SnapshotFormat.encode(run.state()));
  }

  /** What was recorded, as of now. */
  public Export export() {
    return new Export(journal, run, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** The run as a restart would find it. */
  Run recovered() throws JournalException {
    Run recovered = new Recovery(journal, compute).recover(key);
    if (recovered == null) {
      throw new AssertionError("the run is gone");
    }
    return recovered;
  }

  /** A fresh run to which only the standing batches were applied, with the weights they got. */
  Run ofStandingBatches() {
    Run fresh = Run.created(key, created, new Head(1, 0), new JvmCompute());
    standing.forEach(batch -> fresh.apply(fresh.sequence() + 1, batch));
    return fresh;
  }

  /** All that can be told of a run's state but sequences, attempts and times, to the last bit. */
  static List<String> bits(Run run) {
    List<String> bits = new ArrayList<>();
    RunStatistics statistics = run.statistics();
    bits.add("newest " + run.newestStep() + ", " + run.stepping());
    bits.add("late " + statistics.run().lateBatches());
    add(bits, "turns", statistics.turns());
    add(bits, "reference", statistics.reference());
    bits.add("run mean " + statistics.referenceRunMean());
    add(bits, "all", statistics.totals().all());
    statistics.totals().slots().forEach(sums -> add(bits, "slot", sums));
    statistics.totals().sources().forEach((source, sums) -> add(bits, "source " + source, sums));
    for (SnapshotFormat.StoredReference reference : run.state().references()) {
      add(bits, "open", reference.triples());
      bits.add("its run mean " + reference.runMean());
    }
    run.state().drift().forEach(turn -> bits.add("drift " + turn));
    run.state()
        .pending()
        .forEach(p -> bits.add("pending " + p.step() + " " + p.rank() + " " + p.microBatch()));
    return bits;
  }

  private static void add(List<String> bits, String name, MomentsTable triples) {
    for (int slot = 0; slot < triples.slots(); slot++) {
      Moments moments = triples.moments(slot);
      bits.add(name + " " + slot + " " + moments);
    }
  }

  private static void add(List<String> bits, String name, WeightSums sums) {
    bits.add(
        "%s %d %d %d %s %s"
            .formatted(
                name,
                sums.usable(),
                sums.unusable(),
                sums.downWeighted(),
                sums.sum(),
                sums.sumOfSquares()));
  }
}
