package resure.run;

import resure.journal.Head;

/**
 * Is told what happens to one run, in order of sequence, by the thread that applies it. Must not
 * block, and must be quick: it is the thread that scores.
 */
public interface RunEvents {

  /** For who wants to know nothing. */
  RunEvents NONE =
      new RunEvents() {
        @Override
        public void happened(RunEvent event) {}

        @Override
        public void reached(Head head, long newestStep) {}

        @Override
        public void ended() {}
      };

  /** An entry was applied; is called again for each other thing that happened with it. */
  void happened(RunEvent event);

  /**
   * Everything up to here has been told.
   *
   * @param head where the run's journal ends with what was applied
   * @param newestStep of which a batch was applied; -1 for none
   */
  void reached(Head head, long newestStep);

  /** Nothing more will be told: the run leaves memory. */
  void ended();
}
