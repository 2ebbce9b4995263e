package resure.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import resure.journal.InMemoryJournal.Failure;

class InMemoryJournalTest extends JournalContract {

  private final InMemoryJournal journal = new InMemoryJournal();

  @Override
  protected Journal open() {
    return journal;
  }

  @Override
  protected Journal reopen() {
    journal.reopen();
    return journal;
  }

  @Test
  void failsAsToldAndIsThereAgainAfterTheCheck() throws Exception {
    RunKey run = Entries.run("told");
    List<Append> creation = List.of(new Append(run, Head.NONE, List.of(Entries.created())));

    journal.failNextAppend(Failure.UNAVAILABLE);
    assertThatThrownBy(() -> journal.append(creation))
        .isInstanceOf(JournalUnavailableException.class);
    assertThatThrownBy(() -> journal.lookup(run.id()))
        .isInstanceOf(JournalUnavailableException.class);
    journal.check();
    assertThat(journal.lookup(run.id())).isNull();

    journal.failNextAppend(Failure.UNKNOWN_LOST);
    assertThatThrownBy(() -> journal.append(creation)).isInstanceOf(OutcomeUnknownException.class);
    journal.check();
    assertThat(journal.lookup(run.id())).isNull();

    journal.failNextAppend(Failure.UNKNOWN_WRITTEN);
    assertThatThrownBy(() -> journal.append(creation)).isInstanceOf(OutcomeUnknownException.class);
    journal.check();
    assertThat(journal.lookup(run.id())).isEqualTo(run);
  }
}
