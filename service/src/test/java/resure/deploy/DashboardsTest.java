package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What can be seen of the dashboards without running them; {@code DashboardsIT} does. */
class DashboardsTest {

  @Test
  void thereAreThreeAndTheyLeadToEachOther() {
    assertThat(Dashboards.all())
        .containsOnlyKeys("training-run.json", "fleet.json", "service.json");
    TreeSet<String> uids = new TreeSet<>();
    TreeSet<String> linked = new TreeSet<>();
    for (JsonNode dashboard : Dashboards.all().values()) {
      uids.add(dashboard.get("uid").asString());
      Pattern.compile("\"/d/([a-z-]+)")
          .matcher(dashboard.toString())
          .results()
          .forEach(m -> linked.add(m.group(1)));
    }
    assertThat(uids).hasSize(3).isEqualTo(linked);
  }

  @Test
  void everyPanelSaysWhatItShowsInWhichUnitAndFromWhereOnItIsBad() {
    for (JsonNode dashboard : Dashboards.all().values()) {
      assertThat(dashboard.get("description").asString()).endsWith(".");
      TreeSet<Integer> ids = new TreeSet<>();
      for (JsonNode panel : Dashboards.panels(dashboard)) {
        String title = dashboard.get("title").asString() + ": " + panel.get("title").asString();
        JsonNode defaults = panel.at("/fieldConfig/defaults");
        assertThat(ids.add(panel.get("id").asInt())).as(title).isTrue();
        assertThat(panel.get("description").asString()).as(title).hasSizeGreaterThan(15);
        assertThat(defaults.path("unit").asString("")).as(title).isNotEmpty();
        assertThat(defaults.at("/thresholds/steps").size()).as(title).isPositive();
        assertThat(panel.at("/datasource/uid").asString()).as(title).isEqualTo("${datasource}");
        assertThat(panel.get("targets").size()).as(title).isPositive();
      }
    }
  }

  /**
   * A line for each run, turn or source is unreadable from a dozen on: only the worst are drawn.
   */
  @Test
  void noQueryDrawsALineForEverything() {
    for (JsonNode dashboard : Dashboards.all().values()) {
      for (JsonNode panel : Dashboards.panels(dashboard)) {
        if (panel.get("type").asString().equals("timeseries")) {
          for (JsonNode target : panel.get("targets")) {
            String expression = target.get("expr").asString();
            assertThat(expression)
                .as(panel.get("title").asString())
                .satisfiesAnyOf(
                    e -> assertThat(e).contains("topk("),
                    e -> assertThat(e).contains("bottomk("),
                    e -> assertThat(e).doesNotContainPattern("by \\([^)]*\\b(run|turn|source)\\b"));
          }
        }
      }
    }
  }

  @Test
  void aWeightsAxisIsFromNoneToFull() {
    List<String> found = new ArrayList<>();
    for (JsonNode panel : Dashboards.panels(Dashboards.all().get("training-run.json"))) {
      String title = panel.get("title").asString();
      if (title.startsWith("Mean weight,") || title.startsWith("Effective-sample ratio,")) {
        found.add(title);
        assertThat(panel.at("/fieldConfig/defaults/min").asInt(-1)).isZero();
        assertThat(panel.at("/fieldConfig/defaults/max").asInt(-1)).isEqualTo(1);
      }
    }
    assertThat(found).hasSize(4);
  }

  @Test
  void whatIsOutsideIsReachedByAVariableOnly() {
    for (JsonNode dashboard : Dashboards.all().values()) {
      Pattern.compile("\"url\":\"([^\"]+)\"")
          .matcher(dashboard.toString())
          .results()
          .forEach(m -> assertThat(m.group(1)).matches("/d/.*|\\$\\{console}/#/runs/.*"));
    }
  }
}
