package resure.journal;

/** When an append counts as durable. */
public enum Durability {
  /** Once the disk says so: survives kill -9 and power loss. */
  FSYNC,
  /** Once the operating system has it: survives kill -9 only. */
  OS
}
