package resure.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.compute.RawWeights;
import resure.compute.Reference;
import resure.compute.Weighing;
import resure.drift.DriftEvent;
import resure.drift.DriftLimits;
import resure.drift.RunDrift;
import resure.drift.TurnDrift;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.statistics.BatchMoments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Normalization;
import resure.weighting.Weigher;

/**
 * The live state of one run. It changes only by {@link #apply}, which live traffic and recovery
 * call alike; everything else asks. Owner: the shard's thread, or the worker that recovers it.
 */
final class Run {

  /** Whether a run's batches name their step; its first batch decides. */
  enum Stepping {
    UNDECIDED,
    BY_STEP,
    WITHOUT_STEPS
  }

  private final RunKey key;
  private final JournalEntry.Created created;

  /** As people are shown them: with the step that {@code startFrom} came to. */
  private final RunSettings settings;

  private final Compute compute;
  private final Attempts attempts;
  private final Rewinds rewinds;
  private final OpenSteps steps;
  private final Totals totals;
  private final SampleCounts samples;
  private final Evaluations evaluations;
  private final RunDrift drift;
  private boolean statisticsOnly;
  private long sequence;
  private long checksum;
  private long lateBatches;
  private Stepping stepping;
  private @Nullable Instant lastBatchAt;
  private @Nullable Instant finishedAt;
  private WholeFrom wholeFrom;

  /** Who is told, if anybody is. */
  private @Nullable RunEvents events;

  private Run(
      RunKey key, JournalEntry.Created created, Compute compute, SnapshotFormat.State state) {
    this.key = key;
    this.created = created;
    this.settings = settings(created);
    this.compute = compute;
    attempts = state.attempts();
    rewinds = state.rewinds();
    totals = state.totals();
    samples = state.samples();
    evaluations = state.evaluations();
    drift = RunDrift.restored(DriftLimits.CALIBRATED, state.drift());
    sequence = state.head().sequence();
    checksum = state.head().checksum();
    lateBatches = state.lateBatches();
    stepping = state.stepping();
    lastBatchAt = state.lastBatchAt();
    finishedAt = state.finishedAt();
    wholeFrom = state.wholeFrom();
    List<OpenReference> references = new ArrayList<>();
    for (SnapshotFormat.StoredReference stored : state.references()) {
      OpenReference last = references.isEmpty() ? null : references.getLast();
      // Neighbours that are the same share one, as they do when they are frozen.
      references.add(
          last != null
                  && last.runMean().equals(stored.runMean())
                  && last.triples().triples().sameAs(stored.triples())
              ? last
              : new OpenReference(load(stored.triples()), stored.runMean()));
    }
    steps =
        OpenSteps.restored(
            compute, configuration().halfLife(), state.newest(), references, state.pending());
  }

  private Run(RunKey key, JournalEntry.Created created, Head head, Compute compute) {
    this.key = key;
    this.created = created;
    this.settings = settings(created);
    this.compute = compute;
    attempts = new Attempts();
    rewinds = new Rewinds();
    totals = new Totals();
    samples = new SampleCounts();
    evaluations = new Evaluations();
    drift = new RunDrift(DriftLimits.CALIBRATED);
    sequence = head.sequence();
    checksum = head.checksum();
    stepping = Stepping.UNDECIDED;
    wholeFrom = WholeFrom.BEGINNING;
    Start start = created.start();
    // The mean weight begins at nothing whatever the triples: no weight of this run was answered.
    steps =
        OpenSteps.before(
            compute,
            configuration(),
            new OpenReference(
                load(start == null ? new MomentsTable() : start.triples()), RunMean.NONE));
  }

  private static RunSettings settings(JournalEntry.Created created) {
    Start start = created.start();
    return new RunSettings(
        created.configuration(),
        created.labels(),
        start == null ? null : start.resolved(),
        created.retention());
  }

  /** A run at its first entry, with which its journal ends at {@code head}. */
  static Run created(RunKey key, JournalEntry.Created created, Head head, Compute compute) {
    return new Run(key, created, head, compute);
  }

  /** A run as a snapshot found it. */
  static Run restored(
      RunKey key, JournalEntry.Created created, SnapshotFormat.State state, Compute compute) {
    return new Run(key, created, compute, state);
  }

  private Reference load(MomentsTable triples) {
    return compute.load(configuration(), triples);
  }

  /** The same state on another compute backend, bit for bit; this one is released. */
  Run moveTo(Compute other) {
    Run moved = new Run(key, created, other, state());
    release();
    return moved;
  }

  /** Leaves out drift and telling, for whoever asks of neither. */
  void keepStatisticsOnly() {
    statisticsOnly = true;
  }

  /** Its first entry. */
  JournalEntry.Created created() {
    return created;
  }

  /** Everything bounded that applying the journal has built. */
  SnapshotFormat.State state() {
    return new SnapshotFormat.State(
        head(),
        attempts,
        rewinds,
        totals,
        lateBatches,
        stepping,
        lastBatchAt,
        finishedAt,
        steps.newest(),
        steps.references().stream()
            .map(r -> new SnapshotFormat.StoredReference(r.triples().triples(), r.runMean()))
            .toList(),
        List.copyOf(steps.pending()),
        wholeFrom,
        drift.states(),
        samples,
        evaluations);
  }

  RunKey key() {
    return key;
  }

  /** What a request to create this run is answered. */
  Outcome<Created> existing(WantedSettings wanted) {
    String conflict = wanted.conflict(settings);
    Start start = created.start();
    if (conflict != null && start != null) {
      // The same words as the first time agree, and so does what the run is shown with.
      conflict = wanted.conflict(settings.withStartFrom(start.asked()));
    }
    return conflict == null
        ? Outcome.done(new Created(describe(), false))
        : new Outcome.Refused<>(Refusal.RUN_CONFLICT, conflict);
  }

  Configuration configuration() {
    return created.configuration();
  }

  Attempts attempts() {
    return attempts;
  }

  Rewinds rewinds() {
    return rewinds;
  }

  /** From where on what is recorded of it is whole. */
  WholeFrom wholeFrom() {
    return wholeFrom;
  }

  long sequence() {
    return sequence;
  }

  /** Where its journal ends with what was applied. */
  Head head() {
    return new Head(sequence, checksum);
  }

  /** Notes where the journal ends with what has been applied; to be called before it is asked. */
  void reached(Head head) {
    if (head.sequence() != sequence) {
      throw new IllegalStateException("entry " + head.sequence() + " is not " + sequence);
    }
    checksum = head.checksum();
    if (events != null) {
      events.reached(head, steps.newest());
    }
  }

  /** From now on tells what happens to it. */
  void tell(RunEvents listener) {
    events = listener;
  }

  Stepping stepping() {
    return stepping;
  }

  @Nullable Instant lastBatchAt() {
    return lastBatchAt;
  }

  long newestStep() {
    return steps.newest();
  }

  boolean finished() {
    return finishedAt != null;
  }

  /**
   * Why a batch cannot be taken, if it cannot, when {@code ahead} others of its step go before it.
   */
  @Nullable Refusal refuses(ObservationBatch batch, int maxPending, int ahead) {
    if (!attempts.admits(batch.attempt())) {
      return Refusal.STALE_ATTEMPT;
    }
    if (finished() && (!batch.hasStep() || batch.step() > steps.newest())) {
      return Refusal.RUN_FINISHED;
    }
    if (stepping != Stepping.UNDECIDED && (stepping == Stepping.BY_STEP) != batch.hasStep()) {
      return Refusal.STEPS_MIXED;
    }
    if (batch.hasStep() && batch.step() < wholeFrom.step()) {
      return Refusal.STEP_TOO_OLD;
    }
    if (steps.pendingCount() + ahead >= maxPending && !steps.closes(stepOf(batch))) {
      return Refusal.TOO_MANY_PENDING;
    }
    return null;
  }

  /** A batch without a step is a step of its own. */
  private long stepOf(ObservationBatch batch) {
    return batch.hasStep() ? batch.step() : steps.newest() + 1;
  }

  /**
   * What must be folded before a batch can be weighed; null when nothing is left. The outcome is
   * given to {@link #folded} before this is asked again.
   */
  @Nullable Folding unfolded(ObservationBatch batch) {
    return steps.unfolded(stepOf(batch));
  }

  /** Gives the outcome of what {@link #unfolded} asked for last. */
  void folded(Reference outcome) {
    steps.folded(outcome);
  }

  /** The batch with what it is weighed against. Changes nothing. */
  Weighing weighing(ObservationBatch batch) {
    return new Weighing(steps.reference(stepOf(batch)).triples(), batch);
  }

  /** Completes raw weights to what is recorded. Changes nothing. */
  Weights weights(ObservationBatch batch, RawWeights raw) {
    long step = stepOf(batch);
    double runMean = steps.reference(step).runMean().value();
    double divisor =
        switch (configuration().normalization()) {
          case Normalization.NONE -> 1;
          case Normalization.BATCH_MEAN -> batchMean(batch, raw.values());
          case Normalization.RUN_MEAN -> runMean;
        };
    return new Weights(
        raw.values(),
        divisor,
        runMean,
        raw.warmingUp(),
        steps.late(step),
        configuration().shadow());
  }

  private static double batchMean(ObservationBatch batch, double[] weights) {
    double weightSum = 0;
    double tokenSum = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] != 0) {
        double tokens = batch.tokenWeight(i);
        weightSum += tokens * weights[i];
        tokenSum += tokens;
      }
    }
    return new RunMean(weightSum, tokenSum).value();
  }

  /**
   * Whether a rewind would remove a batch that was applied: then only {@link Recovery} can do it.
   */
  boolean holds(long nextStep) {
    return steps.newest() >= nextStep;
  }

  /** The newest step of which batches may be dropped; what is open for batches is kept. */
  long droppable() {
    long kept = Math.max(created.retention().steps(), configuration().lag() + 1L);
    return kept > steps.newest() ? OpenSteps.NONE : steps.newest() - kept;
  }

  /** Applies the next entry: the only way in which a run changes. */
  void apply(long entrySequence, JournalEntry entry) {
    BatchMoments moments =
        entry instanceof JournalEntry.Batch batch
            ? compute.reduce(List.of(weighing(batch.batch()))).getFirst()
            : BatchMoments.NONE;
    apply(entrySequence, entry, moments);
  }

  /**
   * The same when the entry's batch is reduced already, against what {@link #weighing} said before
   * any batch of its group was applied.
   */
  void apply(long entrySequence, JournalEntry entry, BatchMoments moments) {
    if (entrySequence != sequence + 1) {
      throw new IllegalStateException("entry " + entrySequence + " does not follow " + sequence);
    }
    sequence = entrySequence;
    switch (entry) {
      case JournalEntry.Batch batch -> applyBatch(batch, moments);
      case JournalEntry.Rewound rewound -> applyRewind(rewound);
      case JournalEntry.Finished finished -> finishedAt = finished.at();
      case JournalEntry.Evaluated evaluated -> evaluations.add(sequence, evaluated);
      case JournalEntry.Trimmed trimmed -> {
        wholeFrom =
            new WholeFrom(
                stepping == Stepping.WITHOUT_STEPS
                    ? ObservationBatch.NO_STEP
                    : trimmed.earliestStep(),
                trimmed.firstSequence() + 1);
        rewinds.forgetUpTo(trimmed.firstSequence());
      }
      case JournalEntry.Created _ -> throw new IllegalStateException("created twice");
      case JournalEntry.Deleted _ -> throw new IllegalStateException("a deleted run is not kept");
    }
    if (events != null && !(entry instanceof JournalEntry.Batch)) {
      events.happened(new RunEvent.Other(sequence, entry));
    }
  }

  /** Passes over a batch that a later rewind removed; only its attempt was seen for good. */
  void skip(long entrySequence, JournalEntry.Batch removed) {
    sequence = entrySequence;
    attempts.seenInBatch(removed.batch().attempt());
  }

  private void applyBatch(JournalEntry.Batch entry, BatchMoments moments) {
    ObservationBatch batch = entry.batch();
    long step = stepOf(batch);
    attempts.seenInBatch(batch.attempt());
    stepping = batch.hasStep() ? Stepping.BY_STEP : Stepping.WITHOUT_STEPS;
    lastBatchAt = entry.at();
    if (step > steps.newest()) {
      open(step);
    } else if (steps.late(step)) {
      lateBatches++;
    }
    Weigher against = steps.reference(step).triples().weigher();
    steps.add(
        new PendingBatch(
            step,
            batch.rank(),
            batch.microBatch(),
            sequence,
            moments,
            BatchTotals.of(configuration(), batch, entry.weights(), against)));
    if (events != null) {
      events.happened(new RunEvent.Batch(sequence, entry, step, against));
    }
  }

  /** Opens a step, and folds what that closes. */
  private void open(long step) {
    // Asked for before they are opened: later it is that of another step.
    MomentsTable reference = statisticsOnly ? null : steps.newestReference().triples().triples();
    MomentsTable unfolded = null;
    for (List<PendingBatch> closed : steps.open(step)) {
      for (PendingBatch batch : closed) {
        totals.add(batch.totals());
        samples.folded(batch.step(), batch.totals().observations());
      }
      if (reference != null) {
        if (unfolded != null) {
          // What was told of is not changed any more.
          reference = reference.copy();
          reference.fold(unfolded, configuration().halfLife());
        }
        unfolded = moments(closed);
        watch(closed, unfolded, reference);
      }
    }
  }

  private static MomentsTable moments(List<PendingBatch> closed) {
    List<BatchMoments> moments = new ArrayList<>(closed.size());
    for (PendingBatch batch : closed) {
      moments.add(batch.moments());
    }
    return MomentsTable.merged(moments);
  }

  /**
   * Tells what was folded of a step.
   *
   * @param reference what it was folded into, before that
   */
  private void watch(List<PendingBatch> closed, MomentsTable moments, MomentsTable reference) {
    Totals ofStep = new Totals();
    closed.forEach(batch -> ofStep.add(batch.totals()));
    long step = closed.getFirst().step();
    List<DriftEvent> noticed = drift.fold(step, moments);
    if (events != null) {
      events.happened(
          new RunEvent.Folded(
              new FoldedStep(
                  step,
                  sequence,
                  closed.size(),
                  moments,
                  ofStep,
                  reference,
                  drift.turns(),
                  noticed)));
    }
  }

  private void applyRewind(JournalEntry.Rewound rewound) {
    if (holds(rewound.nextStep())) {
      throw new IllegalStateException("applied batches of removed steps");
    }
    rewinds.add(sequence, rewound.nextStep());
    attempts.seenInRewind(rewound.nextStep(), rewound.attempt());
    finishedAt = null;
    evaluations.rewind(rewound.nextStep());
  }

  /** An evaluation that says the same, if there is one. */
  @Nullable Evaluation evaluation(long step, String benchmark, double score) {
    Evaluations.Kept kept = evaluations.find(step, benchmark, score);
    return kept == null ? null : evaluation(kept);
  }

  /** Whether as many evaluations are kept as may be. */
  boolean evaluationsFull() {
    return evaluations.full();
  }

  /** All evaluations that stand, in order of sequence. */
  List<Evaluation> evaluations() {
    return evaluations.list().stream().map(this::evaluation).toList();
  }

  private Evaluation evaluation(Evaluations.Kept kept) {
    return new Evaluation(
        kept.sequence(),
        kept.at(),
        kept.step(),
        kept.benchmark(),
        kept.score(),
        samples(kept.step()));
  }

  /** Observations that the model after so many steps was trained on, about. */
  private long samples(long step) {
    long count = samples.before(step);
    for (PendingBatch batch : steps.pending()) {
      if (batch.step() < step) {
        count += batch.totals().observations();
      }
    }
    return count;
  }

  RunDescription describe() {
    return new RunDescription(
        key,
        settings,
        attempts.current(),
        stepping == Stepping.BY_STEP ? steps.newest() : null,
        sequence,
        lateBatches,
        created.at(),
        lastBatchAt,
        finishedAt,
        wholeFrom);
  }

  RunStatistics statistics() {
    Totals everything = totals.copy();
    steps.pending().forEach(batch -> everything.add(batch.totals()));
    OpenReference newest = steps.newestReference();
    return new RunStatistics(
        describe(),
        steps.everything(),
        everything,
        newest.triples().triples(),
        newest.runMean().value(),
        drift.turns());
  }

  /** What {@link #statistics} says of turns, without the sources, which may be many. */
  TurnStatistics turnStatistics() {
    return new TurnStatistics(
        sequence, steps.everything(), totals.slotsWith(steps.pending()), drift.turns());
  }

  /** The triples of reference(newest), for those who watch: no more than a copy of small arrays. */
  MomentsTable referenceTriples() {
    return steps.newestReference().triples().triples();
  }

  /** The drift of each slot after the newest step that was folded. */
  List<TurnDrift> drift() {
    return drift.turns();
  }

  /** Weight sums over everything folded; not to be kept. */
  Totals foldedTotals() {
    return totals;
  }

  void release() {
    if (events != null) {
      events.ended();
    }
    steps.release();
  }
}
