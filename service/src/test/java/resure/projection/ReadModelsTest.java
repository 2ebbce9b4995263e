package resure.projection;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.journal.InMemoryJournal;
import resure.journal.JournalException;
import resure.journal.Row;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.weighting.Configuration;

/** However the rows came about, they say what the journal does. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReadModelsTest {

  private static final Configuration CONFIGURATION = Configuration.DEFAULT.withWarmUp(8);
  private static final int DIALOGUES = 40;

  private final long seed = Long.getLong("resure.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final InMemoryJournal journal = new InMemoryJournal();

  private ModelledService created(Configuration configuration) {
    ModelledService service = new ModelledService(journal);
    service.create(configuration, Retention.ALL);
    return service;
  }

  private ModelledService reopened() {
    journal.reopen();
    return new ModelledService(journal);
  }

  private void step(ModelledService service, long step) {
    for (int rank = random.nextInt(3); rank >= 0; rank--) {
      service.score(Visitors.batch(random, step, rank, DIALOGUES));
    }
    if (random.nextInt(4) == 0) {
      service.ask();
    }
  }

  private void train(ModelledService service, long fromStep, long toStep) {
    for (long step = fromStep; step < toStep; step++) {
      step(service, step);
    }
  }

  /** What the rows say must be what rows say that are built from the journal alone. */
  private void assertAsFresh(ModelledService service) throws JournalException {
    DialoguePage said = service.dialogues();
    RunKey run = service.key();
    String bytes = DialogueBytes.of(journal.rows(), run);
    service.close();
    journal.rows().lose(run);
    try (ModelledService fresh = reopened()) {
      assertThat(fresh.dialogues()).as("seed %d", seed).isEqualTo(said);
      assertThat(DialogueBytes.of(journal.rows(), run)).as("seed %d", seed).isEqualTo(bytes);
    }
  }

  @RepeatedTest(5)
  void inWhateverPiecesTheyAreWritten() throws JournalException {
    ModelledService service = created(CONFIGURATION.withLag(random.nextInt(3)));
    train(service, 0, 80);
    assertThat(service.dialogues().dialogues()).hasSizeGreaterThan(DIALOGUES / 2);

    assertAsFresh(service);
  }

  @RepeatedTest(5)
  void afterRestarts() throws JournalException {
    ModelledService service = created(CONFIGURATION);
    RunKey run = service.key();
    for (int start = 0; start < 5; start++) {
      train(service, 12L * start, 12L * start + 12);
      service.close();
      if (random.nextBoolean()) {
        // As a crash may cost them.
        journal.rows().lose(run);
      }
      service = reopened();
    }
    assertAsFresh(service);
  }

  @RepeatedTest(5)
  void afterRewinds() throws JournalException {
    ModelledService service = created(CONFIGURATION.withLag(random.nextInt(2)));
    long step = 0;
    for (int rewind = 0; rewind < 5; rewind++) {
      train(service, step, step + 15);
      step = Math.max(0, step + 15 - random.nextInt(25));
      ModelledService.done(service.runs.rewind(ModelledService.ID, step, null, null));
      if (random.nextBoolean()) {
        service.ask();
      }
    }
    train(service, step, step + 5);
    ModelledService.done(service.runs.finish(ModelledService.ID, null));

    assertAsFresh(service);
  }

  @RepeatedTest(3)
  void whenReplicasTakeTurns() throws JournalException {
    journal.share();
    List<ModelledService> replicas = new ArrayList<>();
    replicas.add(created(CONFIGURATION));
    replicas.add(new ModelledService(journal));
    long step = 0;
    for (int turn = 0; turn < 40; turn++, step++) {
      step(replicas.get(random.nextInt(2)), step);
      if (random.nextInt(8) == 0) {
        step = random.nextLong(step + 1);
        ModelledService.done(
            replicas.get(random.nextInt(2)).runs.rewind(ModelledService.ID, step, null, null));
      }
    }
    assertThat(replicas.getFirst().dialogues())
        .as("seed %d", seed)
        .isEqualTo(replicas.getLast().dialogues());
    replicas.getFirst().close();
    journal.reopen();

    assertAsFresh(replicas.getLast());
  }

  @Test
  void whenMoreIsToldThanMayWait() throws JournalException {
    ModelledService service = new ModelledService(journal, 3000);
    service.create(CONFIGURATION, Retention.ALL);
    train(service, 0, 60);

    assertAsFresh(service);
  }

  @Test
  void whereMuchWaitsThatOfWhichThereIsMostIsWritten() throws JournalException {
    RunId other = new RunId(RunId.DEFAULT_TENANT, "sft-43");
    try (ModelledService service = new ModelledService(journal, 1 << 20)) {
      service.create(CONFIGURATION, Retention.ALL);
      service.create(other, CONFIGURATION, Retention.ALL);
      ModelledService.done(
          service.runs.score(other, null, Visitors.batch(random, 0, 0, DIALOGUES)));
      for (long step = 0; step < 10_000 && mark(service.key()) == 0; step++) {
        service.score(Visitors.batch(random, step, 0, DIALOGUES));
      }

      assertThat(mark(service.key())).isPositive();
      assertThat(mark(service.key(other))).isZero();
    }
  }

  private long mark(RunKey run) throws JournalException {
    RowsMark mark = journal.rows().mark(run);
    return mark == null ? 0 : mark.sequence();
  }

  @Test
  void withoutSteps() throws JournalException {
    ModelledService service = created(CONFIGURATION);
    for (int i = 0; i < 60; i++) {
      service.score(Visitors.batch(random, ObservationBatch.NO_STEP, 0, DIALOGUES));
      if (random.nextInt(9) == 0) {
        service.ask();
      }
    }
    assertAsFresh(service);
  }

  @Test
  void whenTheStoreRefusesForAWhile() throws JournalException {
    ModelledService service = created(CONFIGURATION);
    train(service, 0, 10);
    service.ask();
    journal.rows().refuse(true);
    for (long step = 10; step < 20; step++) {
      service.score(Visitors.batch(random, step, 0, DIALOGUES));
    }
    RunKey run = service.key();
    assertThat(
            service
                .models
                .ask(run, 1, new DialogueRanking(run, new DialogueQuery(1, null, null, null)))
                .join())
        .isInstanceOf(resure.run.Outcome.Refused.class);
    journal.rows().refuse(false);

    assertAsFresh(service);
  }

  @Test
  void whenRowsAreDamaged() throws JournalException {
    ModelledService service = created(CONFIGURATION);
    train(service, 0, 30);
    DialoguePage before = service.dialogues();
    RunKey run = service.key();
    RowsMark mark = requireNonNull(journal.rows().mark(run));
    List<RowChange> damage = new ArrayList<>();
    for (Row row : journal.rows().scan(run, RowKind.DIALOGUES, new byte[0], null, 1000)) {
      byte[] content = row.content();
      content[0] = 99;
      damage.add(RowChange.put(RowKind.DIALOGUES, row.key(), content));
    }
    assertThat(journal.rows().write(run, mark, mark, damage)).isTrue();
    // Nobody is told of it but by the log.
    assertThat(service.dialogues()).isEqualTo(before);
    service.close();
  }

  @Test
  void whenTheStoreWasPutBackToAnOlderState() throws JournalException {
    ModelledService service = created(CONFIGURATION);
    train(service, 0, 30);
    service.ask();
    RunKey run = service.key();
    service.close();
    // The rows are of batches that the journal has lost; others take their places.
    journal.reopen();
    journal.putBack(run, 20);
    ModelledService again = reopened();
    train(again, 40, 60);

    assertAsFresh(again);
  }
}
