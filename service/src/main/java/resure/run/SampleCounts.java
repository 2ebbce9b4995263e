package resure.run;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * How many observations a run had folded after each of its steps, in bounded memory: while there
 * are few steps exactly, then after every second, every fourth and so on, evenly between them. What
 * comes late counts with the step that folds it. Which steps are kept depends on nothing but the
 * folded steps. Owner thread only.
 */
final class SampleCounts {

  /** At least half as many steps are kept, once there are as many. */
  private static final int MOST = 512;

  private static final long NO_STEP = -1;

  /** Kept steps, ascending, and what was folded up to the end of each. */
  private long[] steps = new long[16];

  private long[] counts = new long[16];
  private int size;

  /** One of so many folded steps is kept. */
  private long stride = 1;

  private long folded;
  private long lastStep = NO_STEP;
  private long total;

  /** What can be known of a run that has folded so much, up to a step. */
  static SampleCounts of(long total, long lastStep) {
    SampleCounts counts = new SampleCounts();
    if (total > 0) {
      counts.folded(lastStep, total);
    }
    return counts;
  }

  /** A batch of {@code step} was folded. */
  void folded(long step, long observations) {
    if (step > lastStep) {
      keepLast();
      folded++;
      lastStep = step;
    }
    total += observations;
  }

  /** The last step is over: it is kept if it is its turn. */
  private void keepLast() {
    if (lastStep == NO_STEP || (folded - 1) % stride != 0) {
      return;
    }
    if (size == MOST) {
      for (int i = 0; i < size / 2; i++) {
        steps[i] = steps[2 * i];
        counts[i] = counts[2 * i];
      }
      size /= 2;
      stride *= 2;
      if ((folded - 1) % stride != 0) {
        return;
      }
    }
    if (size == steps.length) {
      steps = Arrays.copyOf(steps, 2 * size);
      counts = Arrays.copyOf(counts, 2 * size);
    }
    steps[size] = lastStep;
    counts[size++] = total;
  }

  /** Observations of steps before {@code step} that were folded. */
  long before(long step) {
    long asked = step - 1;
    if (asked >= lastStep) {
      return total;
    }
    int found = Arrays.binarySearch(steps, 0, size, asked);
    if (found >= 0) {
      return counts[found];
    }
    int next = -found - 1;
    if (next == 0) {
      return 0;
    }
    long count = counts[next - 1];
    if (stride == 1) {
      return count;
    }
    long nextStep = next < size ? steps[next] : lastStep;
    long nextCount = next < size ? counts[next] : total;
    double part = (double) (asked - steps[next - 1]) / (nextStep - steps[next - 1]);
    return count + (long) ((nextCount - count) * part);
  }

  void write(DataOutputStream out) throws IOException {
    out.writeLong(lastStep);
    out.writeLong(total);
    out.writeLong(folded);
    out.writeLong(stride);
    out.writeInt(size);
    for (int i = 0; i < size; i++) {
      out.writeLong(steps[i]);
      out.writeLong(counts[i]);
    }
  }

  static SampleCounts read(DataInputStream in) throws IOException {
    SampleCounts read = new SampleCounts();
    read.lastStep = in.readLong();
    read.total = in.readLong();
    read.folded = in.readLong();
    read.stride = in.readLong();
    read.size = in.readInt();
    read.steps = new long[Math.max(16, read.size)];
    read.counts = new long[Math.max(16, read.size)];
    for (int i = 0; i < read.size; i++) {
      read.steps[i] = in.readLong();
      read.counts[i] = in.readLong();
    }
    return read;
  }
}
