package resure.bench;

/** Size of the batches of a measurement. */
public enum Shape {
  /** 16 dialogues of 8 losses: a batch of a small model on one device. */
  S(16, 8),
  /** 128 dialogues of 16 losses. */
  L(128, 16),
  /** One dialogue of 8 losses: for journals of very many batches. */
  XS(1, 8);

  private final int dialogues;
  private final int turns;

  Shape(int dialogues, int turns) {
    this.dialogues = dialogues;
    this.turns = turns;
  }

  /** Dialogues of a batch. */
  public int dialogues() {
    return dialogues;
  }

  /** Losses of each dialogue. */
  public int turns() {
    return turns;
  }

  /** Losses of a batch. */
  public int losses() {
    return dialogues * turns;
  }
}
