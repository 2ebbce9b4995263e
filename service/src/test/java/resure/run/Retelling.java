package resure.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.RawWeights;
import resure.compute.jvm.JvmCompute;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.observation.ObservationBatch;
import resure.observation.Weights;

/**
 * Tells a run again by its journal alone, entry by entry: each must be what a single process would
 * have recorded then, knowing all entries before it and nothing else. It does not matter to what is
 * told here how many processes wrote them.
 */
public final class Retelling {

  private final RunKey key;
  private final Compute compute = new JvmCompute();
  private final List<StoredEntry> told = new ArrayList<>();
  private final Rewinds rewinds = new Rewinds();
  private @Nullable Run run;

  /** Of the run {@code key}, of which nothing is told yet. */
  public Retelling(RunKey key) {
    this.key = key;
  }

  /**
   * Goes on with the next entry.
   *
   * @return why it is not what should be there; null when it is
   */
  public @Nullable String next(StoredEntry stored) {
    Run before = run;
    String breach =
        stored.follows(before == null ? Head.NONE : before.head())
            ? null
            : "does not follow the entry before it";
    if (before == null) {
      run = created(stored);
    } else {
      String other = unexplained(before, stored.entry());
      breach = breach == null ? other : breach;
      if (stored.entry() instanceof JournalEntry.Rewound rewound) {
        rewinds.add(stored.sequence(), rewound.nextStep());
        if (before.holds(rewound.nextStep())) {
          run = withoutRemoved();
        }
      }
      apply(known(), stored);
    }
    told.add(stored);
    return breach;
  }

  private Run created(StoredEntry first) {
    return Run.created(key, (JournalEntry.Created) first.entry(), first.head(), compute);
  }

  private Run known() {
    if (run == null) {
      throw new IllegalStateException("nothing is told yet");
    }
    return run;
  }

  /** The run by what was told so far, as it is once the newest rewind has been applied. */
  private Run withoutRemoved() {
    Run again = created(told.getFirst());
    for (StoredEntry stored : told.subList(1, told.size())) {
      apply(again, stored);
    }
    return again;
  }

  private void apply(Run to, StoredEntry stored) {
    if (stored.entry() instanceof JournalEntry.Batch batch && !stands(stored)) {
      to.skip(stored.sequence(), batch);
    } else {
      to.apply(stored.sequence(), stored.entry());
    }
    to.reached(stored.head());
  }

  /** Whether no rewind that was told of has removed a batch. */
  public boolean stands(StoredEntry batch) {
    return batch.entry() instanceof JournalEntry.Batch entry
        && !rewinds.removed(batch.sequence(), entry.batch().step());
  }

  /** The statistics as they were after the entry that was told last. */
  public RunStatistics statistics() {
    return known().statistics();
  }

  private @Nullable String unexplained(Run before, JournalEntry entry) {
    return switch (entry) {
      case JournalEntry.Created _ -> "is created twice";
      case JournalEntry.Deleted _ -> "is deleted and yet there";
      case JournalEntry.Trimmed _ -> "drops losses of a run that was to keep all";
      case JournalEntry.Evaluated _ -> "is an evaluation, which nobody sent";
      case JournalEntry.Finished _ -> before.finished() ? "is finished twice" : null;
      case JournalEntry.Rewound rewound -> unexplained(before, rewound);
      case JournalEntry.Batch batch -> unexplained(before, batch);
    };
  }

  private static @Nullable String unexplained(Run before, JournalEntry.Rewound rewound) {
    if (before.attempts().isPast(rewound.attempt())) {
      return "is a rewind by a past attempt";
    }
    return before.attempts().repeats(rewound.nextStep(), rewound.attempt())
        ? "repeats the last rewind of its attempt"
        : null;
  }

  private @Nullable String unexplained(Run before, JournalEntry.Batch entry) {
    ObservationBatch batch = entry.batch();
    Refusal refusal = before.refuses(batch, Integer.MAX_VALUE, 0);
    if (refusal != null) {
      return "should have been refused: " + refusal;
    }
    RawWeights raw = compute.weigh(List.of(before.weighing(batch))).getFirst();
    Weights expected = before.weights(batch, raw);
    return same(expected, entry.weights())
        ? null
        : "has other weights: %s, not %s".formatted(shown(entry.weights()), shown(expected));
  }

  private static boolean same(Weights a, Weights b) {
    return Arrays.equals(a.raw(), b.raw())
        && Double.compare(a.divisor(), b.divisor()) == 0
        && Double.compare(a.runMean(), b.runMean()) == 0
        && a.warmingUp() == b.warmingUp()
        && a.late() == b.late()
        && a.shadow() == b.shadow();
  }

  private static String shown(Weights weights) {
    return "%s divided by %s, run mean %s, warming up %s, late %s"
        .formatted(
            Arrays.toString(weights.raw()),
            weights.divisor(),
            weights.runMean(),
            weights.warmingUp(),
            weights.late());
  }
}
