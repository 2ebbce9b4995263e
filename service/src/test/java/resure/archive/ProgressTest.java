package resure.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import resure.journal.Entries;

/** What is said of a move while it lasts. */
class ProgressTest {

  private final List<String> said = new ArrayList<>();
  private long now;
  private final Progress progress = new Progress("import", said::add, () -> now);

  private void after(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Test
  void aLineEveryThreeSecondsAndALastOne() {
    for (int i = 0; i < 7; i++) {
      after(1000);
      progress.moved(10_000 * (i + 1), 1_000_000);
      progress.run();
    }
    progress.end();

    assertThat(said)
        .containsExactly(
            "import: 2 runs, 60000 batches, 3.0 MB, 20000 batches a second",
            "import: 5 runs, 210000 batches, 6.0 MB, 50000 batches a second",
            "import: 7 runs, 280000 batches, 7.0 MB, 40000 batches a second in 7.0 s");
  }

  @Test
  void whatWasThereAndWhatIsWrongIsSaid() {
    progress.there(7);
    progress.fault(Entries.run("sft-42"), "left out");
    progress.end();

    assertThat(progress.faults()).isEqualTo(1);
    assertThat(said)
        .containsExactly(
            "import: run sft-42 of tenant default: left out",
            "import: 0 runs, 0 batches, 0.0 MB, 0 batches a second in 0.0 s; 7 entries were there"
                + " before; 1 faults, named above");
  }
}
