package resure.run;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import resure.journal.Exclusive;
import resure.observation.RunId;

/**
 * What a shard knows of one run, from the first request to the end of its idle time. Owner: the
 * shard's thread.
 */
final class Slot {

  /** Races after which other processes are kept away, so that this one cannot lose for ever. */
  private static final int RACES = 2;

  final RunId id;
  final ArrayDeque<Request<?>> waiting = new ArrayDeque<>();
  @Nullable Run run;

  /** Being read, or with entries in flight: its requests wait. */
  boolean busy;

  /** Busy with what only a worker can end. */
  boolean withWorker;

  boolean queued;
  long snapshotSequence;
  long publishedStep = OpenSteps.NONE;
  long lastUsed;

  /** When, by the shard's nanosecond clock, the run was last known to be as its journal is. */
  long seenAt;

  /** Whether the newest entry that is known was appended by this process. */
  boolean appendedHere;

  /** Races lost since other processes were last found to leave the run alone. */
  int races;

  /** While not null, no other process appends to the run. */
  @Nullable Exclusive exclusive;

  /** A rewind that is durable and is answered when the run has been read again. */
  Request.@Nullable Rewind rewinding;

  Slot(RunId id) {
    this.id = id;
  }

  boolean contended() {
    return races >= RACES;
  }

  /** What was looked up of the waiting batches' keys is of no use any more. */
  void forgetKnown() {
    for (Request<?> request : waiting) {
      if (request instanceof Request.Score score) {
        score.known = null;
      }
    }
  }

  /** All that wait were received before what is now begun to be read is read. */
  void markChecked() {
    for (Request<?> request : waiting) {
      request.checked = true;
    }
  }
}
