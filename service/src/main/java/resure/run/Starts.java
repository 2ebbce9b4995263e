package resure.run;

import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Start;
import resure.observation.RunId;
import resure.observation.StartFrom;
import resure.statistics.MomentsTable;

/**
 * Finds what a new run begins with: the statistics of another run, at its newest or an earlier
 * step, with everything pending folded. The other run is read from the journal, whoever else uses
 * it meanwhile: what was answered is there. Blocking; on a worker.
 */
final class Starts {

  private final Journal journal;
  private final Recovery recovery;

  Starts(Journal journal, Recovery recovery) {
    this.journal = journal;
    this.recovery = recovery;
  }

  /**
   * What was asked for, for a run of {@code slots} slots; refused where there are no such
   * statistics.
   */
  Outcome<Start> find(RunId other, StartFrom asked, int slots) throws JournalException {
    RunKey key = journal.lookup(other);
    Run run = key == null ? null : recovery.recover(key);
    if (key == null || run == null) {
      return Outcome.refused(Refusal.START_UNKNOWN_RUN);
    }
    Long step = asked.step();
    if (step != null) {
      long newest = run.newestStep();
      if (run.stepping() == Run.Stepping.WITHOUT_STEPS) {
        run.release();
        return Outcome.refused(Refusal.START_WITHOUT_STEPS);
      }
      if (step > newest) {
        run.release();
        return new Outcome.Refused<>(
            Refusal.START_TOO_NEW, newest == OpenSteps.NONE ? "" : Long.toString(newest));
      }
      WholeFrom whole = run.wholeFrom();
      if (whole.trimmed() && step + 1 < whole.step()) {
        run.release();
        return new Outcome.Refused<>(Refusal.START_DROPPED, Long.toString(whole.step() - 1));
      }
      if (step < newest) {
        run.release();
        run = recovery.recoverAsOf(key, step);
        if (run == null) {
          return Outcome.refused(Refusal.START_UNKNOWN_RUN);
        }
      }
    }
    Long resolved = step == null ? run.describe().step() : step;
    MomentsTable triples = run.statistics().turns().inherited(slots, asked.observations());
    run.release();
    for (int slot = 0; slot < triples.slots(); slot++) {
      if (triples.moments(slot).n() > 0) {
        return Outcome.done(new Start(asked, resolved, triples));
      }
    }
    return Outcome.refused(step == null ? Refusal.START_EMPTY : Refusal.START_TOO_OLD);
  }
}
