package resure.journal;

import org.jspecify.annotations.Nullable;

/** A row that is to be there, or to be there no more. */
public final class RowChange {

  private final RowKind kind;
  private final byte[] key;
  private final byte @Nullable [] content;

  private RowChange(RowKind kind, byte[] key, byte @Nullable [] content) {
    this.kind = kind;
    this.key = key;
    this.content = content;
  }

  /** Puts a row, in place of the one of that key if there is one. Takes over the arrays. */
  public static RowChange put(RowKind kind, byte[] key, byte[] content) {
    return new RowChange(kind, key, content);
  }

  /** Removes a row if it is there. Takes over the array. */
  public static RowChange remove(RowKind kind, byte[] key) {
    return new RowChange(kind, key, null);
  }

  /** Which rows it is of. */
  public RowKind kind() {
    return kind;
  }

  /** Of the row. */
  public byte[] key() {
    return key;
  }

  /** What the row is to hold; null when it is to go. */
  public byte @Nullable [] content() {
    return content;
  }
}
