package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import resure.compute.djl.Djl;
import resure.contract.Answer;
import resure.journal.rocksdb.FailingDisk;

/** How the packaged service starts, or refuses to. */
@Timeout(value = 30 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StartIT {

  private static final Duration END = Duration.ofSeconds(120);
  private static final int FLIPS = Integer.getInteger("resure.crash.flips", 4);
  private static final long SEED = Long.getLong("resure.crash.seed", System.nanoTime());

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private String refused(Path state, Map<String, String> environment, String... properties)
      throws IOException {
    try (ServiceProcess service = ServiceProcess.launch(state, environment, properties)) {
      assertThat(service.becameReady()).as(service::said).isFalse();
      assertThat(service.exitStatus(END)).as(service::said).isEqualTo(1);
      String said = service.said();
      assertThat(said).doesNotContain("\tat ").doesNotContain("Ready: ");
      return said;
    }
  }

  @Test
  void tensorsWithoutTheirLibraryAreRefusedWithWhereItWasSought() throws IOException {
    Path state = temporary.resolve("state");
    String said =
        refused(state, Map.of("PYTORCH_LIBRARY_PATH", "/nowhere"), "resure.compute.backend=djl");

    assertThat(said)
        .contains(
            "resure.compute.backend is djl, which cannot be used: libtorch could not be loaded",
            "resure.compute.libtorch (not set)",
            "PYTORCH_LIBRARY_PATH (/nowhere)",
            "pytorch-native-* on the class path",
            "docs/gpu.md");
    assertThat(
            refused(state, Map.of(), "resure.compute.backend=djl", "resure.compute.libtorch=/no"))
        .contains("there is no folder /no");
  }

  @Test
  void aDeviceThatIsNotThereIsRefused() throws IOException {
    assertThat(
            refused(
                temporary.resolve("state"),
                Map.of(),
                "resure.compute.backend=djl",
                "resure.compute.device=gpu:63",
                "resure.compute.libtorch=" + Djl.libtorch()))
        .contains("there is no gpu:63: libtorch 2.7.1 finds ");
  }

  @Test
  void allFaultsOfTheConfigurationAreToldAtOnce() throws IOException {
    Path state = temporary.resolve("state");
    String said =
        refused(
            state,
            Map.of("RESURE_METRICS_MAX_TURNS", "2000"),
            "resure.durability=maybe",
            "resure.limits.losses=0",
            "resure.runs.idle-after=soon",
            "resure.limits.bdy=1MB",
            "server.address=0.0.0.0");

    assertThat(said)
        .contains("resure.durability is 'maybe'; valid is fsync or os")
        .contains("resure.limits.losses is '0'; valid is a whole number from 1 to 1000000")
        .contains("resure.runs.idle-after is 'soon'; valid is a duration from 1s to 365d")
        .contains("resure.metrics.max-turns is '2000'; valid is a whole number from 1 to 1024")
        .contains("resure.limits.bdy is not a property of this service")
        .contains("server.address is '0.0.0.0'", "resure.access.anonymous=true");
    assertThat(state).doesNotExist();
  }

  @Test
  void otherAddressesThanLoopbackNeedConsent() throws IOException {
    Path state = temporary.resolve("state");
    assertThat(refused(state, Map.of(), "management.server.address=0.0.0.0"))
        .contains("management.server.address is '0.0.0.0'");
    try (ServiceProcess service =
        ServiceProcess.start(
            state, Map.of(), "server.address=0.0.0.0", "resure.access.anonymous=true")) {
      assertThat(service.get("/v1/runs").status()).isEqualTo(200);
    }
  }

  @Test
  void aForeignDirectoryIsRefusedAndLeftAlone() throws IOException {
    Path foreign = Files.createDirectory(temporary.resolve("foreign"));
    Files.writeString(foreign.resolve("thesis.tex"), "text");

    assertThat(refused(foreign, Map.of())).contains(foreign.toString(), "thesis.tex", "empty");
    try (Stream<Path> content = Files.list(foreign)) {
      assertThat(content).containsExactly(foreign.resolve("thesis.tex"));
    }
  }

  @Test
  void aReadOnlyDirectoryIsRefused() throws Exception {
    FailingDisk disk = FailingDisk.compile(temporary);
    Path trigger = temporary.resolve("trigger");
    Path state = Files.createDirectory(temporary.resolve("state"));
    Map<String, String> environment = disk.environment(state, trigger);
    Files.writeString(trigger, "open 30");
    assertThat(refused(state, environment)).contains(state.toString(), "writable");

    Files.delete(trigger);
    try (ServiceProcess service = ServiceProcess.start(state, environment)) {
      assertThat(service.send("PUT", "/v1/runs/kept", "").status()).isEqualTo(201);
    }
    Files.writeString(trigger, "open 30");
    assertThat(refused(state, environment)).contains(state.toString(), "writable");

    Files.delete(trigger);
    try (ServiceProcess service = ServiceProcess.start(state, environment)) {
      assertThat(service.get("/v1/runs/kept").status()).isEqualTo(200);
    }
  }

  @Test
  void aDirectoryInUseIsRefusedAndItsUserGoesOn() throws IOException {
    Path state = temporary.resolve("state");
    try (ServiceProcess service = ServiceProcess.start(state, Map.of())) {
      assertThat(refused(state, Map.of())).contains(state.toString(), "in use");
      assertThat(service.send("PUT", "/v1/runs/mine", "").status()).isEqualTo(201);
    }
  }

  /** {@code -Dresure.crash.flips=100} for more of them; the journal's own tests have thousands. */
  @Test
  void aFlippedBitIsNeverADifferentAnswer() throws IOException {
    System.out.println("resure.crash.seed " + SEED + ", flips " + FLIPS + ", in " + temporary);
    Random random = new Random(SEED);
    Path good = temporary.resolve("good");
    Trainer trainer = new Trainer("run", "{\"warmUp\":4}", true, SEED);
    for (int i = 0; i < 2; i++) {
      // The second start writes tables of what the first has left in the log.
      try (ServiceProcess service = ServiceProcess.start(good, Map.of())) {
        int enough = trainer.answers() + 150;
        trainer.train(service, () -> trainer.answers() >= enough);
        trainer.prepareRewind(service);
      }
    }
    Map<String, Answer> before;
    Path copy = temporary.resolve("copy");
    FileSystemUtils.copyRecursively(good, copy);
    try (ServiceProcess service = ServiceProcess.start(copy, Map.of())) {
      before = answers(service);
    }
    List<Path> files = files(good);
    Collections.shuffle(files, random);
    for (int i = 0; i < FLIPS; i++) {
      Path file = files.get(i % files.size());
      byte[] bytes = Files.readAllBytes(file);
      int at = random.nextInt(bytes.length);
      bytes[at] ^= (byte) (1 << random.nextInt(8));
      FileSystemUtils.deleteRecursively(copy);
      FileSystemUtils.copyRecursively(good, copy);
      Files.write(copy.resolve(good.relativize(file)), bytes);
      requireNoOtherAnswer(copy, before, file.getFileName() + " at " + at);
    }
  }

  private static void requireNoOtherAnswer(Path state, Map<String, Answer> before, String flip)
      throws IOException {
    try (ServiceProcess service = ServiceProcess.launch(state, Map.of())) {
      if (!service.becameReady()) {
        assertThat(service.exitStatus(END)).as(service::said).isEqualTo(1);
        assertThat(service.said()).as(flip).contains(state.toString()).doesNotContain("\tat ");
        System.out.println("  " + flip + ": refused");
        return;
      }
      List<String> outcomes = new ArrayList<>();
      answers(service)
          .forEach(
              (path, answer) -> {
                if (answer.status() == 200) {
                  assertThat(answer.text()).as(flip).isEqualTo(before.get(path).text());
                } else {
                  assertThat(answer.outcome()).as(flip).startsWith("503 run-damaged");
                }
                outcomes.add(path + " " + answer.status());
              });
      System.out.println("  " + flip + ": " + outcomes);
    }
  }

  private static Map<String, Answer> answers(ServiceProcess service) {
    Map<String, Answer> answers = new HashMap<>();
    for (String path : List.of("", "/statistics", "/observations")) {
      Answer answer = service.send("GET", "/v1/runs/run" + path, "");
      // An export that meets the damage late can only be cut.
      assertThat(answer != null || path.equals("/observations")).as(service::said).isTrue();
      if (answer != null) {
        answers.put(path, answer);
      }
    }
    return answers;
  }

  /** What RocksDB says for people to read is in LOG; the two lock files are empty. */
  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return new ArrayList<>(
          all.filter(Files::isRegularFile)
              .filter(file -> file.toFile().length() > 0)
              .filter(file -> !file.getFileName().toString().startsWith("LOG"))
              .sorted()
              .toList());
    }
  }
}
