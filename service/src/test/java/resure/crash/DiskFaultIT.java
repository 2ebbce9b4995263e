package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.contract.Answer;
import resure.journal.rocksdb.FailingDisk;

/** The packaged service on a disk that fails, and is well again after a while. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DiskFaultIT {

  private static final Duration RECOVERY = Duration.ofSeconds(20);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final Random random = new Random(17);
  private int batches;

  /** Breaks a disk or mends it. */
  private interface Switch {
    void turn() throws IOException;
  }

  @Test
  void theServiceStopsTakingBatchesWhileTheDiskFailsAndRecoversByItself() throws Exception {
    FailingDisk disk = FailingDisk.compile(temporary);
    Path state = Files.createDirectory(temporary.resolve("state"));
    Path trigger = temporary.resolve("trigger");
    try (ServiceProcess service = ServiceProcess.start(state, disk.environment(state, trigger))) {
      // One after the other in one process: each recovery must be as good as a start.
      for (String failure : List.of("write 5", "sync 5", "write 28", "sync 28")) {
        failAndRecover(
            service,
            failure.replace(' ', '-'),
            () -> Files.writeString(trigger, failure),
            () -> Files.delete(trigger),
            true);
      }
    }
  }

  @Test
  void theServiceStopsTakingBatchesOnAFullDiskAndRecoversByItself() throws Exception {
    Path mount = Files.createDirectory(temporary.resolve("small"));
    Assumptions.assumeTrue(
        // Too small for the room that RocksDB reserves: else many batches fit when it is full.
        run("mount", "-t", "tmpfs", "-o", "size=16m", "none", mount.toString()) == 0,
        "SKIPPED: no permission to mount a small file system, so none can be filled");
    try {
      Path filler = mount.resolve("filler");
      try (ServiceProcess service = ServiceProcess.start(mount, Map.of())) {
        // Reopening gives back room that was reserved, and may so succeed on the full disk.
        failAndRecover(service, "full", () -> fill(filler), () -> Files.delete(filler), false);
      }
    } finally {
      run("umount", mount.toString());
    }
  }

  private static void fill(Path filler) throws IOException {
    byte[] some = new byte[4096];
    try (OutputStream out = Files.newOutputStream(filler)) {
      while (true) {
        out.write(some);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  /**
   * @param lasts whether reopening cannot succeed before the disk is mended
   */
  private void failAndRecover(
      ServiceProcess service, String name, Switch fail, Switch mend, boolean lasts)
      throws Exception {
    String path = "/v1/runs/" + name;
    assertThat(service.send("PUT", path, "{\"warmUp\":2}").status()).isEqualTo(201);
    List<SentBatch> answered = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      SentBatch batch = batch();
      batch.answered(post(service, path, batch, 200));
      answered.add(batch);
    }
    String statistics = service.get(path + "/statistics").text();
    assertThat(service.readiness()).isEqualTo(200);

    long failing = System.nanoTime();
    fail.turn();
    // A disk that is full may have room in blocks that a file has already.
    SentBatch inFlight = batch();
    Answer failed = answer(service, path, inFlight);
    while (failed.status() == 200) {
      inFlight.answered(failed);
      answered.add(inFlight);
      statistics = null;
      inFlight = batch();
      failed = answer(service, path, inFlight);
    }
    assertThat(failed.outcome()).isEqualTo("503 outcome-unknown");
    assertThat(service.said()).contains("The store is unavailable");
    if (lasts) {
      assertThat(service.readiness()).isEqualTo(503);
      for (int i = 0; i < 3; i++) {
        Answer refused = post(service, path, batch(), 503);
        assertThat(refused.outcome()).isEqualTo("503 store-unavailable");
        assertThat(refused.header("Retry-After")).isNotEmpty();
      }
      assertThat(service.get(path).status()).isIn(200, 503);
      assertThat(service.readiness()).isEqualTo(503);
    }

    long fell = System.nanoTime();
    mend.turn();
    service.await("readiness to come back", RECOVERY, () -> service.readiness() == 200);
    System.out.printf(
        "%s: failing for %d ms, well %d ms after that%n",
        name, (fell - failing) / 1_000_000, (System.nanoTime() - fell) / 1_000_000);
    Map<Long, List<String>> there = export(service, path);
    long recorded = there.size();
    assertThat(recorded).isBetween((long) answered.size(), answered.size() + 1L);
    if (recorded == answered.size() && statistics != null) {
      assertThat(service.get(path + "/statistics").text()).isEqualTo(statistics);
    }
    Answer retried = post(service, path, inFlight, 200);
    assertThat(retried.header("Idempotency-Replayed"))
        .isEqualTo(recorded > answered.size() ? "true" : "");
    inFlight.answered(retried);
    answered.add(inFlight);
    for (SentBatch batch : answered) {
      Answer replayed = post(service, path, batch, 200);
      assertThat(replayed.header("Idempotency-Replayed")).isEqualTo("true");
      batch.answered(replayed);
    }
    Map<Long, List<String>> exported = export(service, path);
    assertThat(exported).hasSameSizeAs(answered);
    answered.forEach(batch -> batch.exported(batch.sequence(), exported.get(batch.sequence())));
  }

  private SentBatch batch() {
    batches++;
    return new SentBatch("b" + batches, "key-" + batches, batches, 0, 0, null, random);
  }

  private static Answer answer(ServiceProcess service, String path, SentBatch batch) {
    Answer answer =
        service.send("POST", path + "/observations", batch.body(), "Idempotency-Key", batch.key());
    assertThat(answer).as(batch::toString).isNotNull();
    return answer;
  }

  private static Answer post(ServiceProcess service, String path, SentBatch batch, int status) {
    Answer answer = answer(service, path, batch);
    assertThat(answer.status()).as(answer::text).isEqualTo(status);
    return answer;
  }

  private static Map<Long, List<String>> export(ServiceProcess service, String path) {
    return service
        .get(path + "/observations")
        .text()
        .lines()
        .collect(Collectors.groupingBy(SentBatch::sequenceOf));
  }
}
