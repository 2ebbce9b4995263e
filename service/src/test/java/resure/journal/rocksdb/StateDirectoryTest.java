package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.RunKey;

/** Which directories are opened, which are initialised, and which are refused. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StateDirectoryTest {

  @TempDir private Path temporary;

  private static RocksDbJournal open(Path directory) throws JournalException {
    return RocksDbJournal.open(directory, Durability.FSYNC);
  }

  private Path initialised(String name) throws JournalException {
    Path directory = temporary.resolve(name);
    open(directory).close();
    return directory;
  }

  private static void requireRefused(
      Path directory, Class<? extends JournalException> as, String... says) {
    assertThatThrownBy(() -> open(directory))
        .isInstanceOf(as)
        .hasMessageContaining(directory.toString())
        .hasMessageContainingAll(says);
  }

  @Test
  void anAbsentOrEmptyDirectoryIsInitialisedAlsoOnAFreshVolume() throws Exception {
    initialised("absent/below/absent");
    Path volume = Files.createDirectory(temporary.resolve("volume"));
    Files.createDirectory(volume.resolve("lost+found"));
    open(volume).close();
    open(volume).close();
  }

  @Test
  void aForeignDirectoryIsRefusedAndLeftAlone() throws Exception {
    Path foreign = Files.createDirectory(temporary.resolve("foreign"));
    Files.writeString(foreign.resolve("thesis.tex"), "text");

    requireRefused(foreign, JournalUnavailableException.class, "thesis.tex", "empty");
    assertThat(foreign.toFile().list()).containsExactly("thesis.tex");
  }

  @Test
  void aFileInPlaceOfADirectoryIsRefused() throws Exception {
    Path file = Files.writeString(temporary.resolve("file"), "text");

    requireRefused(file, JournalUnavailableException.class, "not a directory");
  }

  @Test
  void aNewerFormatIsRefused() throws Exception {
    Path directory = initialised("newer");
    Files.writeString(
        directory.resolve(StateDirectory.MARKER),
        StateDirectory.marker(StateDirectory.FORMAT + 1, UUID.randomUUID(), true));

    requireRefused(directory, JournalUnavailableException.class, "format 5", "newer release");
  }

  @Test
  void aDirectoryOfAnEarlierReleaseIsTakenOverAndRefusedByThatOneFromThenOn() throws Exception {
    Path directory = initialised("older");
    byte[] marker = Files.readAllBytes(directory.resolve(StateDirectory.MARKER));

    StateDirectory later = StateDirectory.open(directory, StateDirectory.FORMAT + 1);
    assertThat(later.ready()).isTrue();
    later.close();

    assertThat(Files.readAllBytes(directory.resolve(StateDirectory.MARKER))).isNotEqualTo(marker);
    requireRefused(
        directory,
        JournalUnavailableException.class,
        "format %d, this one reads up to %d"
            .formatted(StateDirectory.FORMAT + 1, StateDirectory.FORMAT),
        "restore a backup");
    StateDirectory.open(directory, StateDirectory.FORMAT + 1).close();
  }

  @Test
  void aFormatOfNoReleaseIsRefused() throws Exception {
    Path directory = initialised("older");
    Files.writeString(
        directory.resolve(StateDirectory.MARKER),
        StateDirectory.marker(2, UUID.randomUUID(), true));

    requireRefused(
        directory, JournalUnavailableException.class, "format 2", "before the first release");
  }

  @Test
  void aDamagedMarkerIsRefused() throws Exception {
    Path directory = initialised("damaged");
    Path marker = directory.resolve(StateDirectory.MARKER);
    byte[] good = Files.readAllBytes(marker);
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 1;
      Files.write(marker, bad);
      requireRefused(directory, CorruptJournalException.class, StateDirectory.MARKER);
    }
    Files.write(marker, good);
    open(directory).close();
  }

  @Test
  void aMarkerWithoutItsDatabaseIsRefused() throws Exception {
    Path directory = initialised("gutted");
    Files.move(directory.resolve("journal"), temporary.resolve("elsewhere"));
    requireRefused(directory, CorruptJournalException.class, "no database", "backup");

    Files.createDirectory(directory.resolve("journal"));
    requireRefused(directory, CorruptJournalException.class, "backup");
    assertThat(directory.resolve("journal").toFile().list()).isEmpty();
  }

  @Test
  void aDatabaseWithoutItsMarkerIsRefused() throws Exception {
    Path directory = initialised("unmarked");
    Files.delete(directory.resolve(StateDirectory.MARKER));

    requireRefused(directory, JournalUnavailableException.class, StateDirectory.MARKER, "journal");
  }

  @Test
  void filesOfTwoDirectoriesAreNotMixed() throws Exception {
    Path one = initialised("one");
    Path two = initialised("two");
    Files.copy(
        two.resolve("watermark"), one.resolve("watermark"), StandardCopyOption.REPLACE_EXISTING);
    requireRefused(one, CorruptJournalException.class, "another store");

    Files.delete(one.resolve("watermark"));
    Files.move(one.resolve("journal"), temporary.resolve("aside"));
    Files.move(two.resolve("journal"), one.resolve("journal"));
    requireRefused(one, CorruptJournalException.class, "two directories");
  }

  @Test
  void anInitialisationThatWasCutShortIsBegunAgain() throws Exception {
    Path directory = initialised("cut");
    Files.writeString(
        directory.resolve(StateDirectory.MARKER),
        StateDirectory.marker(StateDirectory.FORMAT, UUID.randomUUID(), false));
    open(directory).close();

    Path draft = Files.createDirectory(temporary.resolve("draft"));
    Files.writeString(draft.resolve("resure.state.new"), "half of a mar");
    open(draft).close();
  }

  @Test
  void aSecondOpenerInTheSameProcessIsRefusedAndTheFirstGoesOn() throws Exception {
    Path directory = temporary.resolve("busy");
    RunKey run = Entries.run("busy");
    try (RocksDbJournal first = open(directory)) {
      requireRefused(directory, JournalUnavailableException.class, "in use");
      requireRefused(directory.resolve("../busy"), JournalUnavailableException.class, "in use");
      Entries.append(first, run, Entries.created());
    }
    try (RocksDbJournal second = open(directory)) {
      assertThat(second.lookup(run.id())).isEqualTo(run);
    }
  }

  /** Opens a directory in a process of its own and says how that went. */
  static final class Opener {
    private Opener() {}

    public static void main(String[] arguments) {
      try {
        open(Path.of(arguments[0])).close();
        System.out.println("opened");
      } catch (JournalException e) {
        System.out.println("refused: " + e.getMessage());
      }
    }
  }

  @Test
  void aSecondProcessIsRefusedAlsoAfterAnAttemptInTheFirst() throws Exception {
    Path directory = temporary.resolve("busy");
    try (RocksDbJournal first = open(directory)) {
      first.check();
      requireRefused(directory, JournalUnavailableException.class, "in use");
      assertThat(openElsewhere(directory)).contains("refused", "in use", directory.toString());
    }
    assertThat(openElsewhere(directory)).contains("opened");
  }

  private static String openElsewhere(Path directory) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Opener.class.getName(),
                directory.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return said;
  }

  @Test
  void aDirectoryThatCannotBeMadeIsRefused() {
    Path nowhere = Path.of("/proc/self/resure-state");
    Assumptions.assumeTrue(Files.isDirectory(Path.of("/proc/self")), "no /proc here");

    requireRefused(nowhere, JournalUnavailableException.class, "writable");
  }

  /** By a preloaded library: permissions do not bind every user that runs tests. */
  @Test
  void aReadOnlyDirectoryIsRefusedAndLeftAlone() throws Exception {
    FailingDisk disk = FailingDisk.compile(temporary);
    Path directory = initialised("read-only");
    Path trigger = Files.writeString(temporary.resolve("trigger"), "open 30");
    List<String> before = List.of(requireNonNull(directory.resolve("journal").toFile().list()));

    FailingDisk.Outcome outcome = disk.run(directory, trigger, Opener.class, directory.toString());

    assertThat(outcome.said()).contains("refused", directory.toString(), "writable");
    assertThat(directory.resolve("journal").toFile().list())
        .containsExactlyInAnyOrderElementsOf(before);
    open(directory).close();
  }
}
