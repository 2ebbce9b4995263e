package resure.journal;

/** A run's folded state at one place of its journal, as bytes that only the run understands. */
public final class Snapshot {

  private final Head head;
  private final byte[] state;

  /** Takes over the array. */
  public Snapshot(Head head, byte[] state) {
    this.head = head;
    this.state = state;
  }

  /** Where the run's journal ended with the last entry that is in it. */
  public Head head() {
    return head;
  }

  /** Position of the last entry that is in it. */
  public long sequence() {
    return head.sequence();
  }

  /** The state. */
  public byte[] state() {
    return state;
  }
}
