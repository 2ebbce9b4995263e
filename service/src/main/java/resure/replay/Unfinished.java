package resure.replay;

import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.RunKey;

/**
 * A replay that waits or is being computed. Its end is decided once, under its monitor, by whoever
 * moves its document: the thread that computes it, or a request that cancels it.
 */
final class Unfinished {

  private final RunKey run;
  private final String id;
  private final ReplayFormat.Asked asked;
  private volatile double progress;

  /** Why its computing is to end; null while it may go on. */
  private volatile @Nullable String interruption;

  private volatile boolean rewound;
  private boolean ended;

  Unfinished(RunKey run, String id, ReplayFormat.Asked asked) {
    this.run = run;
    this.id = id;
    this.asked = asked;
  }

  RunKey run() {
    return run;
  }

  String id() {
    return id;
  }

  ReplayFormat.Asked asked() {
    return asked;
  }

  Document request() {
    return new Document(run, DocumentKind.REPLAY_RUNNING, id);
  }

  Document progressDocument() {
    return new Document(run, DocumentKind.REPLAY_PROGRESS, id);
  }

  Document end() {
    return new Document(run, DocumentKind.REPLAY, id);
  }

  double progress() {
    return progress;
  }

  void advance(double fraction) {
    progress = fraction;
  }

  /** Makes computing end soon. */
  void interrupt(String why) {
    interruption = why;
  }

  /** The same, since the run's batches are not those that it is of any more. */
  void interruptAsRewound() {
    rewound = true;
    interrupt("the run was rewound");
  }

  boolean rewound() {
    return rewound;
  }

  /** Whether nobody has told computing to end. */
  boolean wanted() {
    return interruption == null;
  }

  /** Throws when computing is to end. */
  void requireWanted() {
    String why = interruption;
    if (why != null) {
      throw new CancellationException(why);
    }
  }

  /** Whether its end is decided; under the monitor. */
  boolean ended() {
    return ended;
  }

  /** Notes that its end is decided; under the monitor. */
  void markEnded() {
    ended = true;
  }

  Replay replay() {
    return replay(progress);
  }

  /** As it is when it has come so far. */
  Replay replay(double reached) {
    return new Replay(
        id,
        Replay.State.RUNNING,
        reached,
        asked.configurations(),
        asked.createdAt(),
        null,
        asked.sequence(),
        asked.wholeFrom(),
        null);
  }
}
