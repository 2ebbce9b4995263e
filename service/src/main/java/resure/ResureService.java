package resure;

import com.sun.management.UnixOperatingSystemMXBean;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;
import resure.access.Quotas;
import resure.access.TokenFile;
import resure.api.Api;
import resure.api.Credentials;
import resure.api.EventStreams;
import resure.api.JwtCredentials;
import resure.backup.Backups;
import resure.backup.Source;
import resure.compute.BackendUnavailableException;
import resure.compute.DeviceException;
import resure.compute.Sweep;
import resure.compute.jvm.JvmCompute;
import resure.compute.jvm.JvmSweep;
import resure.journal.JournalException;
import resure.journal.rocksdb.RocksDbJournal;
import resure.metrics.ServiceMeters;
import resure.projection.Dialogues;
import resure.projection.History;
import resure.projection.ReadModels;
import resure.replay.Passes;
import resure.replay.Progress;
import resure.replay.ReplayPlan;
import resure.replay.ReplayResult;
import resure.replay.Replays;
import resure.replay.Trial;
import resure.replay.Trials;
import resure.run.Runs;

/** Starts the service and wires it together. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class ResureService {

  /** An idle one costs about 10 kB. */
  private static final int MOST_CONNECTIONS = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(ResureService.class);

  /** Serves until it is told to stop; or, where a word says so, does what {@link Commands} has. */
  public static void main(String[] arguments) {
    if (Commands.isOne(arguments)) {
      System.exit(new Commands(System.out::println, System.err::println).run(arguments));
    }
    String[] properties =
        Arrays.stream(arguments)
            .filter(argument -> !argument.equals(Commands.SERVE))
            .toArray(String[]::new);
    SpringApplication.run(ResureService.class, properties);
  }

  @Bean
  ResureProperties properties(ConfigurableEnvironment environment) {
    return ResureProperties.read(environment);
  }

  /** Its journal is closed by {@link Runs}, which knows when nobody writes any more. */
  @Bean
  StoreChoice store(ResureProperties properties, ConfigurableEnvironment environment)
      throws JournalException {
    return StoreChoice.open(properties, environment);
  }

  @Bean
  BackupEndpoint backups(ResureProperties properties, StoreChoice store, ServiceMeters meters) {
    Path directory = properties.backupDirectory();
    RocksDbJournal journal = store.embedded();
    if (directory == null || journal == null) {
      return new BackupEndpoint(null);
    }
    Backups backups =
        new Backups(directory, properties.backupKeep(), source(journal), InstantSource.system());
    meters.watch(backups, properties.backupEvery());
    backups.every(properties.backupEvery());
    return new BackupEndpoint(backups);
  }

  private static Source source(RocksDbJournal journal) {
    return new Source() {
      @Override
      public String id() {
        return journal.id().toString().substring(0, 8);
      }

      @Override
      public void backUp(Path directory) throws IOException {
        journal.copyTo(directory);
      }
    };
  }

  @Bean
  ComputeChoice compute(ResureProperties properties) throws BackendUnavailableException {
    return ComputeChoice.open(properties);
  }

  @Bean
  ServiceMeters meters(ResureProperties properties, MeterRegistry registry) {
    return new ServiceMeters(
        registry,
        properties.metricsMaxRuns(),
        properties.metricsMaxTurns(),
        properties.metricsMaxSources());
  }

  /** Closed by {@link Runs}, which knows when nothing more will happen. */
  @Bean(destroyMethod = "")
  ReadModels readModels(StoreChoice store) {
    return new ReadModels(
        store.journal().rows(), store.journal().shared(), List.of(new Dialogues(), new History()));
  }

  @Bean
  Runs runs(
      ResureProperties properties,
      StoreChoice store,
      ComputeChoice compute,
      ReadModels models,
      ServiceMeters meters) {
    Runs runs =
        new Runs(
            store.journal(),
            compute,
            JvmCompute::new,
            properties.durability(),
            properties.runs(),
            InstantSource.system(),
            meters,
            models);
    Duration idleRuns = properties.idleRuns();
    if (idleRuns != null) {
      runs.deleteIdle(idleRuns);
    }
    meters.watch(runs);
    RocksDbJournal embedded = store.embedded();
    if (embedded != null) {
      meters.watch(embedded::bytes, embedded::freeBytes);
    }
    meters.watch(compute::status);
    return runs;
  }

  @Bean
  Replays replays(StoreChoice store, Runs runs, ComputeChoice compute, ServiceMeters meters)
      throws JournalException {
    Trials trials =
        (plan, passes, executor, threads, progress) -> {
          try {
            return trial(plan, passes, compute::sweep, executor, threads, progress);
          } catch (DeviceException e) {
            LOG.warn("A compute device failed under a replay, which begins again without it", e);
            return trial(plan, passes, JvmSweep::new, executor, threads, progress);
          }
        };
    Replays replays = new Replays(store.journal(), runs, trials, InstantSource.system(), meters);
    meters.watch(replays);
    return replays;
  }

  private static List<ReplayResult> trial(
      ReplayPlan plan,
      Passes passes,
      Supplier<Sweep> sweep,
      Executor executor,
      int threads,
      Progress progress)
      throws JournalException {
    List<Sweep> sweeps = Stream.generate(sweep).limit(threads).toList();
    try {
      return new Trial(plan, passes, JvmCompute::new, sweeps, executor, threads).run(progress);
    } finally {
      sweeps.forEach(Sweep::close);
    }
  }

  @Bean
  Quotas quotas(ResureProperties properties, Runs runs, ServiceMeters meters) {
    Quotas quotas = new Quotas(properties.quotas(), runs::storedBytes, LOG::warn, System::nanoTime);
    meters.watch(quotas);
    return quotas;
  }

  @Bean
  EventStreams streams(
      ResureProperties properties, StoreChoice store, Runs runs, ReadModels models, Quotas quotas) {
    return new EventStreams(
        runs,
        models,
        quotas,
        store.journal().shared() ? properties.runs().freshness() : Duration.ZERO);
  }

  @Bean
  HandlerMapping addresses(
      ResureProperties properties,
      Runs runs,
      Replays replays,
      ReadModels models,
      EventStreams streams,
      Quotas quotas,
      ComputeChoice compute,
      ServiceMeters meters) {
    return Api.addresses(
        runs,
        replays,
        models,
        streams,
        quotas,
        compute::status,
        properties.retention(),
        properties.maxLosses(),
        properties.maxBody(),
        meters::answered);
  }

  /** Null where no file of tokens is used. */
  @Bean
  @Nullable TokenFile tokens(ResureProperties properties) {
    Path path = properties.tokens();
    if (path == null) {
      return null;
    }
    try {
      return TokenFile.open(path, LOG::warn);
    } catch (IOException e) {
      throw new InvalidPropertiesException(
          List.of(
              "%s is '%s'; it cannot be used: %s"
                  .formatted(ResureProperties.TOKENS.name(), path, e.getMessage())));
    }
  }

  @Bean
  WebFilter access(ResureProperties properties, ObjectProvider<TokenFile> tokens) {
    List<Credentials> credentials = new ArrayList<>();
    TokenFile file = tokens.getIfAvailable();
    if (file != null) {
      credentials.add(token -> Mono.justOrEmpty(file.tokens().find(token)));
    }
    JwtCredentials.Issuer issuer = properties.issuer();
    if (issuer != null) {
      credentials.add(new JwtCredentials(issuer, InstantSource.system()));
    }
    return Api.access(
        credentials.stream().reduce(Credentials::or).orElse(null), !properties.anonymous());
  }

  @Bean
  WebFilter requestLog() {
    return Api.requestLog();
  }

  /** Once the service is up, no line is repeated without end. */
  @Bean
  SmartInitializingSingleton repeatedLines() {
    return RepeatedLines::limit;
  }

  @Bean
  WebServerFactoryCustomizer<NettyReactiveWebServerFactory> bounds(ResureProperties properties) {
    UnaryOperator<HttpServer> bounds = Api.bounds(properties.maxBody(), connections());
    return factory -> factory.addServerCustomizers(bounds::apply);
  }

  /** Half of the file descriptors are the store's, whatever clients do. */
  private static int connections() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? (int) Math.min(MOST_CONNECTIONS, unix.getMaxFileDescriptorCount() / 2)
        : MOST_CONNECTIONS;
  }

  @Bean
  HandlerMapping console() {
    return Api.console();
  }

  @Bean
  WebExceptionHandler problems(ServiceMeters meters) {
    meters.problems(Api.problemTypes());
    return Api.problems(meters::problem);
  }

  /** Readiness falls while a store that is this process's own takes no batch. */
  @Bean("storeHealthIndicator")
  HealthIndicator storeHealth(Runs runs) {
    return () -> (runs.ready() ? Health.up() : Health.outOfService()).build();
  }

  /**
   * Stops before the web server does: nothing is recorded any more once it begins to close
   * connections, or some batch would be recorded whose answer cannot leave.
   */
  @Bean
  SmartLifecycle draining(Runs runs, EventStreams streams) {
    return new SmartLifecycle() {
      private volatile boolean running;

      @Override
      public void start() {
        running = true;
      }

      @Override
      public void stop() {
        streams.close();
        runs.drain();
        running = false;
      }

      @Override
      public boolean isRunning() {
        return running;
      }
    };
  }

  @Bean
  ApplicationListener<WebServerInitializedEvent> address(ConfigurableEnvironment environment) {
    return event -> {
      if (event.getApplicationContext().getServerNamespace() == null) {
        LOG.info(
            "Ready: POST losses to http://{}:{}/v1/runs/{run}/observations",
            environment.getProperty("server.address"),
            event.getWebServer().getPort(),
            "{run}");
      }
    };
  }
}
