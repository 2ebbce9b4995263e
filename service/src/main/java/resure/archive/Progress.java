package resure.archive;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import resure.journal.RunKey;

/** Counts what is moved and says so every few seconds, and at the end. One thread. */
public final class Progress {

  private static final long EVERY_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final String what;
  private final Consumer<String> lines;
  private final LongSupplier nanoTime;
  private final long begun;
  private long said;
  private long batchesSaid;
  private long runs;
  private long batches;
  private long there;
  private long bytes;
  private long faults;
  private long entries;
  private long snapshots;

  /**
   * Begins to count.
   *
   * @param what is done; begins every line
   * @param lines takes the lines
   */
  public Progress(String what, Consumer<String> lines, LongSupplier nanoTime) {
    this.what = what;
    this.lines = lines;
    this.nanoTime = nanoTime;
    begun = nanoTime.getAsLong();
    said = begun;
  }

  /** A run is where it should be, whole. */
  void run() {
    runs++;
  }

  /** So many batches, and bytes of all kinds of entries, were moved. */
  void moved(int ofThemBatches, long entryBytes) {
    batches += ofThemBatches;
    bytes += entryBytes;
    tick();
  }

  /** So many entries were where they should be. */
  void there(int entries) {
    there += entries;
    tick();
  }

  /** A run was read to its end. */
  public void verified(long entries, int snapshots) {
    runs++;
    this.entries += entries;
    this.snapshots += snapshots;
    tick();
  }

  /** A run was not moved, or not all of it; or something of it is not as it should be. */
  public void fault(RunKey run, String why) {
    faults++;
    say("run %s of tenant %s: %s".formatted(run.id().name(), run.id().tenant(), why));
  }

  /** Says something at once. */
  public void say(String line) {
    lines.accept(what + ": " + line);
  }

  private void tick() {
    long now = nanoTime.getAsLong();
    if (now - said >= EVERY_NANOS) {
      say(line(batches - batchesSaid, now - said));
      said = now;
      batchesSaid = batches;
    }
  }

  private String line(long ofBatches, long nanos) {
    if (batches == 0 && entries > 0) {
      return "%d runs, %d entries, %d snapshots".formatted(runs, entries, snapshots);
    }
    return String.format(
        Locale.ROOT,
        "%d runs, %d batches, %.1f MB, %.0f batches a second",
        runs,
        batches,
        bytes / 1e6,
        nanos == 0 ? 0 : ofBatches * 1e9 / nanos);
  }

  /** Says the last line. */
  public void end() {
    long nanos = nanoTime.getAsLong() - begun;
    say(
        "%s in %s%s%s"
            .formatted(
                line(batches, nanos),
                String.format(Locale.ROOT, "%.1f s", nanos / 1e9),
                there == 0 ? "" : "; %d entries were there before".formatted(there),
                faults == 0 ? "" : "; %d faults, named above".formatted(faults)));
  }

  /** How many runs were not moved, or not all of them. */
  public long faults() {
    return faults;
  }
}
