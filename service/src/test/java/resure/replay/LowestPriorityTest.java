package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** What the operating system says of the thread. */
class LowestPriorityTest {

  /** Field of the nice value, counted from the first after the name of the thread. */
  private static final int NICE = 16;

  private static int nice() throws Exception {
    String stat = Files.readString(Path.of("/proc/thread-self/stat"));
    return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[NICE]);
  }

  @Test
  void itsThreadsAreTheNicestAndNoOthers() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/thread-self/stat")), "SKIPPED: no /proc to look at");
    int before = nice();
    try (var threads = Executors.newFixedThreadPool(2, LowestPriority.threads("nice-"))) {
      assertThat(threads.submit(LowestPriorityTest::nice).get()).isEqualTo(19);
      assertThat(threads.submit(() -> Thread.currentThread().getName()).get()).startsWith("nice-");
      assertThat(threads.submit(() -> Thread.currentThread().isDaemon()).get()).isTrue();
    }
    assertThat(nice()).isEqualTo(before).isLessThan(19);
  }
}
