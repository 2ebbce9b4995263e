package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** What the operating system says of the thread. */
class LowestPriorityTest {

  /** Field of the scheduling policy, counted from the first after the name of the thread. */
  private static final int POLICY = 38;

  private static final int SCHED_IDLE = 5;

  private static int policy() throws Exception {
    String stat = Files.readString(Path.of("/proc/thread-self/stat"));
    return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[POLICY]);
  }

  @Test
  void itsThreadsAreIdleAndNoOthers() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/thread-self/stat")), "SKIPPED: no /proc to look at");
    int before = policy();
    try (var threads = Executors.newFixedThreadPool(2, LowestPriority.threads("idle-"))) {
      assertThat(threads.submit(LowestPriorityTest::policy).get()).isEqualTo(SCHED_IDLE);
      assertThat(threads.submit(() -> Thread.currentThread().getName()).get()).startsWith("idle-");
      assertThat(threads.submit(() -> Thread.currentThread().isDaemon()).get()).isTrue();
    }
    assertThat(policy()).isEqualTo(before).isNotEqualTo(SCHED_IDLE);
  }
}
