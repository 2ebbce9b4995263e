package resure.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When backups are made, which are kept, and what is left when one fails. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackupsTest {

  private static final Duration DAY = Duration.ofDays(1);

  @TempDir private Path temporary;

  private Instant now = Instant.parse("2026-01-31T12:00:00.250Z");
  private int content;
  private @Nullable String failure;

  private final class Numbers implements Source {
    @Override
    public String id() {
      return "1b2c3d4e";
    }

    @Override
    public void backUp(Path directory) throws IOException {
      Files.createDirectory(directory);
      Files.writeString(directory.resolve("content"), "%05d".formatted(++content));
      if (failure != null) {
        throw new IOException(failure);
      }
    }
  }

  private Path directory() {
    return temporary.resolve("backups");
  }

  private Backups backups(int keep) {
    InstantSource clock = () -> now;
    return new Backups(directory(), keep, new Numbers(), clock);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> content = Files.list(directory())) {
      return content.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aBackupIsNamedByItsTimeAndItsSource() throws Exception {
    try (Backups backups = backups(3)) {
      assertThat(backups.ageSeconds()).isNaN();
      assertThat(backups.list()).isEmpty();

      Backup made = backups.make();

      assertThat(made).isEqualTo(new Backup("20260131T120000.250Z-1b2c3d4e", now, 5));
      assertThat(backups.list()).containsExactly(made);
      now = now.plusSeconds(90);
      assertThat(backups.ageSeconds()).isEqualTo(90);
      assertThat(backups.failures()).isZero();
    }
    assertThat(backups(3).ageSeconds()).isEqualTo(90);
  }

  @Test
  void theOldestGoOnceANewerOneIsWholeAndNothingElseDoes() throws Exception {
    Files.createDirectories(directory().resolve("notes"));
    Files.createDirectories(directory().resolve("20250131T120000.250Z-ffffffff"));
    Files.createDirectories(directory().resolve("20260131T115900.250Z-1b2c3d4e.part/deep"));
    Files.createDirectories(directory().resolve("20260131T115800.250Z-1b2c3d4e.gone/deep"));
    Files.createDirectories(directory().resolve("20260131T115900.250Z-ffffffff.part"));
    try (Backups backups = backups(2)) {
      for (int i = 0; i < 4; i++) {
        backups.make();
        now = now.plusSeconds(1);
      }
    }

    assertThat(names())
        .containsExactly(
            "20250131T120000.250Z-ffffffff",
            "20260131T115900.250Z-ffffffff.part",
            "20260131T120002.250Z-1b2c3d4e",
            "20260131T120003.250Z-1b2c3d4e",
            "notes");
  }

  @Test
  void oneThatFailsLeavesTheOthersAndIsCounted() throws Exception {
    try (Backups backups = backups(1)) {
      backups.make();
      now = now.plusSeconds(5);
      failure = "no space left";

      assertThatThrownBy(backups::make).hasMessage("no space left");

      assertThat(names()).containsExactly("20260131T120000.250Z-1b2c3d4e");
      assertThat(backups.failures()).isEqualTo(1);
      assertThat(backups.lastFailure()).contains("no space left");
      assertThat(backups.ageSeconds()).isEqualTo(5);
      failure = null;
      backups.make();
      assertThat(names()).containsExactly("20260131T120005.250Z-1b2c3d4e");
      assertThat(backups.ageSeconds()).isZero();
    }
  }

  @Test
  void aDirectoryThatCannotBeMadeFailsAndIsTriedAgain() throws Exception {
    Files.writeString(directory(), "a file");
    try (Backups backups = backups(1)) {
      assertThatThrownBy(backups::make).isInstanceOf(IOException.class);
      Files.delete(directory());
      assertThat(backups.make()).isNotNull();
      assertThat(backups.failures()).isEqualTo(1);
    }
  }

  @Test
  void theScheduleMakesOneWheneverTheNewestIsOldEnough() throws Exception {
    try (Backups backups = backups(9)) {
      assertThat(backups.work(DAY)).isEqualTo(DAY);
      assertThat(content).isEqualTo(1);
      now = now.plus(DAY).minusMillis(1);
      assertThat(backups.work(DAY)).isEqualTo(Duration.ofMillis(1));
      backups.make();
      now = now.plusMillis(1);
      // One that was asked for counts too.
      assertThat(backups.work(DAY)).isEqualTo(DAY.minusMillis(1));
      assertThat(content).isEqualTo(2);
      now = now.plus(DAY);
      failure = "full";
      assertThat(backups.work(DAY)).isEqualTo(Duration.ofMinutes(10));
      assertThat(backups.work(Duration.ofMinutes(2))).isEqualTo(Duration.ofMinutes(2));
      failure = null;
      assertThat(backups.work(DAY)).isEqualTo(DAY);
      assertThat(content).isEqualTo(5);
    }
    try (Backups again = backups(9)) {
      now = now.plusSeconds(60);
      assertThat(again.work(DAY)).isEqualTo(DAY.minusSeconds(60));
    }
  }

  @Test
  void aClockThatWasPutBackDelaysNoneForLongerThanTheInterval() throws Exception {
    try (Backups backups = backups(1)) {
      backups.make();
      now = now.minus(Duration.ofDays(30));

      assertThat(backups.work(DAY)).isEqualTo(DAY);
      Backup made = backups.make();

      assertThat(names()).contains(made.name());
      assertThat(backups.ageSeconds()).isZero();
    }
  }

  @Test
  void whileOneIsMadeNoOtherIs() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    Source slow =
        new Source() {
          @Override
          public String id() {
            return "slow";
          }

          @Override
          public void backUp(Path directory) throws IOException {
            Files.createDirectory(directory);
            begun.countDown();
            try {
              assertThat(mayEnd.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }
        };
    try (Backups backups = new Backups(directory(), 1, slow, () -> now);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<Backup> made = other.submit(backups::make);
      assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(backups.make()).isNull();
      mayEnd.countDown();
      assertThat(made.get(30, TimeUnit.SECONDS)).isNotNull();
    }
  }
}
