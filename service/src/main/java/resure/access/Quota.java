package resure.access;

import java.util.Locale;

/** What a tenant may use a bounded part of. */
public enum Quota {
  /** Runs that there are. */
  RUNS,
  /** Batches sent, by time. */
  BATCHES_PER_SECOND,
  /** Event streams and exports that are open. */
  STREAMS,
  /** What is recorded, by size. */
  STORED_BYTES;

  /** The property that sets it. */
  public String property() {
    return "resure.quotas." + text();
  }

  /** As properties and metrics call it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
