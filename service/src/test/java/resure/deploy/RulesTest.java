package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The rules for Prometheus beside the documents; {@code RulesIT} tries them. */
class RulesTest {

  static final String RULES = "helm/resure/files/prometheus/rules.yml";

  private static List<Map<?, ?>> rules() {
    List<Map<?, ?>> rules = new ArrayList<>();
    for (Object group : ComposeFile.list((Map<?, ?>) ComposeFile.yaml(RULES), "groups")) {
      ComposeFile.list((Map<?, ?>) group, "rules").forEach(rule -> rules.add((Map<?, ?>) rule));
    }
    return rules;
  }

  private static List<Map<?, ?>> alerts() {
    return rules().stream().filter(rule -> rule.containsKey("alert")).toList();
  }

  private static String annotation(Map<?, ?> alert, String name) {
    return String.valueOf(((Map<?, ?>) alert.get("annotations")).get(name));
  }

  @Test
  void everyAlertSaysHowBadItIsWhatItIsAndWhatToDo() {
    String runbook = ComposeFile.text("docs/operating.md");
    TreeSet<String> sections = new TreeSet<>();
    Pattern.compile("(?m)^### (.+)$")
        .matcher(runbook)
        .results()
        .forEach(
            m -> sections.add(m.group(1).toLowerCase(java.util.Locale.ROOT).replace(' ', '-')));
    assertThat(alerts()).hasSizeGreaterThanOrEqualTo(13);
    for (Map<?, ?> alert : alerts()) {
      String name = String.valueOf(alert.get("alert"));
      String severity = String.valueOf(((Map<?, ?>) alert.get("labels")).get("severity"));
      assertThat(severity).as(name).isIn("critical", "warning");
      assertThat(annotation(alert, "summary")).as(name).contains("{{");
      assertThat(annotation(alert, "description")).as(name).endsWith(".");
      assertThat(annotation(alert, "runbook_url")).as(name).startsWith("docs/operating.md#");
      String section = annotation(alert, "runbook_url").replaceFirst(".*#", "");
      assertThat(sections).as(name).contains(section);
      assertThat(runbook).contains("\n`" + name + "`, " + severity + ".");
      sections.remove(section);
    }
    assertThat(sections).as("sections without an alert").isEmpty();
  }

  @Test
  void anAlertOfARunLeadsToItInTheConsole() {
    for (Map<?, ?> alert : alerts()) {
      boolean ofRun = annotation(alert, "summary").contains("$labels.run ");
      assertThat(annotation(alert, "console").contains("/#/runs/{{ $labels.run }}"))
          .as("%s", alert.get("alert"))
          .isEqualTo(ofRun);
    }
  }

  @Test
  void everySeriesThatIsRecordedIsInTheDocument() {
    TreeSet<String> recorded = new TreeSet<>();
    for (Map<?, ?> rule : rules()) {
      if (rule.containsKey("record")) {
        recorded.add(String.valueOf(rule.get("record")));
      }
    }
    TreeSet<String> documented = new TreeSet<>();
    String section = ComposeFile.text("docs/metrics.md").replaceFirst("(?s).*## Rules, alerts", "");
    for (String line : section.lines().filter(l -> l.startsWith("| `run")).toList()) {
      Pattern.compile("`(run[^`]+)`")
          .matcher(line.substring(0, line.indexOf('|', 2)))
          .results()
          .forEach(m -> documented.add(m.group(1)));
    }

    assertThat(recorded).isEqualTo(documented);
  }
}
