package resure.journal;

/** What a row of a read model is for: each kind has keys of its own. */
public enum RowKind {
  /** What a run found of each dialogue. */
  DIALOGUES,
  /** Per-turn series over the steps. */
  HISTORY
}
