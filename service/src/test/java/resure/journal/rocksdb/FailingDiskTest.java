package resure.journal.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailingDiskTest {

  @TempDir private Path temporary;

  @ParameterizedTest(name = "{0}, durability {1}")
  @CsvSource({
    "a failed write, FSYNC, write 5",
    "a failed fsync, FSYNC, sync 5",
    "a full disk, FSYNC, write 28",
    "a full disk at fsync, FSYNC, sync 28",
    "a failed write, OS, write 5",
    "a full disk, OS, write 28"
  })
  void nothingAcknowledgedIsLostAndTheCheckRecovers(
      String failure, String durability, String trigger) throws Exception {
    FailingDisk disk = FailingDisk.compile(temporary);
    Path state = Files.createDirectory(temporary.resolve("state"));
    Path triggerFile = temporary.resolve("trigger");

    FailingDisk.Outcome outcome =
        disk.run(
            state,
            triggerFile,
            AppendUntilTheDiskFails.class,
            state.toString(),
            durability,
            triggerFile.toString(),
            trigger);

    assertThat(outcome.status()).as("%s: %s", failure, outcome.said()).isZero();
    assertThat(outcome.said()).contains("recovered ");
  }
}
