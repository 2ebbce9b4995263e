package resure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import resure.access.Quotas;
import resure.api.JwtCredentials;
import resure.journal.Durability;
import resure.observation.Retention;
import resure.run.RunLimits;

class ResurePropertiesTest {

  private static final Map<String, Object> LOOPBACK =
      Map.of("server.address", "127.0.0.1", "management.server.address", "127.0.0.1");

  /** Reads properties as the service does, of properties given and of environment variables. */
  private static ResureProperties read(
      Map<String, Object> properties, Map<String, Object> variables) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .forEach(s -> environment.getPropertySources().remove(s.getName()));
    environment.getPropertySources().addLast(new MapPropertySource("given", properties));
    environment
        .getPropertySources()
        .addLast(
            new SystemEnvironmentPropertySource(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
    environment.getPropertySources().addLast(new MapPropertySource("defaults", LOOPBACK));
    ConfigurationPropertySources.attach(environment);
    return ResureProperties.read(environment);
  }

  private static ResureProperties read(String... properties) {
    Map<String, Object> given = new LinkedHashMap<>();
    for (int i = 0; i < properties.length; i += 2) {
      given.put(properties[i], properties[i + 1]);
    }
    return read(given, Map.of());
  }

  @Test
  void theDefaultsAreThoseOfTheDocumentation() {
    assertThat(read())
        .isEqualTo(
            new ResureProperties(
                StoreChoice.Store.ROCKSDB,
                Path.of("./state"),
                Durability.FSYNC,
                65_536,
                8 << 20,
                Retention.ALL,
                null,
                new RunLimits(4096, 4_194_304, 10_000, Duration.ofHours(1), Duration.ofSeconds(1)),
                Quotas.Limits.NONE,
                ComputeChoice.Backend.AUTO,
                "auto",
                null,
                200,
                16,
                20,
                null,
                Duration.ofDays(1),
                7,
                null,
                null,
                false));
  }

  @Test
  void everyPropertyCanBeSet() {
    assertThat(
            read(
                "resure.journal.store", "postgres",
                "resure.journal.freshness", "250ms",
                "spring.datasource.url", "jdbc:postgresql://db/resure",
                "resure.state.directory", "/var/lib/resure",
                "resure.durability", "os",
                "resure.limits.losses", "100",
                "resure.limits.body", "64KB",
                "resure.limits.pending-batches", "7",
                "resure.limits.queued-losses", "164",
                "resure.limits.loaded-runs", "9",
                "resure.runs.idle-after", "90s",
                "resure.retention.observations", "5000",
                "resure.retention.idle-runs", "30d",
                "resure.quotas.runs", "20",
                "resure.quotas.batches-per-second", "500",
                "resure.quotas.streams", "3",
                "resure.quotas.stored-bytes", "5GB",
                "resure.compute.backend", "djl",
                "resure.compute.device", "gpu:1",
                "resure.compute.libtorch", "/opt/libtorch/lib",
                "resure.metrics.max-runs", "0",
                "resure.metrics.max-turns", "1024",
                "resure.metrics.max-sources", "5",
                "resure.backup.every", "90m",
                "resure.backup.keep", "3",
                "resure.access.anonymous", "true"))
        .isEqualTo(
            new ResureProperties(
                StoreChoice.Store.POSTGRES,
                Path.of("/var/lib/resure"),
                Durability.OS,
                100,
                64 << 10,
                new Retention(5000),
                Duration.ofDays(30),
                new RunLimits(7, 164, 9, Duration.ofSeconds(90), Duration.ofMillis(250)),
                new Quotas.Limits(20, 500, 3, 5L << 30),
                ComputeChoice.Backend.DJL,
                "gpu:1",
                Path.of("/opt/libtorch/lib"),
                0,
                1024,
                5,
                null,
                Duration.ofMinutes(90),
                3,
                null,
                null,
                true));
  }

  @Test
  void allFaultsAreReportedAtOnceEachWithNameValueAndWhatIsValid() {
    InvalidPropertiesException refused =
        catchThrowableOfType(
            InvalidPropertiesException.class,
            () ->
                read(
                    "resure.journal.store", "mysql",
                    "resure.journal.freshness", "-1s",
                    "resure.state.directory", " ",
                    "resure.durability", "FSYNC",
                    "resure.limits.losses", "0",
                    "resure.limits.body", "1TB",
                    "resure.limits.pending-batches", "many",
                    "resure.limits.queued-losses", "99999999999999999999",
                    "resure.limits.loaded-runs", "1.5",
                    "resure.runs.idle-after", "0s",
                    "resure.quotas.runs", "0",
                    "resure.quotas.stored-bytes", "1KB",
                    "resure.compute.backend", "cuda",
                    "resure.compute.device", "gpu",
                    "resure.compute.libtorch", " ",
                    "resure.metrics.max-runs", "-1",
                    "resure.metrics.max-turns", "0",
                    "resure.backup.directory", " ",
                    "resure.backup.every", "59s",
                    "resure.backup.keep", "0",
                    "resure.access.anonymous", "yes",
                    "resure.durabilty", "os",
                    "server.address", "0.0.0.0"));

    List<String> faults = String.valueOf(refused.getMessage()).lines().toList();
    assertThat(faults)
        .containsExactlyInAnyOrder(
            "resure.journal.store is 'mysql'; valid is rocksdb or postgres",
            "resure.journal.freshness is '-1s'; valid is a duration from 0s to 1h",
            "resure.state.directory is ' '; valid is a directory that is empty, absent, or the"
                + " service's own",
            "resure.durability is 'FSYNC'; valid is fsync or os",
            "resure.limits.losses is '0'; valid is a whole number from 1 to 1000000",
            "resure.limits.body is '1TB'; valid is a size from 1KB to 256MB",
            "resure.limits.pending-batches is 'many'; valid is a whole number from 1 to 1000000",
            "resure.limits.queued-losses is '99999999999999999999'; valid is a whole number from 1"
                + " to 1073741824",
            "resure.limits.loaded-runs is '1.5'; valid is a whole number from 1 to 10000000",
            "resure.runs.idle-after is '0s'; valid is a duration from 1s to 365d",
            "resure.quotas.runs is '0'; valid is none, or a whole number from 1 to 100000",
            "resure.quotas.stored-bytes is '1KB'; valid is none, or a size from 1MB to 1024TB",
            "resure.compute.backend is 'cuda'; valid is auto, jvm or djl",
            "resure.compute.device is 'gpu'; valid is auto, cpu or gpu: with a number from 0 to 63",
            "resure.compute.libtorch is ' '; valid is a folder",
            "resure.metrics.max-runs is '-1'; valid is a whole number from 0 to 10000",
            "resure.metrics.max-turns is '0'; valid is a whole number from 1 to 1024",
            "resure.backup.directory is ' '; valid is a directory outside the state directory",
            "resure.backup.every is '59s'; valid is a duration from 1m to 365d",
            "resure.backup.keep is '0'; valid is a whole number from 1 to 1000",
            "resure.access.anonymous is 'yes'; valid is true or false",
            "resure.durabilty is not a property of this service",
            "server.address is '0.0.0.0'; without credentials valid is a loopback address such as"
                + " 127.0.0.1, or any with resure.access.tokens, resure.access.oidc.issuer or"
                + " resure.access.anonymous=true");
  }

  @ParameterizedTest
  @CsvSource({
    "'', ''",
    "jdbc:mysql://me:secret@db/resure, jdbc:mysql://db/resure",
    "postgres://db/resure?password=secret, postgres://db/resure"
  })
  void aDatabaseOfAnotherKindIsRefusedWithoutShowingItsPassword(String url, String shown) {
    assertThatThrownBy(() -> read("resure.journal.store", "postgres", "spring.datasource.url", url))
        .hasMessage(
            "spring.datasource.url is '"
                + shown
                + "'; with resure.journal.store=postgres valid is an address like"
                + " jdbc:postgresql://HOST:5432/NAME");
    assertThat(read("spring.datasource.url", url)).as("with rocksdb nobody asks").isNotNull();
  }

  @Test
  void aQueueThatCannotHoldTheLargestBatchIsRefused() {
    assertThat(read("resure.limits.losses", "100", "resure.limits.queued-losses", "164"))
        .isNotNull();
    assertThatThrownBy(
            () -> read("resure.limits.losses", "100", "resure.limits.queued-losses", "163"))
        .hasMessage(
            "resure.limits.queued-losses is '163'; valid is at least 64 more than"
                + " resure.limits.losses, which is 100");
  }

  @Test
  void backupsAreRefusedWithADatabaseWhichHasItsOwn() {
    assertThatThrownBy(
            () ->
                read(
                    "resure.journal.store", "postgres",
                    "spring.datasource.url", "jdbc:postgresql://localhost/resure",
                    "resure.backup.directory", "backups"))
        .hasMessage(
            "resure.backup.directory is 'backups'; with resure.journal.store=postgres valid is"
                + " none: the database has backups of its own, of which docs/operating.md tells");
  }

  @Test
  void credentialsLetTheServiceListenElsewhereAndGoWithNoAnonymousAccess() {
    ResureProperties tokens =
        read("resure.access.tokens", "/etc/resure/tokens", "server.address", "0.0.0.0");
    assertThat(tokens.tokens()).isEqualTo(Path.of("/etc/resure/tokens"));
    assertThat(tokens.credentials()).isTrue();
    ResureProperties issuer =
        read(
            "resure.access.oidc.issuer", "https://id.example/realm",
            "resure.access.oidc.audience", "resure",
            "resure.access.oidc.keys", "https://id.example/keys",
            "resure.access.oidc.tenant-claim", "team",
            "resure.access.oidc.scope-claim", "roles",
            "server.address", "0.0.0.0");
    assertThat(issuer.issuer())
        .isEqualTo(
            new JwtCredentials.Issuer(
                "https://id.example/realm", "https://id.example/keys", "resure", "team", "roles"));

    assertThatThrownBy(
            () -> read("resure.access.tokens", "tokens", "resure.access.anonymous", "true"))
        .hasMessageContaining("either anybody may call, or who has a token");
    assertThatThrownBy(() -> read("resure.access.oidc.issuer", "https://id.example"))
        .hasMessageContaining("valid is both or none");
  }

  @ParameterizedTest
  @ValueSource(strings = {"state", "./state/backups", "state/x/../backups"})
  void backupsWithinTheStateDirectoryAreRefused(String directory) {
    assertThatThrownBy(() -> read("resure.backup.directory", directory))
        .hasMessage(
            "resure.backup.directory is '"
                + directory
                + "'; valid is a directory outside the state directory, which is './state'");
    assertThat(read("resure.backup.directory", "state-backups").backupDirectory())
        .isEqualTo(Path.of("state-backups"));
  }

  @ParameterizedTest
  @CsvSource({
    "RESURE_DURABILITY, os",
    "RESURE_LIMITS_QUEUEDLOSSES, 70000",
    "RESURE_LIMITS_QUEUED_LOSSES, 70000"
  })
  void environmentVariablesSetThemToo(String name, String value) {
    ResureProperties properties = read(Map.of(), Map.of(name, value));

    assertThat(
            properties.durability() == Durability.OS || properties.runs().queuedLosses() == 70_000)
        .isTrue();
  }

  @Test
  void aFaultOfAnEnvironmentVariableNamesTheProperty() {
    assertThatThrownBy(() -> read(Map.of(), Map.of("RESURE_LIMITS_LOSSES", "x")))
        .hasMessage("resure.limits.losses is 'x'; valid is a whole number from 1 to 1000000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "resure.limits.los",
        "resure.limits",
        "resure.limitslosses",
        "resure.state-directory"
      })
  void aPropertyThatNobodyReadsIsRefused(String name) {
    assertThatThrownBy(() -> read(name, "1"))
        .hasMessage(name + " is not a property of this service");
  }

  @ParameterizedTest
  @ValueSource(strings = {"RESURE_DURABLE", "RESURE_STATEDIRECTORY", "RESURE_LIMITSLOSSES"})
  void anEnvironmentVariableThatNobodyReadsIsRefused(String name) {
    assertThatThrownBy(() -> read(Map.of(), Map.of(name, "1")))
        .hasMessage(name + " is not a property of this service");
  }

  @Test
  void namesOfOthersAreNoneOfOurBusiness() {
    assertThat(read(Map.of("resured", "x"), Map.of("RESURECT", "x", "PATH", "/bin"))).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
  void anyLoopbackAddressWillDo(String address) {
    assertThat(read("server.address", address, "management.server.address", address)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "192.0.2.1", ""})
  void anyOtherAddressNeedsConsent(String address) {
    for (String name : LOOPBACK.keySet()) {
      assertThatThrownBy(() -> read(name, address))
          .hasMessageStartingWith(name + " is '" + address);
      Map<String, Object> consenting = new HashMap<>(Map.of(name, address));
      consenting.put("resure.access.anonymous", "true");
      assertThat(read(consenting, Map.of())).isNotNull();
    }
  }
}
