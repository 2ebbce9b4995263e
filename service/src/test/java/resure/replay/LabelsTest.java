package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import resure.journal.JournalException;
import resure.run.RecordedRun;
import resure.weighting.Configuration;

class LabelsTest {

  private static boolean[] bad(List<Bad> bad, Dialogue... dialogues) {
    return new Labels(bad).bad(Dialogue.batch(0, 0, 0, null, List.of(dialogues)));
  }

  @Test
  void aTurnIsNamedByItsIndexInTheDialogue() {
    assertThat(
            bad(
                List.of(new Bad("a", 2L), new Bad("a", 3L)),
                new Dialogue("b", null, 0, 1.0, 1.0, 1.0),
                new Dialogue("a", null, 1, 1.0, null, 1.0)))
        .containsExactly(false, false, false, false, true, true);
  }

  @Test
  void aDialogueThatIsBadAsAWholeIsBadInEveryTurn() {
    List<Bad> bad = List.of(new Bad("a", 1L), new Bad("a", null), new Bad("a", 0L));

    assertThat(bad(bad, new Dialogue("a", null, 5, 1.0, 1.0))).containsExactly(true, true);
    assertThat(bad(bad, new Dialogue("b", null, 0, 1.0, 1.0))).isEmpty();
  }

  @Test
  void labelsOfWhatWasNeverObservedAreFound() throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    run.score(
        Dialogue.batch(
            0,
            0,
            0,
            null,
            List.of(
                new Dialogue("a", null, 0, 1.0, null, Double.NaN),
                new Dialogue("never", null, 0, null, null))));
    run.score(Dialogue.batch(1, 0, 0, null, List.of(new Dialogue("rewound", null, 0, 1.0))));
    run.rewind(1, null);
    run.score(Dialogue.batch(1, 0, 0, null, List.of(new Dialogue("b", null, 7, 1.0))));
    List<Bad> known =
        List.of(new Bad("a", null), new Bad("a", 0L), new Bad("a", 2L), new Bad("b", 7L));
    List<Bad> unknown =
        List.of(
            new Bad("a", 1L),
            new Bad("a", 3L),
            new Bad("b", 0L),
            new Bad("never", null),
            new Bad("rewound", null),
            new Bad("c", null));

    assertThat(Labels.unknown(run.export(), known)).isEmpty();
    assertThat(Labels.unknown(run.export(), List.of())).isEmpty();
    List<Bad> all = new ArrayList<>(known);
    all.addAll(unknown);
    assertThat(Labels.unknown(run.export(), all)).isEqualTo(unknown);
  }
}
