package resure.journal;

/** A run's folded state at a sequence number, as bytes that only the run understands. */
public final class Snapshot {

  private final long sequence;
  private final byte[] state;

  /** Takes over the array. */
  public Snapshot(long sequence, byte[] state) {
    this.sequence = sequence;
    this.state = state;
  }

  /** The last entry that is in it. */
  public long sequence() {
    return sequence;
  }

  /** The state. */
  public byte[] state() {
    return state;
  }
}
