package resure.replay;

/** Is told how far a trial has come, on the thread that runs it. */
public interface Progress {

  /**
   * Called several times a second, with values that never fall. It may throw a {@link
   * java.util.concurrent.CancellationException}, which ends the trial.
   *
   * @param fraction of all work, from 0 to 1
   */
  void at(double fraction);
}
