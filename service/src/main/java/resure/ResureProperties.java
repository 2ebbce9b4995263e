package resure;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.util.unit.DataSize;
import resure.access.Quota;
import resure.access.Quotas;
import resure.api.JwtCredentials;
import resure.journal.Durability;
import resure.journal.postgres.PostgresJournal;
import resure.observation.Retention;
import resure.run.RunLimits;

/**
 * What an operator can set. Read once, whole, before anything starts: all faults are reported
 * together, each with the property's name, the value found, and what would be valid.
 *
 * @param store which store keeps the runs
 * @param stateDirectory where the embedded store lives
 * @param durability what an answered batch survives
 * @param maxLosses most losses of a batch
 * @param maxBody most bytes of a body
 * @param retention of runs that are created without saying theirs
 * @param idleRuns after what time without an entry a run is deleted; null for never
 * @param runs bounds of what is held in memory
 * @param quotas bounds of what a tenant may use
 * @param computeBackend what weighs and folds
 * @param computeDevice where tensors do it
 * @param libtorch folder of libtorch; null to look for it where it usually is
 * @param metricsMaxRuns runs with metric series of their own
 * @param metricsMaxTurns turns of such a run that are told apart
 * @param metricsMaxSources sources of such a run that are told apart
 * @param backupDirectory where backups of the embedded store go; null for none
 * @param backupEvery how old the newest becomes
 * @param backupKeep how many there are
 * @param tokens file of the tokens that are valid; null for none
 * @param issuer whose tokens are valid, too; null for none
 * @param anonymous whether anybody who can reach the service may do anything
 */
record ResureProperties(
    StoreChoice.Store store,
    Path stateDirectory,
    Durability durability,
    int maxLosses,
    int maxBody,
    Retention retention,
    @Nullable Duration idleRuns,
    RunLimits runs,
    Quotas.Limits quotas,
    ComputeChoice.Backend computeBackend,
    String computeDevice,
    @Nullable Path libtorch,
    int metricsMaxRuns,
    int metricsMaxTurns,
    int metricsMaxSources,
    @Nullable Path backupDirectory,
    Duration backupEvery,
    int backupKeep,
    @Nullable Path tokens,
    JwtCredentials.@Nullable Issuer issuer,
    boolean anonymous) {

  /**
   * One property.
   *
   * @param name as in a properties file
   * @param byDefault value when it is not set
   * @param valid which values are valid
   * @param meaning what it does
   * @param parser its value; throws an IllegalArgumentException for what is not valid
   */
  record Property<T>(
      String name, String byDefault, String valid, String meaning, Function<String, T> parser) {}

  private static final long LARGEST_STEP = (1L << 53) - 1;
  private static final String NONE = "none";

  static final Property<StoreChoice.Store> STORE =
      new Property<>(
          "resure.journal.store",
          "rocksdb",
          "rocksdb or postgres",
          "where the runs are kept: embedded, for one process, or in the database of"
              + " spring.datasource.url, for any number",
          text ->
              switch (text) {
                case "rocksdb" -> StoreChoice.Store.ROCKSDB;
                case "postgres" -> StoreChoice.Store.POSTGRES;
                default -> throw new IllegalArgumentException(text);
              });

  static final Property<Path> STATE_DIRECTORY =
      new Property<>(
          "resure.state.directory",
          "./state",
          "a directory that is empty, absent, or the service's own",
          "where the embedded store lives; not used with postgres",
          ResureProperties::path);

  static final Property<Durability> DURABILITY =
      new Property<>(
          "resure.durability",
          "fsync",
          "fsync or os",
          "what an answered batch survives: power loss, or only the end of the process (with"
              + " postgres: not the end of the database's own)",
          text ->
              switch (text) {
                case "fsync" -> Durability.FSYNC;
                case "os" -> Durability.OS;
                default -> throw new IllegalArgumentException(text);
              });

  static final Property<Duration> FRESHNESS =
      new Property<>(
          "resure.journal.freshness",
          "1s",
          "a duration from 0s to 1h",
          "with postgres: how far what is read may be behind what other replicas have recorded",
          text -> {
            Duration duration = DurationStyle.detectAndParse(text);
            within(duration.toMillis(), 0, Duration.ofHours(1).toMillis());
            return duration;
          });

  static final Property<Integer> MAX_LOSSES =
      whole("resure.limits.losses", 65_536, 1, 1_000_000, "most losses of a batch");

  static final Property<Integer> MAX_BODY =
      new Property<>(
          "resure.limits.body",
          "8MB",
          "a size from 1KB to 256MB",
          "most bytes of a body",
          text -> (int) within(DataSize.parse(text).toBytes(), 1 << 10, 1 << 28));

  static final Property<Integer> PENDING_BATCHES =
      whole(
          "resure.limits.pending-batches",
          4096,
          1,
          1_000_000,
          "batches of one run that may wait for their steps to close");

  static final Property<Integer> QUEUED_LOSSES =
      whole(
          "resure.limits.queued-losses",
          4_194_304,
          1,
          1 << 30,
          "losses of all requests that may wait in one shard, each request counting 64 more");

  static final Property<Integer> LOADED_RUNS =
      whole("resure.limits.loaded-runs", 10_000, 1, 10_000_000, "runs held in memory");

  static final Property<Duration> IDLE_AFTER =
      duration(
          "resure.runs.idle-after",
          "1h",
          Duration.ofSeconds(1),
          "a duration from 1s to 365d",
          "how long a run stays in memory, and its series in the metrics, without a request");

  static final Property<Retention> RETENTION =
      new Property<>(
          "resure.retention.observations",
          "all",
          "all, or a whole number from 1 to " + LARGEST_STEP,
          "how many of its newest steps' losses a run keeps that does not say so when it is created"
              + " (`retention`); it is recorded with the run, and changing it changes no run",
          text ->
              text.equals("all")
                  ? Retention.ALL
                  : new Retention(within(Long.parseLong(text), 1, LARGEST_STEP)));

  static final Property<Optional<Duration>> IDLE_RUNS =
      new Property<>(
          "resure.retention.idle-runs",
          "never",
          "never, or a duration from 1d to 36500d",
          "after what time in which nothing was recorded to it a run is deleted, active or"
              + " finished",
          text -> {
            if (text.equals("never")) {
              return Optional.empty();
            }
            Duration duration = DurationStyle.detectAndParse(text);
            within(
                duration.toSeconds(),
                Duration.ofDays(1).toSeconds(),
                Duration.ofDays(36_500).toSeconds());
            return Optional.of(duration);
          });

  static final Property<Integer> QUOTA_RUNS =
      quota(Quota.RUNS, 100_000, "how many runs a tenant may have");

  static final Property<Integer> QUOTA_BATCHES =
      quota(
          Quota.BATCHES_PER_SECOND,
          1_000_000,
          "how many batches a second a tenant may send to this process on average; after a pause,"
              + " ten seconds' worth at once");

  static final Property<Integer> QUOTA_STREAMS =
      quota(
          Quota.STREAMS,
          1_000_000,
          "how many event streams and exports a tenant may have open at this process");

  static final Property<Long> QUOTA_STORED_BYTES =
      new Property<>(
          Quota.STORED_BYTES.property(),
          NONE,
          "none, or a size from 1MB to 1024TB",
          "how much a tenant may have recorded, about; then its batches are refused",
          text ->
              text.equals(NONE) ? 0 : within(DataSize.parse(text).toBytes(), 1L << 20, 1L << 50));

  static final Property<ComputeChoice.Backend> COMPUTE_BACKEND =
      new Property<>(
          "resure.compute.backend",
          "auto",
          "auto, jvm or djl",
          "what weighs and folds: plain Java, or tensors by DJL and PyTorch; auto is djl when there"
              + " is a GPU that can be used",
          text ->
              switch (text) {
                case "auto" -> ComputeChoice.Backend.AUTO;
                case "jvm" -> ComputeChoice.Backend.JVM;
                case "djl" -> ComputeChoice.Backend.DJL;
                default -> throw new IllegalArgumentException(text);
              });

  static final Property<String> COMPUTE_DEVICE =
      new Property<>(
          "resure.compute.device",
          "auto",
          "auto, cpu or gpu: with a number from 0 to 63",
          "where djl computes; auto is the first GPU, else the processor",
          text -> {
            if (!text.matches("auto|cpu|gpu:([0-9]|[1-5][0-9]|6[0-3])")) {
              throw new IllegalArgumentException(text);
            }
            return text;
          });

  static final Property<Optional<Path>> LIBTORCH =
      new Property<>(
          "resure.compute.libtorch",
          "",
          "a folder",
          "where djl finds libtorch, unless PYTORCH_LIBRARY_PATH says; without either, on the class"
              + " path",
          text -> text.isEmpty() ? Optional.empty() : Optional.of(path(text)));

  static final Property<Integer> METRICS_MAX_RUNS =
      whole("resure.metrics.max-runs", 200, 0, 10_000, "runs with metric series of their own");

  static final Property<Integer> METRICS_MAX_TURNS =
      whole(
          "resure.metrics.max-turns",
          16,
          1,
          1024,
          "turns of a run with metric series of their own; later ones are pooled in the last");

  static final Property<Integer> METRICS_MAX_SOURCES =
      whole(
          "resure.metrics.max-sources",
          20,
          1,
          1024,
          "sources of a run with metric series of their own, first come; others are pooled");

  static final Property<Optional<Path>> BACKUP_DIRECTORY =
      new Property<>(
          "resure.backup.directory",
          "",
          "a directory outside the state directory",
          "where backups of the embedded store are made, of which `docs/operating.md` tells;"
              + " without one, none are",
          text -> text.isEmpty() ? Optional.empty() : Optional.of(path(text)));

  static final Property<Duration> BACKUP_EVERY =
      duration(
          "resure.backup.every",
          "1d",
          Duration.ofMinutes(1),
          "a duration from 1m to 365d",
          "how old the newest backup becomes before another is made");

  static final Property<Integer> BACKUP_KEEP =
      whole("resure.backup.keep", 7, 1, 1000, "backups that are kept; older ones are removed");

  static final Property<Optional<Path>> TOKENS =
      new Property<>(
          "resure.access.tokens",
          "",
          "a file with a token a line, as `token create` writes them",
          "which tokens are valid, for which tenant and what; read again when it changes",
          text -> text.isEmpty() ? Optional.empty() : Optional.of(path(text)));

  static final Property<String> ISSUER =
      text(
          "resure.access.oidc.issuer",
          "",
          "the address of an OpenID Connect issuer: https://...",
          "whose signed tokens (JWT) are valid",
          "|https?://[^\\s?#]+");

  static final Property<String> ISSUER_KEYS =
      text(
          "resure.access.oidc.keys",
          "",
          "an address: https://...",
          "where the issuer's keys are (a JWK set); without one, the issuer is asked",
          "|https?://\\S+");

  static final Property<String> AUDIENCE =
      text(
          "resure.access.oidc.audience",
          "",
          "a word, which there must be with an issuer",
          "what an issuer's tokens must be for",
          "\\S*");

  static final Property<String> TENANT_CLAIM =
      text(
          "resure.access.oidc.tenant-claim",
          "tenant",
          "a word",
          "which claim of a token names its tenant; a token without is refused",
          "\\S+");

  static final Property<String> SCOPE_CLAIM =
      text(
          "resure.access.oidc.scope-claim",
          "scope",
          "a word",
          "which claim lists its scopes: read, write, admin, metrics",
          "\\S+");

  static final Property<Boolean> ANONYMOUS =
      new Property<>(
          "resure.access.anonymous",
          "false",
          "true or false",
          "whether to listen on other addresses than loopback although anybody there may do"
              + " anything",
          text ->
              switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException(text);
              });

  /** All of them, in the order of the documentation. */
  static final List<Property<?>> ALL =
      List.of(
          STORE,
          STATE_DIRECTORY,
          DURABILITY,
          FRESHNESS,
          MAX_LOSSES,
          MAX_BODY,
          PENDING_BATCHES,
          QUEUED_LOSSES,
          LOADED_RUNS,
          IDLE_AFTER,
          RETENTION,
          IDLE_RUNS,
          QUOTA_RUNS,
          QUOTA_BATCHES,
          QUOTA_STREAMS,
          QUOTA_STORED_BYTES,
          COMPUTE_BACKEND,
          COMPUTE_DEVICE,
          LIBTORCH,
          METRICS_MAX_RUNS,
          METRICS_MAX_TURNS,
          METRICS_MAX_SOURCES,
          BACKUP_DIRECTORY,
          BACKUP_EVERY,
          BACKUP_KEEP,
          TOKENS,
          ISSUER,
          ISSUER_KEYS,
          AUDIENCE,
          TENANT_CLAIM,
          SCOPE_CLAIM,
          ANONYMOUS);

  private static final List<String> ADDRESSES =
      List.of("server.address", "management.server.address");

  private static Property<Integer> whole(
      String name, int byDefault, int least, int most, String meaning) {
    return new Property<>(
        name,
        Integer.toString(byDefault),
        "a whole number from " + least + " to " + most,
        meaning,
        text -> (int) within(Long.parseLong(text), least, most));
  }

  /** Of what there is no end by default; then its value is 0. */
  private static Property<Integer> quota(Quota quota, int most, String meaning) {
    return new Property<>(
        quota.property(),
        NONE,
        "none, or a whole number from 1 to " + most,
        meaning,
        text -> text.equals(NONE) ? 0 : (int) within(Long.parseLong(text), 1, most));
  }

  private static Property<String> text(
      String name, String byDefault, String valid, String meaning, String pattern) {
    return new Property<>(
        name,
        byDefault,
        valid,
        meaning,
        text -> {
          if (!text.matches(pattern)) {
            throw new IllegalArgumentException(text);
          }
          return text;
        });
  }

  private static Property<Duration> duration(
      String name, String byDefault, Duration least, String valid, String meaning) {
    return new Property<>(
        name,
        byDefault,
        valid,
        meaning,
        text -> {
          Duration duration = DurationStyle.detectAndParse(text);
          within(duration.toSeconds(), least.toSeconds(), Duration.ofDays(365).toSeconds());
          return duration;
        });
  }

  private static long within(long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(Long.toString(value));
    }
    return value;
  }

  private static Path path(String text) {
    try {
      if (!text.isBlank()) {
        return Path.of(text);
      }
    } catch (InvalidPathException e) {
      // Falls through: not valid either.
    }
    throw new IllegalArgumentException(text);
  }

  /** Reads all properties; throws when any is not valid or unknown. */
  static ResureProperties read(ConfigurableEnvironment environment) {
    Reader reader = new Reader(environment, new ArrayList<>());
    StoreChoice.Store store = reader.value(STORE, StoreChoice.Store.ROCKSDB);
    Path stateDirectory = reader.value(STATE_DIRECTORY, Path.of("state"));
    Durability durability = reader.value(DURABILITY, Durability.FSYNC);
    int maxLosses = reader.value(MAX_LOSSES, 1);
    int maxBody = reader.value(MAX_BODY, 1);
    RunLimits runs =
        new RunLimits(
            reader.value(PENDING_BATCHES, 1),
            // A fault of this one is reported once, by itself.
            reader.value(QUEUED_LOSSES, Integer.MAX_VALUE),
            reader.value(LOADED_RUNS, 1),
            reader.value(IDLE_AFTER, Duration.ZERO),
            reader.value(FRESHNESS, Duration.ZERO));
    Retention retention = reader.value(RETENTION, Retention.ALL);
    Duration idleRuns = reader.value(IDLE_RUNS, Optional.<Duration>empty()).orElse(null);
    Quotas.Limits quotas =
        new Quotas.Limits(
            reader.value(QUOTA_RUNS, 0),
            reader.value(QUOTA_BATCHES, 0),
            reader.value(QUOTA_STREAMS, 0),
            reader.value(QUOTA_STORED_BYTES, 0L));
    ComputeChoice.Backend backend = reader.value(COMPUTE_BACKEND, ComputeChoice.Backend.JVM);
    String device = reader.value(COMPUTE_DEVICE, "auto");
    Path libtorch = reader.value(LIBTORCH, Optional.<Path>empty()).orElse(null);
    int metricsMaxRuns = reader.value(METRICS_MAX_RUNS, 0);
    int metricsMaxTurns = reader.value(METRICS_MAX_TURNS, 1);
    int metricsMaxSources = reader.value(METRICS_MAX_SOURCES, 1);
    Path backupDirectory = reader.value(BACKUP_DIRECTORY, Optional.<Path>empty()).orElse(null);
    Duration backupEvery = reader.value(BACKUP_EVERY, Duration.ZERO);
    int backupKeep = reader.value(BACKUP_KEEP, 1);
    Path tokens = reader.value(TOKENS, Optional.<Path>empty()).orElse(null);
    JwtCredentials.Issuer issuer = reader.issuer();
    boolean anonymous = reader.value(ANONYMOUS, false);
    reader.refuseUnknown();
    if (store == StoreChoice.Store.POSTGRES) {
      reader.refuseOtherDatabases();
    }
    if (tokens == null && issuer == null && !anonymous) {
      reader.refuseForeignAddresses();
    } else if (anonymous && (tokens != null || issuer != null)) {
      reader.faults.add(
          "%s is 'true'; with %s or %s valid is false: either anybody may call, or who has a token"
              .formatted(ANONYMOUS.name, TOKENS.name, ISSUER.name));
    }
    if (maxLosses > runs.queuedLosses() - 64) {
      reader.faults.add(
          "%s is '%d'; valid is at least 64 more than %s, which is %d"
              .formatted(QUEUED_LOSSES.name, runs.queuedLosses(), MAX_LOSSES.name, maxLosses));
    }
    if (backupDirectory != null && store == StoreChoice.Store.POSTGRES) {
      reader.faults.add(
          "%s is '%s'; with %s=postgres valid is none: the database has backups of its own, of which"
                  .formatted(BACKUP_DIRECTORY.name, backupDirectory, STORE.name)
              + " docs/operating.md tells");
    } else if (backupDirectory != null
        && absolute(backupDirectory).startsWith(absolute(stateDirectory))) {
      reader.faults.add(
          "%s is '%s'; valid is %s, which is '%s'"
              .formatted(
                  BACKUP_DIRECTORY.name, backupDirectory, BACKUP_DIRECTORY.valid, stateDirectory));
    }
    if (!reader.faults.isEmpty()) {
      throw new InvalidPropertiesException(reader.faults);
    }
    return new ResureProperties(
        store,
        stateDirectory,
        durability,
        maxLosses,
        maxBody,
        retention,
        idleRuns,
        runs,
        quotas,
        backend,
        device,
        libtorch,
        metricsMaxRuns,
        metricsMaxTurns,
        metricsMaxSources,
        backupDirectory,
        backupEvery,
        backupKeep,
        tokens,
        issuer,
        anonymous);
  }

  /** Whether callers must prove who they are. */
  boolean credentials() {
    return tokens != null || issuer != null;
  }

  private static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }

  private record Reader(ConfigurableEnvironment environment, List<String> faults) {

    /** The value, or {@code fallback} after noting a fault. */
    <T> T value(Property<T> property, T fallback) {
      String text = environment.getProperty(property.name, property.byDefault);
      try {
        return property.parser.apply(text);
      } catch (IllegalArgumentException | ArithmeticException e) {
        faults.add(property.name + " is '" + text + "'; valid is " + property.valid);
        return fallback;
      }
    }

    JwtCredentials.@Nullable Issuer issuer() {
      String issuer = value(ISSUER, "");
      String keys = value(ISSUER_KEYS, "");
      String audience = value(AUDIENCE, "");
      String tenantClaim = value(TENANT_CLAIM, "tenant");
      String scopeClaim = value(SCOPE_CLAIM, "scope");
      if (issuer.isEmpty() != audience.isEmpty()) {
        faults.add(
            "%s is '%s' and %s is '%s'; valid is both or none"
                .formatted(ISSUER.name, issuer, AUDIENCE.name, audience));
      }
      if (issuer.isEmpty()) {
        return null;
      }
      return new JwtCredentials.Issuer(
          issuer, keys.isEmpty() ? null : keys, audience, tenantClaim, scopeClaim);
    }

    void refuseUnknown() {
      for (PropertySource<?> source : environment.getPropertySources()) {
        if (source instanceof EnumerablePropertySource<?> enumerable) {
          for (String name : enumerable.getPropertyNames()) {
            if (ours(name) && ALL.stream().noneMatch(p -> reads(p.name, name))) {
              faults.add(name + " is not a property of this service");
            }
          }
        }
      }
    }

    private static boolean ours(String name) {
      return name.startsWith("resure.") || name.startsWith("RESURE_");
    }

    /**
     * Whether a property is looked up under this name too. In an environment variable a dot is an
     * underscore, and a hyphen is one or nothing.
     */
    private static boolean reads(String property, String name) {
      if (name.startsWith("RESURE_")) {
        String variable = property.toUpperCase(Locale.ROOT).replace('.', '_');
        return name.equals(variable.replace("-", "")) || name.equals(variable.replace('-', '_'));
      }
      return withoutHyphens(name).equals(withoutHyphens(property));
    }

    private static String withoutHyphens(String name) {
      return name.toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
    }

    void refuseOtherDatabases() {
      String url = environment.getProperty(StoreChoice.URL, "");
      if (!url.startsWith("jdbc:postgresql:")) {
        faults.add(
            "%s is '%s'; with %s=postgres valid is an address like jdbc:postgresql://HOST:5432/NAME"
                .formatted(StoreChoice.URL, PostgresJournal.withoutSecrets(url), STORE.name));
      }
    }

    void refuseForeignAddresses() {
      for (String name : ADDRESSES) {
        String address = environment.getProperty(name, "");
        if (!loopback(address)) {
          faults.add(
              name
                  + " is '"
                  + address
                  + "'; without credentials valid is a loopback address such as 127.0.0.1, or any"
                  + " with resure.access.tokens, resure.access.oidc.issuer or"
                  + " resure.access.anonymous=true");
        }
      }
    }

    private static boolean loopback(@Nullable String address) {
      try {
        return address != null
            && !address.isEmpty()
            && InetAddress.getByName(address).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false;
      }
    }
  }
}
