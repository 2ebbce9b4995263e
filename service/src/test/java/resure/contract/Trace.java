package resure.contract;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The recorded trace of the examples, as the bodies that a trainer would have posted. */
final class Trace {

  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** A body for each step, in order. */
  final List<String> bodies = new ArrayList<>();

  /** Turns that were corrupted on purpose, as labels. */
  final ArrayNode corrupted = JSON.createArrayNode();

  Trace() {
    Map<Long, Map<String, List<JsonNode>>> steps = new TreeMap<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file())), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode row = JSON.readTree(line);
        steps
            .computeIfAbsent(row.get("step").asLong(), s -> new LinkedHashMap<>())
            .computeIfAbsent(row.get("dialogue").asString(), d -> new ArrayList<>())
            .add(row);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    steps.forEach((step, dialogues) -> bodies.add(body(step, dialogues)));
  }

  private static Path file() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("examples/trace-11.jsonl.gz"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository")
        .resolve("examples/trace-11.jsonl.gz");
  }

  private String body(long step, Map<String, List<JsonNode>> dialogues) {
    ObjectNode body = JSON.createObjectNode().put("step", step);
    ArrayNode sent = body.putArray("dialogues");
    dialogues.forEach(
        (id, rows) -> {
          ObjectNode dialogue = sent.addObject().put("id", id);
          dialogue.set("source", rows.getFirst().get("source"));
          int turns = 1 + rows.stream().mapToInt(row -> row.get("turn").asInt()).max().orElse(0);
          ArrayNode losses = dialogue.putArray("losses");
          for (int turn = 0; turn < turns; turn++) {
            losses.addNull();
          }
          for (JsonNode row : rows) {
            losses.set(row.get("turn").asInt(), row.get("loss"));
            if (row.get("corrupted").asInt() == 1) {
              corrupted.addObject().put("dialogue", id).set("turn", row.get("turn"));
            }
          }
        });
    return body.toString();
  }

  /** Posts all of it to a new run; its path. */
  String post(LiveService live, String configuration) {
    String run = live.newRun(configuration);
    for (String body : bodies) {
      live.score(run, body);
    }
    return run;
  }
}
