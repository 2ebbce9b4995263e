package resure.journal;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.weighting.Configuration;

/**
 * Everything that can change a run. Times have milliseconds; they inform, nothing depends on them.
 */
public sealed interface JournalEntry {

  /** When it was accepted. */
  Instant at();

  /** The run begins: always sequence 1. With {@code start} it has statistics from the first. */
  record Created(
      Instant at, Configuration configuration, Map<String, String> labels, @Nullable Start start)
      implements JournalEntry {
    /** Copies the labels. */
    public Created {
      labels = Map.copyOf(labels);
    }

    /** A run that begins with nothing. */
    public Created(Instant at, Configuration configuration, Map<String, String> labels) {
      this(at, configuration, labels, null);
    }
  }

  /** Observations with the weights that they got; {@code key} is the client's idempotency key. */
  record Batch(Instant at, @Nullable String key, ObservationBatch batch, Weights weights)
      implements JournalEntry {}

  /** Every earlier batch of {@code nextStep} or later is forgotten. */
  record Rewound(Instant at, long nextStep, @Nullable String attempt) implements JournalEntry {}

  /** The training is over. */
  record Finished(Instant at) implements JournalEntry {}

  /** The run is gone. */
  record Deleted(Instant at) implements JournalEntry {}
}
