package resure.contract;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The console in a real browser, on the real service, fed with the recorded trace. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SAME_THREAD)
@ResourceLock(LiveService.IN_THIS_PROCESS)
class ConsoleIT {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int STEPS = 150;
  private static final int WIDE = 1440;
  private static final int PHONE = 400;

  /** Ids that have hurt others: each must be read as the text that it is. */
  private static final List<String> HOSTILE =
      List.of(
          "<script>alert(1)</script>",
          "\"><img src=x onerror=alert(1)>",
          "it's `quoted` \"twice\" & <b>bold</b>",
          "javascript:alert(1)",
          "{{constructor.constructor('alert(1)')()}}",
          "../../etc/passwd",
          "\u202egnp.exe\u202c and then",
          "one line\nand\r\nanother\ttabbed",
          "zero\u200bwidth\u200f",
          "\u0645\u0631\u062d\u0628\u0627",
          "\ud83d\ude00".repeat(40),
          "x".repeat(256));

  private static LiveService live;
  private static Chromium chromium;
  private static String run;
  private static String other;
  private static String hostile;
  private static String replay;

  @BeforeAll
  static void start() {
    Optional<Path> installed = Chromium.installed();
    assumeTrue(installed.isPresent(), "SKIPPED: no chromium here to open the console in");
    live = LiveService.start();
    Trace trace = new Trace();
    run = post(trace, "{\"labels\":{\"experiment\":\"sgd-clean\"}}");
    other = post(trace, "{\"weighting\":{\"threshold\":0.5}}");
    hostile = live.newRun("{\"labels\":{\"note\":\"<script>alert(1)</script>\"}}");
    for (int step = 0; step < 40; step++) {
      live.score(hostile, hostileBatch(step));
    }
    Answer started =
        live.post(
            run + "/replays",
            "{\"grid\":{\"weighting.function\":[\"clip\",\"cauchy\"],\"weighting.threshold\":[0,0.5,1]}}");
    replay = started.header("Location");
    chromium = Chromium.start(installed.get());
  }

  private static String post(Trace trace, String configuration) {
    String path = live.newRun(configuration);
    trace.bodies.subList(0, STEPS).forEach(body -> live.score(path, body));
    return path;
  }

  private static String hostileBatch(int step) {
    Random random = new Random(step);
    ObjectNode batch = JSON.createObjectNode().put("step", step);
    batch.put("attempt", "<img src=x onerror=alert(1)>\u202e");
    ArrayNode dialogues = batch.putArray("dialogues");
    for (int i = 0; i < HOSTILE.size(); i++) {
      ObjectNode dialogue = dialogues.addObject().put("id", HOSTILE.get(i));
      dialogue.put("source", HOSTILE.get(HOSTILE.size() - 1 - i));
      dialogue.putArray("losses").add(2 + random.nextGaussian()).add(1 + random.nextDouble());
    }
    return batch.toString();
  }

  @AfterAll
  static void stop() {
    if (chromium != null) {
      chromium.close();
    }
    if (live != null) {
      live.close();
    }
  }

  private static String name(String path) {
    return path.substring("/v1/runs/".length());
  }

  private static String address(String hash) {
    return "http://localhost:" + live.port() + "/" + hash;
  }

  /** Every page, and what is on it once it is there. */
  private static Map<String, String> pages() {
    return Map.of(
        "#/runs",
        "main table tbody tr",
        "#/runs/" + name(run),
        ".read table tbody tr",
        "#/runs/" + name(run) + "?turn=3",
        ".losses .canvas canvas",
        "#/runs/" + name(run) + "/dialogues",
        ".read table tbody tr",
        "#/runs/" + name(run) + "/replays",
        ".canvas canvas",
        "#/compare?a=" + name(run) + "&b=" + name(other),
        ".canvas canvas",
        "#/compare",
        ".nothing",
        "#/nowhere",
        ".nothing");
  }

  private static void open(Page page, String hash, String there) {
    page.navigate(address(hash));
    page.locator(there).first().waitFor();
  }

  @ParameterizedTest
  @ValueSource(ints = {PHONE, WIDE})
  void everyPageLoadsWithoutAFaultOrAForeignRequestAndFitsItsWidth(int width) {
    awaitReplay();
    for (Map.Entry<String, String> each : pages().entrySet()) {
      try (Chromium.Tab tab = chromium.open(width, ColorScheme.LIGHT)) {
        open(tab.page, each.getKey(), each.getValue());

        assertThat(tab.faults()).isEmpty();
        assertThat(tab.requests()).allMatch(url -> url.startsWith(address("")));
        assertThat(tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
            .as(each.getKey() + " is wider than " + width)
            .isEqualTo(true);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"LIGHT", "DARK"})
  void axeFindsNoSeriousFault(ColorScheme scheme) {
    awaitReplay();
    List<String> faults = new ArrayList<>();
    for (Map.Entry<String, String> each : pages().entrySet()) {
      try (Chromium.Tab tab = chromium.open(WIDE, scheme)) {
        open(tab.page, each.getKey(), each.getValue());
        tab.page
            .locator("details.beside summary")
            .all()
            .forEach(Locator::click); // the tables beside the charts too
        AxeBuilder axe = new AxeBuilder(tab.page);
        if (scheme == ColorScheme.DARK) {
          // Colours are all that is different.
          axe = axe.withRules(List.of("color-contrast"));
        }
        axe.analyze()
            .getViolations()
            .forEach(
                rule -> {
                  if (List.of("serious", "critical").contains(rule.getImpact())) {
                    faults.add(each.getKey() + ": " + rule.getId() + " " + rule.getNodes());
                  }
                });
      }
    }

    assertThat(faults).isEmpty();
  }

  @Test
  void aStepIsShownAsItComesAndARewindTakesItBack() {
    String training = live.newRun("{\"warmUp\":2}");
    for (int step = 0; step < 30; step++) {
      score(training, step);
    }
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      open(tab.page, "#/runs/" + name(training), ".losses canvas");
      Locator step = fact(tab.page, "Step");
      assertThat(step).hasText("29");
      assertThat(tab.page.locator(".connection")).hasText("Live");

      score(training, 30);
      score(training, 31);
      assertThat(step).hasText("31");

      live.post(training + "/rewind", "{\"nextStep\":10}");
      assertThat(step).hasText("9");

      live.post(training + "/finish", "");
      assertThat(tab.page.locator(".states")).containsText("finished");
      assertThat(tab.faults()).isEmpty();
    }
  }

  private static void score(String run, long step) {
    live.score(
        run,
        "{\"step\":%d,\"dialogues\":[{\"id\":\"d-1\",\"losses\":[2.%d,1.5]},{\"id\":\"d-2\",\"losses\":[2.1,1.%d]}]}"
            .formatted(step, step % 10, step % 7));
  }

  private static Locator fact(Page page, String name) {
    return page.locator(".fact")
        .filter(new Locator.FilterOptions().setHas(page.locator("dt", has(name))))
        .locator("dd")
        .first();
  }

  private static Page.LocatorOptions has(String text) {
    return new Page.LocatorOptions().setHasText(text);
  }

  @Test
  void aPageThatIsHiddenHasNoStream() {
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      open(tab.page, "#/runs/" + name(run), ".losses canvas");
      Locator connection = tab.page.locator(".connection");
      assertThat(connection).hasText("Live");

      show(tab.page, false);
      assertThat(connection).hasText("Paused while hidden");

      show(tab.page, true);
      assertThat(connection).hasText("Live");
    }
  }

  private static void show(Page page, boolean visible) {
    page.evaluate(
        """
        hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }
        """,
        !visible);
  }

  @Test
  void whatIsLookedAtIsInTheAddressAndAnUpdateDoesNotLoseIt() {
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      Page page = tab.page;
      open(page, "#/runs/" + name(run) + "?turn=3&from=50&to=100", ".losses canvas");
      assertThat(page.locator(".losses h2")).hasText("Turn 3");
      assertThat(page.locator("#from")).hasValue("50");

      page.getByText("Next turn").click();
      assertThat(page.locator(".losses h2")).hasText("Turn 4");
      page.getByText("All steps").click();
      assertThat(page.locator("#from")).hasValue("");
      page.goBack();
      assertThat(page.locator("#to")).hasValue("100");
      page.reload();
      assertThat(page.locator("#to")).hasValue("100");
      assertThat(page.locator(".losses h2")).hasText("Turn 4");
    }
  }

  @Test
  void theKeyboardAloneReachesEverything() {
    awaitReplay();
    for (Map.Entry<String, String> each : pages().entrySet()) {
      try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
        open(tab.page, each.getKey(), each.getValue());
        Set<Object> wanted = new LinkedHashSet<>((List<?>) tab.page.evaluate(REACHABLE));
        Set<Object> reached = new LinkedHashSet<>();
        for (int i = 0; i < 2 * wanted.size() + 10; i++) {
          tab.page.keyboard().press("Tab");
          Object focused = tab.page.evaluate("document.activeElement.dataset.reached ?? null");
          if (focused != null) {
            reached.add(focused);
          }
        }
        assertThat(reached).as(each.getKey()).containsAll(wanted);
      }
    }
  }

  /** Numbers everything that can be operated; of radio buttons one of a group has the focus. */
  private static final String REACHABLE =
      """
      () => [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex="0"]')]
        .filter(each => each.checkVisibility() && !(each.type === 'radio' && !each.checked))
        .map((each, i) => {
          each.dataset.reached = `${i} ${each.tagName} ${each.textContent.slice(0, 30)}`;
          return each.dataset.reached;
        })
      """;

  @Test
  void aTurnIsChosenByKeyboard() {
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      open(tab.page, "#/runs/" + name(run), ".losses canvas");
      tab.page.keyboard().press("Tab");
      tab.page.keyboard().press("Enter");
      assertThat(tab.page.locator("main")).isFocused();

      tab.page.locator(".map select").focus();
      tab.page.keyboard().press("ArrowDown");
      assertThat(tab.page.locator(".losses h2")).hasText("Turn 0");
    }
  }

  @Test
  void hostileIdsAreTextsAndAreCopiedAsTheyAre() {
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      open(tab.page, "#/runs/" + name(hostile) + "/dialogues", ".read table tbody tr");
      List<Locator> rows = tab.page.locator(".read tbody tr").all();
      assertThat(rows).hasSize(HOSTILE.size());
      Set<String> copied = new LinkedHashSet<>();
      for (Locator row : rows) {
        row.locator("button.copy").click();
        assertThat(row.locator("button.copy")).hasText("Copied");
        copied.add((String) tab.page.evaluate("navigator.clipboard.readText()"));
      }
      assertThat(copied).containsExactlyInAnyOrderElementsOf(HOSTILE);
      String shown = tab.page.locator(".read tbody").textContent();
      assertThat(shown).contains(HOSTILE.subList(0, 6));
      assertThat(shown)
          .contains("U+202Egnp.exe", "one line\u240aand\u240d\u240aanother\u2409tabbed");

      for (String page : List.of("", "?turn=1", "/replays")) {
        tab.page.navigate(address("#/runs/" + name(hostile) + page));
        tab.page.locator("main h1").waitFor();
      }
      open(tab.page, "#/compare?a=" + name(hostile) + "&b=" + name(run), ".canvas canvas");
      open(tab.page, "#/runs", "main table tbody tr");
      assertThat(tab.page.locator("main")).containsText("<script>alert(1)</script>");
      assertThat(tab.page.locator("main img, main script").count()).isZero();
      assertThat(tab.faults()).isEmpty();
    }
  }

  @Test
  void aRunOf64TurnsAnd200SourcesIsShownWhole() {
    String large = live.newRun("{}");
    Random random = new Random(64);
    for (int step = 0; step < 60; step++) {
      live.score(large, largeBatch(step, random));
    }
    try (Chromium.Tab tab = chromium.open(WIDE, ColorScheme.LIGHT)) {
      open(
          tab.page,
          "#/runs",
          "main table tbody tr"); // the scripts are there, as on any second page
      long begun = System.nanoTime();
      open(tab.page, "#/runs/" + name(large), ".map canvas");
      System.out.printf(
          "A run of 64 turns and 200 sources was shown after %d ms%n",
          Duration.ofNanos(System.nanoTime() - begun).toMillis());

      tab.page.getByText("All 200 sources").click();
      assertThat(tab.page.locator("tbody tr", has("source-")).count()).isGreaterThanOrEqualTo(200);
      assertThat(tab.faults()).isEmpty();
    }
  }

  private static String largeBatch(int step, Random random) {
    ObjectNode batch = JSON.createObjectNode().put("step", step);
    ArrayNode dialogues = batch.putArray("dialogues");
    for (int i = 0; i < 200; i++) {
      ObjectNode dialogue = dialogues.addObject().put("id", "d-" + i).put("source", "source-" + i);
      ArrayNode losses = dialogue.putArray("losses");
      for (int turn = 0; turn < 64; turn++) {
        losses.add(2 + random.nextGaussian() / 4);
      }
    }
    return batch.toString();
  }

  private static void awaitReplay() {
    long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
    while (!live.get(replay).text().contains("\"done\"")) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(live.get(replay));
      }
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }
}
