package resure.deploy;

import static java.util.function.Predicate.not;
import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code docker-compose.yml}, {@code Dockerfile}, and what they mount fit each other. */
class ComposeFileTest {

  private static final JsonMapper JSON = new JsonMapper();

  private final ComposeFile compose = ComposeFile.read();

  @Test
  void isValidByTheSchemaOfTheComposeSpecification() throws IOException {
    assertThat(faults(compose.content())).isEmpty();
  }

  @Test
  void theSchemaFindsAMisspeltKey() throws IOException {
    Map<Object, Object> misspelt = new HashMap<>(compose.content());
    misspelt.put("services", Map.of("resure", Map.of("image", "resure", "port", List.of("80:80"))));

    assertThat(faults(misspelt)).isNotEmpty();
  }

  private static List<Error> faults(Map<?, ?> content) throws IOException {
    try (InputStream in = ComposeFileTest.class.getResourceAsStream("compose-spec.json")) {
      ObjectNode schema = (ObjectNode) JSON.readTree(in);
      // It names its dialect by an address that is none, and its parts by a keyword of older ones.
      schema.remove("$schema");
      schema.findParents("id").forEach(part -> ((ObjectNode) part).remove("id"));
      Schema compiled =
          SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2019_09).getSchema(schema);
      return compiled.validate(JSON.valueToTree(content));
    }
  }

  @Test
  void whatIsStartedIsWhatTheReadmeSays() {
    Set<String> byDefault = new TreeSet<>();
    Set<String> replicas = new TreeSet<>();
    compose
        .services()
        .forEach(
            (name, service) -> {
              List<?> profiles = ComposeFile.list(service, "profiles");
              (profiles.isEmpty() ? byDefault : replicas).add(name);
              assertThat(profiles.isEmpty() || profiles.equals(List.of("replicas"))).isTrue();
            });

    assertThat(byDefault).containsExactly("demo", "grafana", "prometheus", "resure");
    assertThat(replicas).containsExactly("nginx", "postgres", "resure-1", "resure-2", "resure-3");
  }

  @Test
  void everyPortIsPublishedOnLoopbackOnlyAndOnce() {
    List<String> ports = new ArrayList<>();
    for (Map<?, ?> service : compose.services().values()) {
      ComposeFile.list(service, "ports").forEach(port -> ports.add(port.toString()));
      assertThat(service.containsKey("network_mode")).isFalse();
    }

    assertThat(ports).isNotEmpty().allMatch(port -> port.matches("127\\.0\\.0\\.1:\\d+:\\d+"));
    assertThat(ports.stream().map(port -> port.split(":")[1])).doesNotHaveDuplicates();
  }

  @Test
  void everyFileThatIsMountedIsThereAndIsNotWrittenTo() {
    List<String> mounted = new ArrayList<>();
    Set<String> volumes = new TreeSet<>();
    for (Map<?, ?> service : compose.services().values()) {
      for (Object volume : ComposeFile.list(service, "volumes")) {
        String source = volume.toString().split(":")[0];
        if (source.startsWith(".")) {
          assertThat(volume.toString()).endsWith(":ro");
          mounted.add(source);
        } else {
          volumes.add(source);
        }
      }
    }

    assertThat(mounted).isNotEmpty();
    for (String source : mounted) {
      Path path = ComposeFile.repository().resolve(source);
      assertThat(path).exists();
      assertThat(!path.toFile().isDirectory() || path.toFile().list().length > 0).isTrue();
    }
    assertThat(volumes).isEqualTo(((Map<?, ?>) compose.content().get("volumes")).keySet());
  }

  /** Where a service sees what is mounted from this path of the repository. */
  private String mountedAt(String service, String path) {
    return ComposeFile.list(compose.services().get(service), "volumes").stream()
        .map(Object::toString)
        .filter(volume -> volume.startsWith("./" + path + ":"))
        .map(volume -> volume.split(":")[1])
        .findFirst()
        .orElseThrow(() -> new AssertionError(path));
  }

  @Test
  void prometheusHasTheRulesAndGrafanaTheDashboardsWhereTheyLookForThem() {
    String configuration = mountedAt("prometheus", "docker/prometheus.yml");
    String directory = configuration.substring(0, configuration.lastIndexOf('/') + 1);
    Map<?, ?> prometheus = (Map<?, ?>) ComposeFile.yaml("docker/prometheus.yml");
    assertThat(ComposeFile.list(prometheus, "rule_files"))
        .allMatch(
            files ->
                (directory + files)
                    .equals(mountedAt("prometheus", "helm/resure/files/prometheus") + "/*.yml"))
        .hasSize(1);
    assertThat(only("path: (\\S+)", text("docker/grafana/dashboards/resure.yml")))
        .isEqualTo(mountedAt("grafana", "helm/resure/files/grafana"));
    assertThat(mountedAt("grafana", "docker/grafana/dashboards"))
        .isEqualTo("/etc/grafana/provisioning/dashboards");
    String console = only("resure_console: (\\S+)", text("docker/prometheus.yml"));
    assertThat(ComposeFile.list(compose.services().get("resure"), "ports").toString())
        .contains(console.replace("http://", "") + ":8080");
    Dashboards.all()
        .values()
        .forEach(
            dashboard ->
                dashboard
                    .at("/templating/list")
                    .valueStream()
                    .filter(variable -> variable.get("name").asString().equals("console"))
                    .forEach(
                        variable ->
                            assertThat(variable.get("query").asString()).isEqualTo(console)));
  }

  @Test
  void everyImageHasATagThatSaysItsVersion() {
    List<String> images = new ArrayList<>();
    compose.services().values().forEach(service -> images.add((String) service.get("image")));
    images.add(defaultBase());
    images.add(only("ARG SERVICE=(\\S+)", text("docker/gpu.Dockerfile")));

    assertThat(images).allMatch(image -> image.matches("[a-z/-]+:v?\\d+[.0-9]*(-[a-z0-9]+)?"));
  }

  @Test
  void ourImageIsBuiltOfTheDockerfileAndNamedByTheVersion() {
    String version =
        only("<artifactId>resure-parent</artifactId>\\s*<version>(.*?)<", text("pom.xml"));
    List<Map<?, ?>> ours =
        compose.services().values().stream().filter(s -> s.containsKey("build")).toList();

    assertThat(ours).hasSize(4);
    for (Map<?, ?> service : ours) {
      assertThat(service.get("image")).isEqualTo("resure-service:" + version);
      assertThat(service.get("build"))
          .isEqualTo(Map.of("context", ".", "args", Map.of("BASE", defaultBase())));
    }
  }

  @Test
  void theStateIsInTheVolumeAndOfAUserWhoIsNotRoot() {
    String dockerfile = text("Dockerfile");
    String state = only("RESURE_STATE_DIRECTORY=(\\S+)", dockerfile);

    assertThat(only("VOLUME (\\S+)", dockerfile)).isEqualTo(state);
    assertThat(ComposeFile.list(compose.services().get("resure"), "volumes"))
        .hasToString("[resure:" + state + "]");
    assertThat(ComposeFile.list(compose.services().get("resure"), "tmpfs"))
        .hasToString("[/tmp:exec]");
    for (String replica : List.of("resure-1", "resure-2", "resure-3")) {
      assertThat(ComposeFile.list(compose.services().get(replica), "tmpfs"))
          .hasToString("[/tmp:exec, " + state + "]");
    }
    assertThat(only("USER (\\d+)", dockerfile))
        .isNotEqualTo("0")
        .isEqualTo(only("--uid (\\d+)", dockerfile));
  }

  @Test
  void theDemoReplaysTheTraceToTheServiceOnceThatIsHealthy() {
    Map<?, ?> demo = compose.services().get("demo");
    List<String> command =
        ComposeFile.list(demo, "command").stream().map(Object::toString).toList();

    assertThat(command.get(1)).isEqualTo(mountedAt("demo", "examples/replay_trace.py"));
    assertThat(mountedAt("demo", "examples/trace-11.jsonl.gz"))
        .as("where the script looks for it")
        .isEqualTo("/examples/trace-11.jsonl.gz");
    assertThat(command.get(command.indexOf("--address") + 1)).isEqualTo("http://resure:8080");
    assertThat(text("examples/replay_trace.py")).contains("\"--pace\"");
    assertThat(demo.get("depends_on"))
        .isEqualTo(Map.of("resure", Map.of("condition", "service_healthy")));
    assertThat(demo.containsKey("restart")).as("it ends").isFalse();
    assertThat(text("Dockerfile")).contains("HEALTHCHECK");
  }

  @Test
  void theImageSaysWhatItIsOfAndHasWhatItCopies() {
    String dockerfile = text("Dockerfile");
    assertThat(only("ARG VERSION=(\\S+)", dockerfile))
        .isEqualTo(
            only("<artifactId>resure-parent</artifactId>\\s*<version>(.*?)<", text("pom.xml")));
    assertThat(all("COPY (?!--from)(\\S+)", dockerfile))
        .containsExactlyInAnyOrderElementsOf(all("(?m)^!(\\S+)$", text(".dockerignore")));
    assertThat(only("resure.sbom=\"(\\S+)\"", dockerfile))
        .isEqualTo(only("application.cdx.json (\\S+)", dockerfile));
    assertThat(only("AOTCache=([^\"]+)\"", dockerfile))
        .isEqualTo(only("/tmp/train (\\S+) -jar", dockerfile));
  }

  @Test
  void theMemoryOfAContainerIsSharedOutAsInTheChart() {
    assertThat(only("JAVA_TOOL_OPTIONS=\"([^\"]+)\"", text("Dockerfile")))
        .isEqualTo(only("(?m)^jvmOptions: (.*)$", text("helm/resure/values.yaml")));
  }

  @Test
  void theImageForGpusIsOfOursAndOfTheLibtorchThatTheJarWasMadeFor() {
    String dockerfile = text("docker/gpu.Dockerfile");
    String libtorch = only("<pytorch.version>(.*?)<", text("pom.xml"));

    assertThat(only("ARG SERVICE=(\\S+)", dockerfile))
        .isEqualTo(compose.services().get("resure").get("image"));
    assertThat(only("ARG TORCH=(\\S+)", dockerfile)).contains(":" + libtorch + "-cuda12.8");
    assertThat(only("PYTORCH_LIBRARY_PATH=(\\S+)", dockerfile)).endsWith("/torch/lib");
  }

  @Test
  void theConfigurationsNameTheServicesThatThereAre() {
    Set<String> names = compose.services().keySet();
    Set<String> replicas = new TreeSet<>(names);
    replicas.removeIf(not(name -> name.startsWith("resure-")));

    assertThat(all("server (\\S+):8080 ", text("docker/nginx.conf")))
        .containsExactlyInAnyOrderElementsOf(replicas);
    replicas.add("resure");
    assertThat(scraped()).containsExactlyInAnyOrderElementsOf(replicas);
    assertThat(all("http://([^:/\\s]+):9090", text("docker/grafana/datasources/prometheus.yml")))
        .containsExactly("prometheus")
        .isSubsetOf(names);
    for (Map<String, Object> environment : compose.environments().values()) {
      all("//([^:/]+):5432/", environment.toString())
          .forEach(host -> assertThat(names).contains(host));
    }
  }

  /** Hosts that Prometheus is told of. */
  private static List<String> scraped() {
    List<String> scraped = new ArrayList<>();
    Map<?, ?> prometheus = (Map<?, ?>) ComposeFile.yaml("docker/prometheus.yml");
    for (Object each : ComposeFile.list(prometheus, "scrape_configs")) {
      Map<?, ?> job = (Map<?, ?>) each;
      for (Object known : ComposeFile.list(job, "static_configs")) {
        ComposeFile.list((Map<?, ?>) known, "targets")
            .forEach(target -> scraped.add(target.toString().replace(":8081", "")));
      }
      for (Object lookedUp : ComposeFile.list(job, "dns_sd_configs")) {
        ComposeFile.list((Map<?, ?>) lookedUp, "names")
            .forEach(name -> scraped.add(name.toString()));
      }
    }
    return scraped;
  }

  private static String defaultBase() {
    List<String> named = all("ARG BASE=(\\S+)", text("Dockerfile"));
    assertThat(named).hasSize(2).containsOnly(named.getFirst());
    return named.getFirst();
  }

  private static String text(String path) {
    return ComposeFile.text(path);
  }

  private static String only(String pattern, String text) {
    List<String> found = all(pattern, text);
    assertThat(found).as(pattern).hasSize(1);
    return found.getFirst();
  }

  private static List<String> all(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map((MatchResult m) -> m.group(1))
        .toList();
  }
}
