package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.marcnuri.helm.LintResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The Helm chart by Helm's own engine: what it renders, and what it refuses. */
class ChartTest {

  private static final JsonMapper JSON = new JsonMapper();

  /** Where values are Kubernetes' own, or somebody's labels, and not looked into. */
  private static final List<String> PASSED_ON =
      List.of("/global", "/affinity", "/env/valueFrom", "/matchExpressions");

  static Stream<Arguments> values() {
    return ChartValues.all().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("values")
  void everyObjectIsOneThatKubernetesTakesAndOneFitsTheOther(String name, String values) {
    List<JsonNode> objects = Chart.renderWithTests(values);

    assertThat(objects).isNotEmpty();
    TreeSet<String> identities = new TreeSet<>();
    for (JsonNode object : objects) {
      assertThat(KubernetesObjects.faults(object)).as("%s: %s", name, object).isEmpty();
      assertThat(identities.add(object.get("kind") + "/" + object.at("/metadata/name"))).isTrue();
      assertThat(object.at("/metadata/name").asString().length()).isLessThanOrEqualTo(63);
      assertThat(object.at("/metadata/namespace").asString()).isEqualTo("ml");
    }
    assertThat(KubernetesObjects.misfits(objects)).as(name).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("values")
  void everyPodIsRestricted(String name, String values) {
    List<JsonNode> objects = Chart.renderWithTests(values);
    List<JsonNode> pods = new ArrayList<>();
    pods.add(Chart.pod(objects).get("spec"));
    pods.add(Chart.only(objects, "Pod").get("spec"));

    for (JsonNode pod : pods) {
      assertThat(KubernetesObjects.liberties(pod)).as("%s: %s", name, pod).isEmpty();
      assertThat(pod.get("automountServiceAccountToken").asBoolean()).isFalse();
      assertThat(pod.get("enableServiceLinks").asBoolean()).isFalse();
    }
  }

  @Test
  void theChecksThemselvesFindWhatIsWrong() {
    List<JsonNode> objects = Chart.render(ChartValues.TOKENS);
    ObjectNode set = (ObjectNode) Chart.only(objects, "StatefulSet").deepCopy();
    ((ObjectNode) set.at("/spec/template/spec")).put("restartPolcy", "Always");
    assertThat(KubernetesObjects.faults(set)).isNotEmpty();

    ObjectNode service = (ObjectNode) Chart.all(objects, "Service").getFirst();
    ((ObjectNode) service.at("/spec/selector")).put("app.kubernetes.io/name", "other");
    assertThat(KubernetesObjects.misfits(objects)).isNotEmpty();

    ObjectNode pod = (ObjectNode) Chart.pod(objects).get("spec").deepCopy();
    ((ObjectNode) pod.at("/containers/0/securityContext")).put("privileged", true);
    assertThat(KubernetesObjects.liberties(pod)).isNotEmpty();
  }

  @Test
  void helmFindsNothingToSayOfTheChart() {
    for (String values : List.of(ChartValues.TOKENS, ChartValues.TOKENS + ChartValues.POSTGRES)) {
      LintResult found = Chart.lint(values);
      assertThat(found.isFailed()).as("%s", found.getMessages()).isFalse();
      assertThat(found.getMessages()).allMatch(m -> m.contains("icon is recommended"));
    }
  }

  @Test
  void theEmbeddedStoreIsOnePodsAndItsVolumeStays() {
    List<JsonNode> objects = Chart.render(ChartValues.TOKENS);
    JsonNode set = Chart.only(objects, "StatefulSet").get("spec");

    assertThat(Chart.all(objects, "Deployment")).isEmpty();
    assertThat(set.get("replicas").asInt()).isEqualTo(1);
    assertThat(set.at("/persistentVolumeClaimRetentionPolicy/whenDeleted").asString())
        .isEqualTo("Retain");
    Map<String, String> environment = Chart.environment(Chart.pod(objects));
    String mount = mountOf(Chart.pod(objects), set.at("/volumeClaimTemplates/0/metadata/name"));
    // A file system's own directory is beside it, and backups are on the same one.
    assertThat(environment.get("RESURE_STATE_DIRECTORY")).startsWith(mount + "/");
    assertThat(environment.get("RESURE_BACKUP_DIRECTORY"))
        .startsWith(mount + "/")
        .doesNotStartWith(environment.get("RESURE_STATE_DIRECTORY"));
    assertThat(ComposeFile.text("Dockerfile")).contains("VOLUME " + mount + "\n");
  }

  private static String mountOf(JsonNode pod, JsonNode volume) {
    for (JsonNode mount : pod.at("/spec/containers/0/volumeMounts")) {
      if (mount.get("name").equals(volume)) {
        return mount.get("mountPath").asString();
      }
    }
    throw new AssertionError(volume);
  }

  @Test
  void replicasAreOfADeploymentWithTheDatabasesSecretAndNoVolume() {
    List<JsonNode> objects =
        Chart.render(ChartValues.TOKENS + ChartValues.POSTGRES + "replicas: 3\n");
    JsonNode deployment = Chart.only(objects, "Deployment");

    assertThat(Chart.all(objects, "StatefulSet")).isEmpty();
    assertThat(deployment.at("/spec/replicas").asInt()).isEqualTo(3);
    assertThat(deployment.toString()).doesNotContain("/var/lib/resure");
    assertThat(deployment.at("/spec/template/spec/topologySpreadConstraints")).hasSize(2);
    assertThat(Chart.environment(Chart.pod(objects)))
        .containsEntry("RESURE_JOURNAL_STORE", "postgres")
        .containsEntry("SPRING_DATASOURCE_USERNAME", "username")
        .containsEntry("SPRING_DATASOURCE_PASSWORD", "password");
    assertThat(Chart.only(objects, "PodDisruptionBudget").at("/spec/maxUnavailable").asInt())
        .isEqualTo(1);
  }

  @Test
  void whatScalesByTheProcessorHasNoNumberOfItsOwn() {
    List<JsonNode> objects = Chart.render(ChartValues.all().get("scaled"));

    assertThat(Chart.only(objects, "Deployment").get("spec").has("replicas")).isFalse();
    assertThat(Chart.only(objects, "HorizontalPodAutoscaler").toString()).contains("\"cpu\"");
  }

  @Test
  void thereIsTimeToStopIn() {
    for (String values : List.of(ChartValues.TOKENS, ChartValues.TOKENS + ChartValues.POSTGRES)) {
      JsonNode pod = Chart.pod(Chart.render(values)).get("spec");
      int sleep = pod.at("/containers/0/lifecycle/preStop/sleep/seconds").asInt(0);
      // spring.lifecycle.timeout-per-shutdown-phase, of each of the two servers at worst.
      assertThat(pod.get("terminationGracePeriodSeconds").asInt())
          .isGreaterThanOrEqualTo(sleep + 2 * 20);
    }
    assertThat(ComposeFile.text("service/src/main/resources/application.properties"))
        .contains("spring.lifecycle.timeout-per-shutdown-phase=20s");
  }

  @Test
  void aGpuIsAskedForAndNotHeldTwice() {
    List<JsonNode> objects =
        Chart.render(
            ChartValues.TOKENS
                + ChartValues.POSTGRES
                + "gpu: {enabled: true, count: 2, libtorch: /opt/lib, nodeSelector: {gpu: h}}\n");
    JsonNode pod = Chart.pod(objects);

    assertThat(pod.at("/spec/containers/0/resources/limits/nvidia.com~1gpu").asInt()).isEqualTo(2);
    assertThat(pod.at("/spec/nodeSelector/gpu").asString()).isEqualTo("h");
    assertThat(pod.at("/spec/tolerations/0/key").asString()).isEqualTo("nvidia.com/gpu");
    assertThat(Chart.environment(pod))
        .containsEntry("RESURE_COMPUTE_BACKEND", "djl")
        .containsEntry("RESURE_COMPUTE_LIBTORCH", "/opt/lib")
        .containsEntry("DJL_CACHE_DIR", "/tmp/djl");
    assertThat(
            Chart.only(objects, "Deployment").at("/spec/strategy/rollingUpdate/maxSurge").asInt(9))
        .isZero();
  }

  @Test
  void aWholeNumberIsWrittenAsOne() {
    Map<String, String> environment =
        Chart.environment(
            Chart.pod(
                Chart.render(
                    ChartValues.TOKENS
                        + "properties: {resure.limits.queued-losses: 1073741824,"
                        + " resure.metrics.max-runs: 0}\n")));

    assertThat(environment)
        .containsEntry("RESURE_LIMITS_QUEUEDLOSSES", "1073741824")
        .containsEntry("RESURE_METRICS_MAXRUNS", "0");
  }

  @Test
  void prometheusSendsATokenAndReadsTheManagementPort() {
    List<JsonNode> objects =
        Chart.render(
            ChartValues.TOKENS
                + "monitoring: {serviceMonitor: {enabled: true, token: {secret: metrics}}}\n");
    JsonNode endpoint = Chart.only(objects, "ServiceMonitor").at("/spec/endpoints/0");

    assertThat(endpoint.get("path").asString()).isEqualTo("/actuator/prometheus");
    assertThat(endpoint.at("/authorization/credentials/name").asString()).isEqualTo("metrics");
    assertThat(endpoint.at("/authorization/credentials/key").asString()).isEqualTo("token");
  }

  @Test
  void rulesAndDashboardsAreTheFilesOfTheRepository(@TempDir Path directory) throws Exception {
    List<JsonNode> objects =
        Chart.render(
            ChartValues.TOKENS
                + "monitoring: {rules: {enabled: true}, dashboards: {enabled: true}}\n");
    JsonNode groups = Chart.only(objects, "PrometheusRule").get("spec");

    assertThat(groups)
        .isEqualTo(JSON.valueToTree(Chart.yaml().load(ComposeFile.text(RulesTest.RULES))));
    Map<String, JsonNode> dashboards = Dashboards.all();
    List<JsonNode> maps = Chart.all(objects, "ConfigMap");
    assertThat(maps).hasSameSizeAs(dashboards.keySet());
    for (JsonNode map : maps) {
      assertThat(map.at("/metadata/labels/grafana_dashboard").asString()).isEqualTo("1");
      String file = map.get("data").propertyNames().iterator().next();
      assertThat(JSON.readTree(map.get("data").get(file).asString()))
          .isEqualTo(dashboards.get(file));
    }

    Optional<Path> promtool = PrometheusProcess.installed("promtool");
    assumeTrue(promtool.isPresent(), "SKIPPED: no promtool here to check the chart's rules");
    Path rules = Files.writeString(directory.resolve("rules.yml"), groups.toString());
    Process check =
        new ProcessBuilder(promtool.orElseThrow().toString(), "check", "rules", rules.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(check.getInputStream().readAllBytes());
    assertThat(check.waitFor()).as(said).isZero();
  }

  @Test
  void aBatchOfARunFindsItsReplicaWhereThatIsWanted() {
    List<JsonNode> objects =
        Chart.render(
            ChartValues.TOKENS
                + ChartValues.POSTGRES
                + "ingress: {enabled: true, controller: nginx, affinity: true, hosts:"
                + " [a.example]}\n");

    assertThat(Chart.only(objects, "Ingress").at("/metadata/annotations").toString())
        .contains("\"nginx.ingress.kubernetes.io/upstream-hash-by\":\"$uri\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                                       | Who may call?",
        "access: {oidc: {issuer: https://id.example}}           | access.oidc.audience is missing",
        "access: {anonymous: true, tokens: {secret: t}}           | access.anonymous=true is for",
        "access: {oidc: {issuer: http://id.example}}            | issuer",
        "replicas: 2                                              | the embedded store has one"
            + " process",
        "autoscaling: {enabled: true}                             | the embedded store has one"
            + " process",
        "store: {kind: postgres}                                  | store.postgres.url is missing",
        "store: {kind: postgres, postgres: {url: jdbc:postgresql://d/r}} | store.postgres.secret is"
            + " missing",
        "store: {kind: mysql}                                     | kind",
        "ingress: {enabled: true}                                 | ingress.hosts is missing",
        "ingress: {enabled: true, hosts: [a.b], affinity: true}   | ingress.affinity is known for",
        "gateway: {enabled: true}                                 | gateway.parentRefs is missing",
        "monitoring: {serviceMonitor: {enabled: true}}            | token of scope metrics",
        "properties: {resure.durabilty: os}                       | durabilty",
        "properties: {resure.access.anonymous: true}              | anonymous",
        "properties: {resure.state.directory: /tmp}               | state",
        "terminationGracePeriodSeconds: 5                         | terminationGracePeriodSeconds",
      })
  void whatCannotBeIsRefusedAndSaid(String values, String message) {
    String given =
        values.isEmpty() || values.startsWith("access") ? values : ChartValues.TOKENS + values;

    assertThatThrownBy(() -> Chart.render(given)).hasMessageContaining(message);
  }

  @Test
  void scalingNeedsSomethingToBeAPercentageOf() {
    String scaled = ChartValues.all().get("scaled");

    assertThatThrownBy(() -> Chart.render(scaled + "resources: {requests: {cpu: null}}\n"))
        .hasMessageContaining("autoscaling needs resources.requests.cpu");
    assertThatThrownBy(
            () -> Chart.render(scaled.replace("enabled: true", "enabled: true, minReplicas: 9")))
        .hasMessageContaining("autoscaling.minReplicas is more than");
  }

  @Test
  void aNameThatNothingReadsIsRefusedEverywhere() {
    List<String> places = new ArrayList<>();
    typos("", Chart.schema(), places);

    assertThat(places).hasSizeGreaterThan(20);
    for (String place : places) {
      ObjectNode values = JSON.createObjectNode();
      ObjectNode inner = values;
      for (String step : place.substring(Math.min(1, place.length())).split("/")) {
        inner = step.isEmpty() ? inner : inner.putObject(step);
      }
      inner.put("tpyo", 1);
      // JSON is YAML.
      assertThatThrownBy(() -> Chart.render(values.toString()))
          .as(place)
          .hasMessageContaining("tpyo");
    }
  }

  /** Every object that values can have, by its path; each must be closed. */
  private static void typos(String path, JsonNode schema, List<String> places) {
    if (schema.path("type").asString("").equals("array")) {
      typosWithin(path, schema.get("items"));
    } else if (schema.path("type").asString("").equals("object")) {
      JsonNode others = schema.path("additionalProperties");
      if (others.isMissingNode()) {
        assertThat(PASSED_ON).contains(path);
      } else if (others.isBoolean()) {
        assertThat(others.asBoolean()).as(path).isFalse();
        places.add(path);
      }
      schema
          .path("properties")
          .forEachEntry((name, inner) -> typos(path + "/" + name, inner, places));
    }
  }

  /** What a list holds cannot be reached by a name; it is only looked at whether it is closed. */
  private static void typosWithin(String path, JsonNode schema) {
    for (JsonNode object : schema.findParents("type")) {
      if (object.get("type").asString("").equals("object")) {
        assertThat(object.has("additionalProperties") || object.has("description"))
            .as("%s %s", path, object)
            .isTrue();
      }
    }
  }

  @Test
  void everyValueIsInTheFileWithWhatItMeans() {
    TreeSet<String> given = new TreeSet<>();
    TreeSet<String> possible = new TreeSet<>();
    names("", Chart.schema(), Chart.defaults(), given, possible);

    possible.remove("/global");
    assertThat(given).isEqualTo(possible).hasSizeGreaterThan(80);
  }

  /** What the file has, and what the schema has; not within what is named by others. */
  private static void names(
      String path,
      JsonNode schema,
      JsonNode values,
      TreeSet<String> given,
      TreeSet<String> possible) {
    if (!schema.has("properties") || schema.has("patternProperties")) {
      return;
    }
    values.propertyNames().forEach(name -> given.add(path + "/" + name));
    schema
        .get("properties")
        .forEachEntry(
            (name, inner) -> {
              possible.add(path + "/" + name);
              names(path + "/" + name, inner, values.path(name), given, possible);
            });
  }

  @Test
  void anInstallerIsToldWhereItIsAndWhatIsOpen() {
    assertThat(Chart.notes(ChartValues.TOKENS))
        .contains("http://resure.ml.svc:8080/v1/runs/RUN/observations", "statefulset/resure")
        .doesNotContain("ANYBODY");
    assertThat(Chart.notes("access: {anonymous: true}\n" + ChartValues.POSTGRES))
        .contains("ANYBODY", "deployment/resure");
  }

  @Test
  void theVersionIsThatOfTheServiceAndTheUserThatOfTheImage() {
    Map<?, ?> chart = (Map<?, ?>) ComposeFile.yaml(Chart.FOLDER + "/Chart.yaml");
    String pom = ComposeFile.text("pom.xml");

    assertThat(pom)
        .contains(
            "<artifactId>resure-parent</artifactId>\n  <version>%s</version>"
                .formatted(chart.get("appVersion")));
    assertThat(chart.get("version")).isEqualTo(chart.get("appVersion"));
    assertThat(ComposeFile.text("Dockerfile"))
        .contains(
            "USER "
                + Chart.pod(Chart.render(ChartValues.TOKENS))
                    .at("/spec/securityContext/runAsUser"));
  }
}
