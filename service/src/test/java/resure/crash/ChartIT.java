package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.contract.Answer;
import resure.deploy.Chart;
import tools.jackson.databind.JsonNode;

/**
 * The packaged service in the environment of a pod that the Helm chart renders. What the pod has
 * mounted is in folders of their own here, and ports are any that are free.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChartIT {

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path directory;

  private String token(String scopes, Path file) throws IOException {
    try (ServiceProcess command =
        ServiceProcess.command(
            directory, "token", "create", "--scopes=" + scopes, "--file=" + file)) {
      assertThat(command.exitStatus(Duration.ofMinutes(2))).as(command::said).isZero();
      return command
          .said()
          .lines()
          .filter(line -> line.startsWith("resure_"))
          .findFirst()
          .orElseThrow(() -> new AssertionError(command.said()));
    }
  }

  @Test
  void itsProbesAreAnsweredAndWhoHasATokenIsServed() throws IOException {
    List<JsonNode> objects = Chart.render("access: {tokens: {secret: resure-tokens}}\n");
    JsonNode pod = Chart.pod(objects);
    JsonNode container = pod.at("/spec/containers/0");
    assertThat(container.has("args") || container.has("command")).isFalse();
    Map<String, String> environment = new TreeMap<>();
    Chart.environment(pod)
        .forEach(
            (name, value) ->
                environment.put(name, value.startsWith("/") ? directory + value : value));
    for (JsonNode mount : container.get("volumeMounts")) {
      Files.createDirectories(Path.of(directory + mount.get("mountPath").asString()));
    }
    Path volume = directory.resolve("var/lib/resure");
    // As a new file system has it.
    Files.createDirectory(volume.resolve("lost+found"));
    Path tokens = Path.of(environment.get("RESURE_ACCESS_TOKENS"));
    String trainer = token("read,write", tokens);

    try (ServiceProcess service =
        ServiceProcess.command(
            directory.resolve("tmp"),
            environment,
            "--server.port=0",
            "--management.server.port=0")) {
      assertThat(service.becameReady()).as(service::said).isTrue();

      List<String> probes = new ArrayList<>();
      for (JsonNode probe : container.findValues("httpGet")) {
        probes.add(probe.get("path").asString());
      }
      assertThat(probes).hasSize(3);
      for (String probe : probes) {
        assertThat(service.manage("GET", probe)).startsWith("200 ");
      }
      assertThat(service.manage("GET", "/actuator/prometheus")).startsWith("401 ");
      Answer created =
          service.send("PUT", "/v1/runs/r", "{}", "Authorization", "Bearer " + trainer);
      assertThat(created).isNotNull();
      assertThat(created.status()).isEqualTo(201);

      service.terminate();
      int grace = pod.at("/spec/terminationGracePeriodSeconds").asInt();
      assertThat(service.exitStatus(Duration.ofSeconds(grace))).as(service::said).isIn(0, 143);
    }
    assertThat(volume.toFile().list()).containsExactlyInAnyOrder("lost+found", "state", "backups");
  }
}
