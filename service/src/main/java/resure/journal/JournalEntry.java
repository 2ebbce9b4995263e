package resure.journal;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.Weights;
import resure.weighting.Configuration;

/**
 * Everything that can change a run. Times have milliseconds; they inform, nothing depends on them,
 * nor on who asked.
 */
public sealed interface JournalEntry {

  /** When it was accepted. */
  Instant at();

  /**
   * Who asked for it: a token by its key id, or issuer and subject. Null where nobody is told from
   * others, where the service did it by itself, and of what a trainer sends all the time.
   */
  default @Nullable String actor() {
    return null;
  }

  /** The run begins: always sequence 1. With {@code start} it has statistics from the first. */
  record Created(
      Instant at,
      Configuration configuration,
      Map<String, String> labels,
      @Nullable Start start,
      Retention retention,
      @Nullable String actor)
      implements JournalEntry {
    /** Copies the labels. */
    public Created {
      labels = Map.copyOf(labels);
    }

    /** A run that nobody in particular made. */
    public Created(
        Instant at,
        Configuration configuration,
        Map<String, String> labels,
        @Nullable Start start,
        Retention retention) {
      this(at, configuration, labels, start, retention, null);
    }

    /** A run that begins with nothing and keeps everything. */
    public Created(Instant at, Configuration configuration, Map<String, String> labels) {
      this(at, configuration, labels, null, Retention.ALL);
    }
  }

  /** Observations with the weights that they got; {@code key} is the client's idempotency key. */
  record Batch(Instant at, @Nullable String key, ObservationBatch batch, Weights weights)
      implements JournalEntry {}

  /** Every earlier batch of {@code nextStep} or later is forgotten. */
  record Rewound(Instant at, long nextStep, @Nullable String attempt, @Nullable String actor)
      implements JournalEntry {
    /** By nobody in particular. */
    public Rewound(Instant at, long nextStep, @Nullable String attempt) {
      this(at, nextStep, attempt, null);
    }
  }

  /** The training is over. */
  record Finished(Instant at, @Nullable String actor) implements JournalEntry {
    /** As nobody in particular said. */
    public Finished(Instant at) {
      this(at, null);
    }
  }

  /**
   * The model after {@code step} steps was found to have this score. It stands until a rewind
   * removes a batch of those steps.
   */
  record Evaluated(Instant at, long step, String benchmark, double score) implements JournalEntry {}

  /**
   * The oldest batches are dropped: of steps before {@code earliestStep} (of a run without steps,
   * of all batches but the first so many) what lies before {@code firstSequence}. What follows the
   * entry there is whole: it holds every batch of that step or a later one that stands. The run's
   * first entry stays, too.
   */
  record Trimmed(Instant at, long earliestStep, long firstSequence) implements JournalEntry {}

  /** The run is gone, and with it all that would tell who asked for that. */
  record Deleted(Instant at) implements JournalEntry {}
}
