package resure.run;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.compute.Reference;
import resure.statistics.BatchMoments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/**
 * Which statistics a batch is weighed against: the references of the open steps newest - lag ...
 * newest, and the batches that wait to be folded. reference(s) is the fold of all steps before s -
 * lag, frozen when the first batch of step s or of a later one is applied; a batch of a step
 * already closed is late, is weighed against reference(newest), and is folded with the next
 * closing. Owner thread only.
 */
final class OpenSteps {

  /** Newest step of a run without batches. */
  static final long NONE = -1;

  private final Compute compute;
  private final int lag;
  private final double halfLife;
  private long newest;

  /** Element k is reference(newest - lag + k); neighbours may be the same object. */
  private List<OpenReference> references;

  private final List<PendingBatch> pending;

  /** The opening that was asked for last, kept until its first batch is applied. */
  private Opening prepared;

  private OpenSteps(
      Compute compute,
      double halfLife,
      long newest,
      List<OpenReference> references,
      List<PendingBatch> pending) {
    this.compute = compute;
    this.halfLife = halfLife;
    this.lag = references.size() - 1;
    this.newest = newest;
    this.references = references;
    this.pending = pending;
    this.prepared = new Opening(newest);
  }

  /** Before the first batch: every step is weighed against {@code initial}. */
  static OpenSteps before(Compute compute, Configuration configuration, OpenReference initial) {
    return new OpenSteps(
        compute,
        configuration.halfLife(),
        NONE,
        Collections.nCopies(configuration.lag() + 1, initial),
        new ArrayList<>());
  }

  /** As it was when a snapshot was taken. */
  static OpenSteps restored(
      Compute compute,
      double halfLife,
      long newest,
      List<OpenReference> references,
      List<PendingBatch> pending) {
    return new OpenSteps(
        compute, halfLife, newest, List.copyOf(references), new ArrayList<>(pending));
  }

  /** Newest step that any batch had; {@link #NONE} before the first. */
  long newest() {
    return newest;
  }

  /** The references of the open steps, oldest first. */
  List<OpenReference> references() {
    return references;
  }

  /** reference(newest). */
  OpenReference newestReference() {
    return references.get(lag);
  }

  /** Batches that are not folded yet, in canonical order. */
  List<PendingBatch> pending() {
    pending.sort(PendingBatch.ORDER);
    return pending;
  }

  int pendingCount() {
    return pending.size();
  }

  boolean late(long step) {
    return step < newest - lag;
  }

  /**
   * What must be folded before {@link #reference} of a step is known; null when nothing is left.
   * Its outcome is given to {@link #folded} before this is asked again, so that whoever opens steps
   * of several runs can fold them together.
   */
  @Nullable Folding unfolded(long step) {
    return step > newest ? opening(step).next() : null;
  }

  /** Gives the outcome of what {@link #unfolded} asked for last. */
  void folded(Reference outcome) {
    prepared.folded(outcome);
  }

  /** What a batch of {@code step} is, or would be, weighed against. Changes nothing. */
  OpenReference reference(long step) {
    if (step > newest) {
      return opened(step).references.get(lag);
    }
    return references.get((int) Math.max(0, late(step) ? lag : step - (newest - lag)));
  }

  /** Whether a batch of {@code step} would fold something that is pending. */
  boolean closes(long step) {
    if (step > newest) {
      for (PendingBatch batch : pending) {
        if (batch.step() < step - lag) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Opens a step newer than any: freezes its reference.
   *
   * @return what that folded, into what was {@link #newestReference} before: the batches of each
   *     step in canonical order, steps ascending
   */
  List<List<PendingBatch>> open(long step) {
    Opening opening = opened(step);
    List<PendingBatch> closed = pending.subList(0, opening.closed);
    List<List<PendingBatch>> folded = bySteps(closed);
    closed.clear();
    release(references, opening.references);
    references = List.copyOf(opening.references);
    newest = step;
    prepared = new Opening(newest);
    return folded;
  }

  void add(PendingBatch batch) {
    discardPrepared();
    pending.add(batch);
  }

  /**
   * The triples of reference(newest) with everything pending folded: what a later step would be
   * weighed against. Plain arithmetic, since nobody waits for it and the bits are the same.
   */
  MomentsTable everything() {
    MomentsTable triples = newestReference().triples().triples();
    for (List<PendingBatch> step : bySteps(pending())) {
      triples.fold(moments(step), halfLife);
    }
    return triples;
  }

  private Opening opened(long step) {
    Opening opening = opening(step);
    for (Folding folding = opening.next(); folding != null; folding = opening.next()) {
      opening.folded(compute.fold(List.of(folding)).getFirst());
    }
    return opening;
  }

  private Opening opening(long step) {
    if (prepared.step != step) {
      discardPrepared();
      prepared = new Opening(step);
    }
    return prepared;
  }

  /** Batches in canonical order, step by step. */
  private static List<List<PendingBatch>> bySteps(List<PendingBatch> batches) {
    List<List<PendingBatch>> steps = new ArrayList<>();
    long step = NONE;
    for (PendingBatch batch : batches) {
      if (batch.step() != step) {
        steps.add(new ArrayList<>());
        step = batch.step();
      }
      steps.getLast().add(batch);
    }
    return steps;
  }

  private static List<BatchMoments> moments(List<PendingBatch> step) {
    return step.stream().map(PendingBatch::moments).toList();
  }

  private void discardPrepared() {
    if (prepared.step != newest) {
      release(prepared.references, references);
      prepared = new Opening(newest);
    }
  }

  /** Releases what is in {@code old} and not in {@code kept}. */
  private void release(List<OpenReference> old, List<OpenReference> kept) {
    Set<Reference> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    kept.forEach(reference -> needed.add(reference.triples()));
    for (OpenReference reference : old) {
      // Neighbours may share one.
      if (needed.add(reference.triples())) {
        compute.release(reference.triples());
      }
    }
  }

  /** Releases everything; this is not used again. */
  void release() {
    discardPrepared();
    release(references, List.of());
  }

  /** The references that are open once a step is, frozen one after the other. */
  private final class Opening {
    private final long step;
    private final List<OpenReference> references = new ArrayList<>(lag + 1);
    private OpenReference current = newestReference();
    private @Nullable RunMean runMean;

    /** How many of the pending batches, in canonical order, are folded by it. */
    private int closed;

    Opening(long step) {
      this.step = step;
    }

    /** What to fold next; null when every reference is there. */
    @Nullable Folding next() {
      while (references.size() <= lag) {
        long opened = step - lag + references.size();
        if (newest != NONE && opened <= newest) {
          references.add(OpenSteps.this.references.get((int) (opened - (newest - lag))));
          continue;
        }
        List<PendingBatch> sorted = pending();
        int from = closed;
        while (closed < sorted.size() && sorted.get(closed).step() < opened - lag) {
          closed++;
        }
        if (closed > from) {
          List<PendingBatch> closing = sorted.subList(from, closed);
          RunMean mean = current.runMean();
          for (PendingBatch batch : closing) {
            mean = mean.plus(batch.totals());
          }
          runMean = mean;
          return new Folding(
              current.triples(), bySteps(closing).stream().map(OpenSteps::moments).toList());
        }
        references.add(current);
      }
      return null;
    }

    void folded(Reference outcome) {
      current = new OpenReference(outcome, Objects.requireNonNull(runMean));
      references.add(current);
    }
  }
}
