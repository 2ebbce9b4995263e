package resure.run;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import resure.compute.Compute;
import resure.compute.Folding;
import resure.statistics.BatchMoments;

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
  private long newest;

  /** Element k is reference(newest - lag + k); neighbours may be the same object. */
  private List<OpenReference> references;

  private final List<PendingBatch> pending;

  /** The opening that was asked for last, kept since applying its first batch asks again. */
  private Opening prepared;

  private OpenSteps(
      Compute compute, long newest, List<OpenReference> references, List<PendingBatch> pending) {
    this.compute = compute;
    this.lag = references.size() - 1;
    this.newest = newest;
    this.references = references;
    this.pending = pending;
    this.prepared = new Opening(newest, references, 0);
  }

  /** Before the first batch: every step is weighed against {@code initial}. */
  static OpenSteps before(Compute compute, int lag, OpenReference initial) {
    return new OpenSteps(compute, NONE, Collections.nCopies(lag + 1, initial), new ArrayList<>());
  }

  /** As it was when a snapshot was taken. */
  static OpenSteps restored(
      Compute compute, long newest, List<OpenReference> references, List<PendingBatch> pending) {
    return new OpenSteps(compute, newest, List.copyOf(references), new ArrayList<>(pending));
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

  /** What a batch of {@code step} is, or would be, weighed against. Changes nothing. */
  OpenReference reference(long step) {
    if (step > newest) {
      return opening(step).references.get(lag);
    }
    return references.get((int) Math.max(0, late(step) ? lag : step - (newest - lag)));
  }

  /** Whether a batch of {@code step} would fold something that is pending. */
  boolean closes(long step) {
    return step > newest && opening(step).folded > 0;
  }

  /**
   * Opens a step newer than any: freezes its reference and adds what that folds to {@code totals}.
   */
  void open(long step, Totals totals) {
    Opening opening = opening(step);
    List<PendingBatch> closed = pending.subList(0, opening.folded);
    for (PendingBatch batch : closed) {
      totals.add(batch.totals());
    }
    closed.clear();
    release(references, opening.references);
    references = opening.references;
    newest = step;
    prepared = new Opening(newest, references, 0);
  }

  void add(PendingBatch batch) {
    discardPrepared();
    pending.add(batch);
  }

  /**
   * reference(newest) with everything pending folded: what a later step would be weighed against.
   */
  OpenReference everything() {
    return fold(newestReference(), pending());
  }

  private Opening opening(long step) {
    if (prepared.step == step) {
      return prepared;
    }
    discardPrepared();
    List<PendingBatch> sorted = pending();
    List<OpenReference> opened = new ArrayList<>(lag + 1);
    OpenReference current = newestReference();
    int folded = 0;
    for (long s = step - lag; s <= step; s++) {
      if (newest != NONE && s <= newest) {
        opened.add(references.get((int) (s - (newest - lag))));
        continue;
      }
      int closed = folded;
      while (closed < sorted.size() && sorted.get(closed).step() < s - lag) {
        closed++;
      }
      current = fold(current, sorted.subList(folded, closed));
      folded = closed;
      opened.add(current);
    }
    prepared = new Opening(step, List.copyOf(opened), folded);
    return prepared;
  }

  /** Folds batches in canonical order, step by step. */
  private OpenReference fold(OpenReference base, List<PendingBatch> batches) {
    if (batches.isEmpty()) {
      return base;
    }
    RunMean runMean = base.runMean();
    List<List<BatchMoments>> steps = new ArrayList<>();
    long step = NONE;
    for (PendingBatch batch : batches) {
      if (batch.step() != step) {
        steps.add(new ArrayList<>());
        step = batch.step();
      }
      steps.getLast().add(batch.moments());
      runMean = runMean.plus(batch.totals());
    }
    return new OpenReference(
        compute.fold(List.of(new Folding(base.triples(), steps))).getFirst(), runMean);
  }

  private void discardPrepared() {
    if (prepared.step != newest) {
      release(prepared.references, references);
      prepared = new Opening(newest, references, 0);
    }
  }

  /** Releases what is in {@code old} and not in {@code kept}. */
  private void release(List<OpenReference> old, List<OpenReference> kept) {
    for (OpenReference reference : new LinkedHashSet<>(old)) {
      if (!kept.contains(reference)) {
        compute.release(reference.triples());
      }
    }
  }

  /** Releases everything; this is not used again. */
  void release() {
    discardPrepared();
    release(references, List.of());
  }

  /**
   * What opening a step gives.
   *
   * @param step which
   * @param references of the steps that are open then
   * @param folded how many of the pending batches, in canonical order, are folded by it
   */
  private record Opening(long step, List<OpenReference> references, int folded) {}
}
