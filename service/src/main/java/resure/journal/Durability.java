package resure.journal;

/** What an answered batch survives. */
public enum Durability {
  /** Power loss: each group is synced before it is answered. */
  FSYNC,
  /** The end of the process, kill -9 included, but not of the machine. */
  OS
}
