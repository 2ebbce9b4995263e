package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the console computes by itself, module by module, in the browser that runs them. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SAME_THREAD)
@ResourceLock(LiveService.IN_THIS_PROCESS)
class ConsoleModulesIT {

  private static LiveService live;
  private static Chromium chromium;
  private static Chromium.Tab tab;

  @BeforeAll
  static void start() {
    Optional<Path> installed = Chromium.installed();
    assumeTrue(installed.isPresent(), "SKIPPED: no chromium here to run the console's modules in");
    live = LiveService.start();
    chromium = Chromium.start(installed.get());
    tab = chromium.open(800, ColorScheme.LIGHT);
    tab.page.navigate("http://localhost:" + live.port() + "/#/nowhere");
  }

  @AfterAll
  static void stop() {
    if (chromium != null) {
      tab.close();
      chromium.close();
      live.close();
    }
  }

  /** What a run is like that nothing is the matter with, and what is changed of it. */
  private static final String VERDICT =
      """
      async change => {
        const { verdict } = await import('/verdict.js');
        const turn = number => ({ turn: number, seen: 500, mean: 2, meanWeight: 0.95, drift: 0.1, warning: false, warnings: 0, alarms: 0, lastAlarmStep: null });
        const run = { state: 'active', step: 5000, lastBatchAt: '2026-01-31T12:00:00Z', configuration: { warmUp: 32, shadow: false } };
        const statistics = { sequence: 5001, observations: 9000, unusable: 0, downWeighted: 900, clientWeighted: 0, effectiveSampleRatio: 0.95, turns: [turn(0), turn(1), turn(3)] };
        const marks = [{ kind: 'warning', turn: 3, step: 4100 }, { kind: 'alarm', turn: 3, step: 4200 }];
        const now = Date.parse('2026-01-31T12:00:10Z');
        const apply = (target, path, value) => {
          const names = path.split('.');
          const last = names.pop();
          names.reduce((at, name) => at[name], target)[last] = value;
        };
        Object.entries(JSON.parse(change)).forEach(([path, value]) => apply({ run, statistics }, path, value));
        const { tone, sentence, more } = verdict(run, statistics, marks, now);
        return [tone, sentence, ...more].join(' | ');
      }
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "{}; calm | Nothing unusual.",
        "{\"run.lastBatchAt\": null}; empty | No batch has come yet.",
        "{\"run.lastBatchAt\": \"2026-01-31T09:00:00Z\"}; caution | No batch for 3 h.",
        "{\"statistics.turns.2.warning\": true}; caution | Turn 3 is rising since step 4,100.",
        "{\"statistics.turns.2.warning\": true, \"statistics.turns.2.alarms\": 1,"
            + " \"statistics.turns.2.lastAlarmStep\": 4200}; alarm | Turn 3 is rising since step"
            + " 4,100.",
        "{\"statistics.turns.0.warning\": true, \"statistics.turns.0.drift\": 0.2,"
            + " \"statistics.turns.2.warning\": true, \"statistics.turns.2.drift\": 1.2}; caution |"
            + " Turn 3 is rising since step 4,100, and so is one other.",
        "{\"statistics.turns.2.alarms\": 1, \"statistics.turns.2.lastAlarmStep\": 4800}; caution |"
            + " Turn 3 rose at step 4,800.",
        "{\"statistics.turns.2.alarms\": 1, \"statistics.turns.2.lastAlarmStep\": 4200}; calm |"
            + " Nothing unusual. | Earlier: turn 3 rose at step 4,200.",
        "{\"run.configuration.shadow\": true}; shadow | Shadow: weights are not applied. | Nothing"
            + " unusual.",
        "{\"run.configuration.shadow\": true, \"run.configuration.warmUp\": 600}; shadow | Shadow:"
            + " weights are not applied. | Still warming up: 500 of the 600 observations that a"
            + " turn needs.",
        "{\"run.configuration.warmUp\": 600}; warming | Still warming up: 500 of the 600"
            + " observations that a turn needs.",
        "{\"statistics.turns.1.seen\": 3}; calm | Nothing unusual. | Turn 1 is still warming up.",
        "{\"statistics.effectiveSampleRatio\": 0.31}; caution | Weights are concentrated: the"
            + " effective-sample ratio is 0.31.",
        "{\"statistics.unusable\": 450}; caution | 5.0 % of the losses are unusable.",
        "{\"statistics.clientWeighted\": 1000}; caution | 20 % of the batches were weighed by the"
            + " trainer itself."
      })
  void theVerdictSaysWhatIsMostImportant(String change, String said) {
    assertThat(tab.page.evaluate(VERDICT, change)).isEqualTo(said);
  }

  @Test
  void eventsAreTheSameHoweverTheirBytesCome() {
    Object whole =
        tab.page.evaluate(
            """
            async () => {
              const { EventParser } = await import('/stream.js');
              const text = ': beat\\n\\nid: a-1\\nevent: step\\ndata: {"step":1}\\n\\nid: a-2\\r\\nevent: alarm\\r\\ndata: {\\r\\ndata: "turn":3}\\r\\n\\r\\ndata:no name\\n\\n';
              const expected = JSON.stringify(new EventParser().take(text));
              for (let i = 0; i <= text.length; i++) {
                for (let j = i; j <= text.length; j += 7) {
                  const parser = new EventParser();
                  const got = JSON.stringify([text.slice(0, i), text.slice(i, j), text.slice(j)].flatMap(piece => parser.take(piece)));
                  if (got !== expected) {
                    return `${i} ${j}: ${got}`;
                  }
                }
              }
              return expected;
            }
            """);

    assertThat((String) whole)
        .isEqualTo(
            "[{\"id\":\"a-1\",\"event\":\"step\",\"data\":\"{\\\"step\\\":1}\"},"
                + "{\"id\":\"a-2\",\"event\":\"alarm\",\"data\":\"{\\n\\\"turn\\\":3}\"},"
                + "{\"id\":\"a-2\",\"event\":\"message\",\"data\":\"no name\"}]");
  }

  @Test
  void liveStepsGatherIntoStretchesKeepTheirPeaksAndNeverGoBackwards() {
    Object said =
        tab.page.evaluate(
            """
            async () => {
              const { History } = await import('/history.js');
              const column = () => [1, 1];
              const names = ['observations', 'loss', 'lossMin', 'lossMax', 'mean', 'standardDeviation', 'weight', 'weightMin', 'effectiveSampleRatio', 'drift', 'driftMax'];
              const history = new History({ sequence: 10, progress: 1, fromSteps: [0, 4], toSteps: [3, 7], marks: [], turns: [{ turn: 0, ...Object.fromEntries(names.map(name => [name, column()])) }] });
              const step = (sequence, step, loss, turn = 0) => history.append({ sequence, step, turns: [{ turn, observations: 2, loss, mean: 2, standardDeviation: 1, weight: 1, effectiveSampleRatio: 1, drift: 0 }] });
              const taken = [step(10, 7, 9), step(11, 8, 1), step(12, 9, 5), step(13, 9, 5), step(14, 10, 3), step(15, 11, 3), step(16, 12, 2, 5)];
              const grown = [taken.join(), history.fromSteps.join(), history.toSteps.join(), history.turns.get(0).loss.join(), history.turns.get(0).lossMax.join(), history.turns.get(5).loss.join()];
              history.cut(5);
              step(17, 4, 2);
              return [...grown, history.toSteps.join(), history.turns.get(0).loss.length].join(' | ');
            }
            """);

    assertThat((String) said)
        .isEqualTo(
            "false,true,true,false,true,true,true | 0,4,8,12 | 3,7,11,12 | 1,1,3, | 1,1,5, | ,,,2 |"
                + " 3,4 | 2");
  }

  @Test
  void numbersAndAgesReadAsTheyShould() {
    Object said =
        tab.page.evaluate(
            """
            async () => {
              const f = await import('/format.js');
              return [f.percent(0), f.percent(0.0004), f.percent(0.034), f.percent(0.34), f.percent(null), f.signed(-1.26), f.signed(-0.04), f.signed(0.5), f.duration(99_000), f.duration(100_000), f.duration(6e6), f.duration(4e8), f.whole(4100), f.compact(31_000)];
            }
            """);

    assertThat(said)
        .isEqualTo(
            List.of(
                "0 %",
                "< 0.1 %",
                "3.4 %",
                "34 %",
                "\u2013",
                "\u22121.3",
                "0.0",
                "+0.5",
                "99 s",
                "2 min",
                "2 h",
                "5 d",
                "4,100",
                "31K"));
  }
}
