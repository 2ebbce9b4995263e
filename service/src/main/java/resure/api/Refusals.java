package resure.api;

import resure.access.Quotas;
import resure.replay.Replays;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.Runs;

/** What a refused request is answered with. */
final class Refusals {

  private Refusals() {}

  static ProblemException problem(Outcome.Refused<?> refused) {
    return switch (refused.refusal()) {
      case Refusal.UNKNOWN_RUN ->
          ProblemException.of(ProblemType.UNKNOWN_RUN, "Create the run first: PUT /v1/runs/{run}.");
      case Refusal.RUN_CONFLICT ->
          ProblemException.at(
              ProblemType.RUN_CONFLICT,
              refused.detail(),
              "The run exists with another value here. Leave the field out, send the run's own"
                  + " value, or choose another name.");
      case Refusal.STALE_ATTEMPT ->
          ProblemException.at(
              ProblemType.STALE_ATTEMPT,
              "/attempt",
              "Another attempt is the run's current one. A new start of the trainer takes over by a"
                  + " rewind that names it; one that was replaced must stop.");
      case Refusal.RUN_FINISHED ->
          ProblemException.of(
              ProblemType.RUN_FINISHED,
              "A finished run takes batches of its newest step and before only. A rewind reopens"
                  + " it.");
      case Refusal.STEP_TOO_OLD -> tooOld(refused.detail());
      case Refusal.KEY_REUSED ->
          ProblemException.of(
              ProblemType.KEY_REUSED,
              "This Idempotency-Key was used for another batch of this run. Use a key that names"
                  + " run, step, rank and micro-batch.");
      case Refusal.STEPS_MIXED ->
          ProblemException.at(
              ProblemType.STEPS_MIXED,
              "/step",
              "The run's first batch decided whether its batches have a step. Send it always or"
                  + " never.");
      case Refusal.SEQUENCE_NOT_REACHED ->
          ProblemException.parameter(
              ProblemType.SEQUENCE_NOT_REACHED,
              RunHandler.AT_LEAST_SEQUENCE,
              "The run is at sequence "
                  + refused.detail()
                  + ". Unless it was deleted and created again, or its store was put back, what"
                  + " named this sequence was not an answer about this run.");
      case Refusal.RUN_WITHOUT_STEPS ->
          ProblemException.of(
              ProblemType.RUN_WITHOUT_STEPS,
              "The batches of this run have no step, so nothing can be found by step.");
      case Refusal.START_UNKNOWN_RUN ->
          ProblemException.invalid("/startFrom/run", "There is no run of this name to start from.");
      case Refusal.START_EMPTY ->
          ProblemException.invalid("/startFrom/run", "That run has no usable observation yet.");
      case Refusal.START_TOO_OLD ->
          ProblemException.invalid(
              "/startFrom/step", "That run has no usable observation up to this step.");
      case Refusal.START_DROPPED ->
          ProblemException.invalid(
              "/startFrom/step",
              "That run's retention has dropped what is needed. The earliest step to start from is "
                  + refused.detail()
                  + ".");
      case Refusal.START_TOO_NEW ->
          ProblemException.invalid(
              "/startFrom/step",
              refused.detail().isEmpty()
                  ? "No batch of that run has a step yet."
                  : "The newest step of that run is " + refused.detail() + ".");
      case Refusal.START_WITHOUT_STEPS ->
          ProblemException.invalid(
              "/startFrom/step",
              "The batches of that run have no step. Leave this out to start from its newest"
                  + " state.");
      case Refusal.START_DAMAGED ->
          ProblemException.of(
              ProblemType.RUN_DAMAGED,
              "A record of the run to start from does not match its checksum or is missing. Start"
                  + " from another run, or restore a backup.");
      case Refusal.TOO_MANY_PENDING ->
          ProblemException.limit(
              ProblemType.LIMIT_EXCEEDED,
              "resure.limits.pending-batches",
              "Too many batches of this run wait for their steps to close. Go on to the next"
                  + " step.");
      case Refusal.NO_OBSERVATIONS ->
          ProblemException.of(
              ProblemType.NO_OBSERVATIONS,
              "Nothing is recorded of this run that other configurations could be tried on.");
      case Refusal.UNKNOWN_REPLAY ->
          ProblemException.of(
              ProblemType.UNKNOWN_REPLAY, "GET /v1/runs/{run}/replays lists those there are.");
      case Refusal.TOO_MANY_REPLAYS ->
          ProblemException.of(
              ProblemType.TOO_MANY_REPLAYS,
              ("%d replays of a run may be unfinished, and %d of all runs. Wait for one, or cancel"
                      + " one.")
                  .formatted(Replays.UNFINISHED_OF_A_RUN, Replays.UNFINISHED));
      case Refusal.REPLAYS_BUSY ->
          ProblemException.of(
              ProblemType.QUEUE_FULL, "Too many requests for replays wait. Try again in a second.");
      case Refusal.REPLAYS_FULL ->
          ProblemException.of(
              ProblemType.REPLAYS_FULL,
              "A run keeps %d replays. Remove some: DELETE /v1/runs/{run}/replays/{replay}."
                  .formatted(Replays.KEPT));
      case Refusal.EVALUATIONS_FULL ->
          ProblemException.of(
              ProblemType.EVALUATIONS_FULL,
              "A run keeps %d evaluations; only a rewind removes some."
                  .formatted(Runs.KEPT_EVALUATIONS));
      case Refusal.TOO_MANY_RUNS ->
          ProblemException.parameter(
              "label",
              "More than %d runs have such labels, and evaluations. Ask for fewer."
                  .formatted(Runs.SURVEYED_RUNS));
      case Refusal.RUNS_FULL -> problem(Quotas.Refused.TOO_MANY_RUNS);
      case Refusal.QUEUE_FULL ->
          ProblemException.limit(
              ProblemType.QUEUE_FULL,
              "resure.limits.queued-losses",
              "More losses wait than may. Try again in a second, with the same Idempotency-Key.");
      case Refusal.STOPPING ->
          ProblemException.of(
              ProblemType.STORE_UNAVAILABLE,
              "The service is stopping and took nothing of this. Try again.");
      case Refusal.STORE_UNAVAILABLE ->
          ProblemException.of(
              ProblemType.STORE_UNAVAILABLE,
              "The store is unavailable and nothing of this was recorded. Try again.");
      case Refusal.OUTCOME_UNKNOWN ->
          ProblemException.of(
              ProblemType.OUTCOME_UNKNOWN,
              "The store failed while this was being recorded. Try again with the same"
                  + " Idempotency-Key; without a key, check the run's sequence first.");
      case Refusal.RUN_DAMAGED ->
          ProblemException.of(
              ProblemType.RUN_DAMAGED,
              "A record of this run does not match its checksum or is missing. Other runs are not"
                  + " affected. Restore a backup; the service's log names the record.");
    };
  }

  /** What is answered to a tenant that uses as much as it may. */
  static ProblemException problem(Quotas.Refused refused) {
    return ProblemException.limit(
            ProblemType.QUOTA_EXCEEDED,
            refused.quota().property(),
            switch (refused.quota()) {
              case RUNS ->
                  "The tenant has as many runs as it may, and nothing was made. Delete some, or ask"
                      + " the operator.";
              case BATCHES_PER_SECOND ->
                  "The tenant's batches come faster than they may, and this one was not read. Send"
                      + " it again after Retry-After, with the same Idempotency-Key.";
              case STREAMS ->
                  "The tenant has as many event streams and exports open as it may. Close some, or"
                      + " wait until one has ended.";
              case STORED_BYTES ->
                  "The tenant has recorded as much as it may, and this batch was not read. Delete"
                      + " runs, let new ones keep fewer losses (retention), or ask the operator.";
            })
        .after(refused.retryAfter());
  }

  private static ProblemException tooOld(String earliestStep) {
    return earliestStep.isEmpty()
        ? ProblemException.of(
            ProblemType.STEP_TOO_OLD,
            "The batch of this Idempotency-Key was recorded, and has been dropped since by the"
                + " run's retention: its weights are known no more, and it does not count twice.")
        : ProblemException.of(
                ProblemType.STEP_TOO_OLD,
                "The run's retention has dropped the losses of older steps. The earliest step that"
                    + " is taken, or rewound to, is "
                    + earliestStep
                    + ".")
            .with(json -> json.writeNumberProperty("earliestStep", Long.parseLong(earliestStep)));
  }
}
