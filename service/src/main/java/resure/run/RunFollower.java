package resure.run;

import resure.journal.Head;
import resure.journal.RunKey;

/** Wants to know what happens to the runs that are in memory. */
public interface RunFollower {

  /** Follows none. */
  RunFollower NONE =
      new RunFollower() {
        @Override
        public RunEvents follow(RunKey run, Head head, long newestStep, RunPast past) {
          return RunEvents.NONE;
        }

        @Override
        public void close() {}
      };

  /**
   * A run was made or read. By the thread that owns it; must not block.
   *
   * @param head where its journal ends with what was applied
   * @param newestStep of which a batch was applied; -1 for none
   * @param past tells what happened before
   * @return who is told what happens from now on
   */
  RunEvents follow(RunKey run, Head head, long newestStep, RunPast past);

  /** Nothing more will happen; the store is still open. Blocking. */
  void close();
}
