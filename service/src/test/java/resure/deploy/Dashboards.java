package resure.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The repository's Grafana dashboards. */
public final class Dashboards {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String FOLDER = "helm/resure/files/grafana";

  private Dashboards() {}

  /** All of them by the name of their file. */
  public static Map<String, JsonNode> all() {
    Map<String, JsonNode> dashboards = new TreeMap<>();
    String[] files = ComposeFile.repository().resolve(FOLDER).toFile().list();
    for (String file : files == null ? new String[0] : files) {
      dashboards.put(file, JSON.readTree(ComposeFile.text(FOLDER + "/" + file)));
    }
    return dashboards;
  }

  /** The panels of one that show something. */
  public static List<JsonNode> panels(JsonNode dashboard) {
    List<JsonNode> panels = new ArrayList<>();
    for (JsonNode panel : dashboard.get("panels")) {
      panel.path("panels").forEach(panels::add);
      if (!panel.get("type").asString().equals("row")) {
        panels.add(panel);
      }
    }
    return panels;
  }
}
