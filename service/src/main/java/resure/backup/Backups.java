package resure.backup;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes backups into one directory, by schedule and when asked, and removes the oldest ones.
 *
 * <pre>
 *   20260131T120000.000Z-1b2c3d4e        a backup: when it was begun, the id of its source
 *   20260131T120000.000Z-1b2c3d4e.part   one that is not whole; removed before the next is made
 *   20260131T120000.000Z-1b2c3d4e.gone   one that is being removed
 * </pre>
 *
 * <p>A backup has its name once it is whole; only then older ones go. One that fails leaves those
 * that are there. Nothing else in the directory is touched, backups of other sources included.
 *
 * <p>Thread-safe: {@code making} is held by who makes one; the volatile fields are written under it
 * alone.
 */
public final class Backups implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Backups.class.getName());

  private static final String PART = ".part";
  private static final String GONE = ".gone";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

  /** How soon a scheduled backup that failed is tried again, at the latest. */
  private static final Duration RETRY = Duration.ofMinutes(10);

  private static final Duration STOP = Duration.ofSeconds(5);

  private final Path directory;
  private final int keep;
  private final Source source;
  private final InstantSource clock;
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable Instant newest;
  private volatile @Nullable String lastFailure;
  private final AtomicLong failures = new AtomicLong();
  private @Nullable Thread thread;

  /**
   * Looks at what is there.
   *
   * @param directory of all backups; made when the first is
   * @param keep how many are kept, at least 1
   */
  public Backups(Path directory, int keep, Source source, InstantSource clock) {
    this.directory = directory;
    this.keep = keep;
    this.source = source;
    this.clock = clock;
    try {
      List<String> names = names();
      newest = names.isEmpty() ? null : time(names.getFirst());
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "The backups in {0} cannot be read: {1}", directory, e);
    }
  }

  /** Makes one whenever the newest is as old as this, until closed; to be called once. */
  public synchronized void every(Duration every) {
    Thread started =
        new Thread(
            () -> {
              try {
                while (true) {
                  Thread.sleep(work(every));
                }
              } catch (InterruptedException e) {
                // Closed.
              }
            },
            "backups");
    started.setDaemon(true);
    started.start();
    thread = started;
  }

  /** Makes a backup if one is due; gives how long nothing is to be done then. */
  Duration work(Duration every) {
    Duration left = left(every);
    if (left.isPositive()) {
      return left;
    }
    try {
      Backup made = make();
      return made == null ? every.dividedBy(60) : left(every);
    } catch (IOException | RuntimeException e) {
      return every.compareTo(RETRY) < 0 ? every : RETRY;
    }
  }

  private Duration left(Duration every) {
    Instant last = newest;
    if (last == null) {
      return Duration.ZERO;
    }
    // A clock that was put back makes none wait for longer than the interval.
    Duration left = Duration.between(clock.instant(), last.plus(every));
    return left.compareTo(every) > 0 ? every : left;
  }

  /**
   * Makes a backup, however young the newest is.
   *
   * @return null when another is being made
   * @throws IOException when none was made; counted as a failure
   */
  public @Nullable Backup make() throws IOException {
    if (!making.tryLock()) {
      return null;
    }
    try {
      Backup made = makeOne();
      newest = made.at();
      removeOld(made.name());
      LOG.log(System.Logger.Level.INFO, "Backup {0} in {1} is whole", made.name(), directory);
      return made;
    } catch (IOException | RuntimeException e) {
      failures.incrementAndGet();
      lastFailure = String.valueOf(e);
      LOG.log(System.Logger.Level.ERROR, "No backup was made in " + directory, e);
      throw e;
    } finally {
      making.unlock();
    }
  }

  private Backup makeOne() throws IOException {
    Files.createDirectories(directory);
    removeLeft();
    Instant at = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    while (Files.exists(directory.resolve(name(at)))) {
      at = at.plusMillis(1);
    }
    String name = name(at);
    Path part = directory.resolve(name + PART);
    try {
      source.backUp(part);
      Backup made = new Backup(name, at, bytes(part));
      Files.move(part, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
      return made;
    } catch (IOException | RuntimeException e) {
      try {
        delete(part);
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private String name(Instant at) {
    return TIME.format(at) + "-" + source.id();
  }

  private @Nullable Instant time(String name) {
    try {
      String suffix = "-" + source.id();
      return name.endsWith(suffix)
          ? TIME.parse(name.substring(0, name.length() - suffix.length()), Instant::from)
          : null;
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /** The names of the backups of this source, newest first. */
  private List<String> names() throws IOException {
    try (Stream<Path> content = Files.list(directory)) {
      return content
          .map(path -> String.valueOf(path.getFileName()))
          .filter(name -> time(name) != null)
          .sorted(Comparator.reverseOrder())
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private void removeLeft() throws IOException {
    List<Path> left;
    try (Stream<Path> content = Files.list(directory)) {
      left = content.filter(path -> isLeft(String.valueOf(path.getFileName()))).toList();
    }
    for (Path path : left) {
      delete(path);
    }
  }

  private boolean isLeft(String name) {
    return (name.endsWith(PART) || name.endsWith(GONE))
        && time(name.substring(0, name.lastIndexOf('.'))) != null;
  }

  /** That one cannot be removed harms none of the others. */
  private void removeOld(String made) {
    try {
      List<String> names = names();
      for (String name : names.subList(Math.min(keep, names.size()), names.size())) {
        // Under a clock that was put back, it may not be the first of them.
        if (!name.equals(made)) {
          Path gone = directory.resolve(name + GONE);
          Files.move(directory.resolve(name), gone, StandardCopyOption.ATOMIC_MOVE);
          delete(gone);
        }
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "An old backup in " + directory + " stays", e);
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  /** Those that are there and whole, newest first. */
  public List<Backup> list() throws IOException {
    List<Backup> backups = new ArrayList<>();
    for (String name : names()) {
      Instant at = time(name);
      if (at != null) {
        backups.add(new Backup(name, at, bytes(directory.resolve(name))));
      }
    }
    return backups;
  }

  /** Where they are. */
  public Path directory() {
    return directory;
  }

  /** Seconds since the newest was begun; NaN when there is none. */
  public double ageSeconds() {
    Instant last = newest;
    return last == null ? Double.NaN : Duration.between(last, clock.instant()).toMillis() / 1e3;
  }

  /** How often making one has failed. */
  public double failures() {
    return failures.get();
  }

  /** How it failed last; null when it did not. */
  public @Nullable String lastFailure() {
    return lastFailure;
  }

  /** Makes none by itself any more, and waits a moment for one that is being made. */
  @Override
  public synchronized void close() {
    if (thread != null) {
      thread.interrupt();
      try {
        thread.join(STOP);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
