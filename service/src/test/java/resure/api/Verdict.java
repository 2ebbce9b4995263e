package resure.api;

/** What a reader says of a body. */
enum Verdict {
  ACCEPTED,
  /** Well-formed, and no batch. */
  REFUSED,
  MALFORMED
}
