package resure.journal;

/** A row that was read. The arrays are the reader's. */
public final class Row {

  private final byte[] key;
  private final byte[] content;

  /** Takes over the arrays. */
  public Row(byte[] key, byte[] content) {
    this.key = key;
    this.content = content;
  }

  /** Tells it from the run's other rows of its kind. */
  public byte[] key() {
    return key;
  }

  /** What it holds. */
  public byte[] content() {
    return content;
  }
}
