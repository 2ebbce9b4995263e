package resure.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import resure.api.ScoringText;
import resure.api.StatisticsText;
import resure.contract.Answer;
import resure.journal.Entries;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.RecordedRun;
import resure.run.Scored;
import resure.weighting.Configuration;

/** The checker of the fault run finds what it shall find: here in records that were doctored. */
class CheckerTest {

  private static final Duration FRESHNESS = Duration.ofSeconds(1);
  private static final String NAME = "sft-42";
  private static final Map<String, List<String>> PLAIN =
      Map.of("Content-Type", List.of("application/json"));

  private final Random random = new Random(11);
  private final List<Call> calls = new ArrayList<>();
  private final List<SentBatch> sent = new ArrayList<>();
  private RecordedRun run;
  private long now;

  /** A run of 16 batches in 8 steps, then rewound to step 5 and trained up to step 6. */
  @BeforeEach
  void train() throws JournalException {
    run = new RecordedRun(Configuration.DEFAULT.withWarmUp(2));
    call(new Intent.Create(NAME, 1, "{}"), 201, described(), PLAIN);
    start(0, "job-1");
    for (int step = 0; step < 8; step++) {
      post("job-1", step, 0);
      post("job-1", step, 1);
    }
    start(5, "job-2");
    for (int step = 5; step < 7; step++) {
      post("job-2", step, 0);
    }
    read();
  }

  private String described() {
    return "{\"sequence\":" + run.statistics().run().sequence() + "}";
  }

  private void start(long nextStep, String attempt) throws JournalException {
    run.rewind(nextStep, attempt);
    call(new Intent.Rewind(NAME, nextStep, attempt), 200, described(), PLAIN);
  }

  private SentBatch batch(@Nullable String key, String attempt, long step, int rank) {
    SentBatch batch = new SentBatch(NAME + "-" + sent.size(), key, step, rank, 0, attempt, random);
    sent.add(batch);
    return batch;
  }

  private SentBatch post(String attempt, long step, int rank) throws JournalException {
    SentBatch batch = batch(step + "/" + rank, attempt, step, rank);
    call(new Intent.Post(NAME, batch), 200, recorded(batch), PLAIN);
    return batch;
  }

  private String recorded(SentBatch batch) throws JournalException {
    Scored scored = run.score(batch.key(), ScoringText.read(batch.body()));
    return ScoringText.answer(scored.sequence(), scored.batch(), scored.weights());
  }

  private void read() {
    String tag = "\"%s-%d\"".formatted(run.key().incarnation(), run.statistics().run().sequence());
    call(
        new Intent.Read(NAME, true, 0),
        200,
        StatisticsText.of(run.statistics()),
        Map.of("Content-Type", List.of("application/json"), "ETag", List.of(tag)));
  }

  private Call call(Intent intent, int status, String body, Map<String, List<String>> headers) {
    Answer answer =
        new Answer(status, HttpHeaders.of(headers, (k, v) -> true), body.getBytes(UTF_8));
    now += TimeUnit.MILLISECONDS.toNanos(10);
    Call call = new Call(intent, 0, now - 2, now - 1, answer, false);
    calls.add(call);
    return call;
  }

  private Call refuse(Intent intent, int status, String type) {
    String place =
        switch (type) {
          case "stale-attempt" -> ",\"pointer\":\"/attempt\"";
          case "sequence-not-reached" -> ",\"parameter\":\"atLeastSequence\"";
          default -> "";
        };
    return call(
        intent, status, "{\"type\":\"urn:resure:problem:" + type + '"' + place + '}', PLAIN);
  }

  private Call of(int batch) {
    return calls.stream()
        .filter(c -> c.intent() instanceof Intent.Post post && post.batch() == sent.get(batch))
        .findFirst()
        .orElseThrow();
  }

  private void replace(Call call, Call by) {
    Collections.replaceAll(calls, call, by);
  }

  private static Call answered(Call call, String text) {
    Answer answer = new Answer(200, HttpHeaders.of(PLAIN, (k, v) -> true), text.getBytes(UTF_8));
    return new Call(call.intent(), 0, call.begun(), call.ended(), answer, false);
  }

  private static String text(Call call) {
    return call.answer() == null ? "" : call.answer().text();
  }

  private List<String> breaches() throws JournalException {
    return breaches(Recorded.read(run.journal(), NAME), served());
  }

  private static Answer answer(int status, String text) {
    return new Answer(status, HttpHeaders.of(PLAIN, (k, v) -> true), text.getBytes(UTF_8));
  }

  private Checker.Served served() throws JournalException {
    return new Checker.Served(
        0,
        answer(200, StatisticsText.of(run.statistics())),
        answer(200, ScoringText.export(run.export())));
  }

  private List<String> breaches(@Nullable Recorded recorded, Checker.Served served) {
    return new Checker(calls, recorded, FRESHNESS).check(List.of(served));
  }

  private void assertFound(String breach) throws JournalException {
    assertThat(breaches()).anySatisfy(found -> assertThat(found).contains(breach));
  }

  @Test
  void aTrueRecordIsExplained() throws JournalException {
    call(of(3).intent(), 200, text(of(3)), Map.of("Idempotency-Replayed", List.of("true")));
    refuse(new Intent.Post(NAME, batch("late", "job-1", 4, 3)), 409, "stale-attempt");
    refuse(new Intent.Post(NAME, batch("6/0", "job-1", 6, 0)), 422, "key-reused");

    assertThat(breaches()).isEmpty();
  }

  @Test
  void aKeyThatNobodyElseHadIsFound() throws JournalException {
    refuse(new Intent.Post(NAME, batch("9/9", "job-1", 9, 9)), 422, "key-reused");
    // Another had this one, until a rewind removed it.
    refuse(new Intent.Post(NAME, batch("7/1", "job-2", 7, 0)), 422, "key-reused");

    assertThat(breaches()).filteredOn(b -> b.contains("nobody else had the key:")).hasSize(2);
  }

  @Test
  void aLostAnswerIsFound() throws JournalException {
    Recorded whole = recorded();
    Recorded cut =
        new Recorded(whole.key(), whole.entries().subList(0, whole.entries().size() - 1));

    assertThat(breaches(cut, served())).anySatisfy(b -> assertThat(b).contains("lost:"));
    assertThat(breaches(null, new Checker.Served(0, answer(404, ""), answer(404, ""))))
        .anySatisfy(b -> assertThat(b).contains("lost:"));
  }

  private Recorded recorded() throws JournalException {
    Recorded recorded = Recorded.read(run.journal(), NAME);
    if (recorded == null) {
      throw new AssertionError("no run");
    }
    return recorded;
  }

  @Test
  void aLostRewindIsFound() throws JournalException {
    refuse(new Intent.Rewind(NAME, 9, "job-3"), 503, "store-unavailable");
    call(new Intent.Rewind(NAME, 9, "job-3"), 200, described(), PLAIN);

    assertFound("lost:");
  }

  @Test
  void aBatchThatIsThereTwiceIsFound() throws JournalException {
    run.score(null, ScoringText.read(sent.getLast().body()));

    assertFound("twice, also at");
  }

  @Test
  void aBatchOfNobodyIsFound() throws JournalException {
    recorded(batch(null, "job-2", 7, 0));

    assertFound("of nobody");
  }

  @Test
  void aBatchThatIsNotWholeIsFound() throws JournalException {
    SentBatch whole = batch("7/0", "job-2", 7, 0);
    SentBatch other = new SentBatch(whole.id(), "7/0", 7, 0, 0, "job-2", random);
    call(new Intent.Post(NAME, whole), 200, recorded(other), PLAIN);

    assertFound("not as it was sent");
  }

  @Test
  void aBatchThatWasRefusedAndIsThereIsFound() throws JournalException {
    SentBatch batch = batch("7/0", "job-2", 7, 0);
    recorded(batch);
    refuse(new Intent.Post(NAME, batch), 503, "store-unavailable");

    assertFound("refused and yet there");
  }

  @Test
  void whatStayedUnansweredMayBeThereAndMayNot() throws JournalException {
    SentBatch there = batch("7/0", "job-2", 7, 0);
    recorded(there);
    now += 10;
    calls.add(new Call(new Intent.Post(NAME, there), 0, now - 2, now - 1, null, false));
    SentBatch absent = batch("7/1", "job-2", 7, 1);
    calls.add(new Call(new Intent.Post(NAME, absent), 0, now - 2, now - 1, null, true));

    assertThat(breaches()).isEmpty();
  }

  @Test
  void anotherAnswerThanRecordedIsFound() throws JournalException {
    replace(of(2), answered(of(2), text(of(2)).replace("\"late\":false", "\"late\":true")));

    assertFound("answered otherwise than recorded");
  }

  @Test
  void twoAnswersToOneKeyAreFound() throws JournalException {
    Call first = of(2);
    call(
        first.intent(),
        200,
        text(first).replaceFirst("\"sequence\":\\d+", "\"sequence\":99"),
        Map.of("Idempotency-Replayed", List.of("true")));
    call(new Intent.Delete(NAME, 1), 204, "", Map.of());

    assertThat(breaches(null, new Checker.Served(0, answer(404, ""), answer(404, ""))))
        .anySatisfy(b -> assertThat(b).contains("answered in two ways"));
  }

  @Test
  void aRepetitionThatIsCalledNewIsFound() throws JournalException {
    Call first = of(17);
    call(first.intent(), 200, text(first), PLAIN);

    assertFound("answered twice as new");
  }

  @Test
  void weightsThatNoSingleProcessGivesAreFound() throws JournalException {
    SentBatch batch = batch("7/0", "job-2", 7, 0);
    ObservationBatch body = ScoringText.read(batch.body());
    double[] raw = Arrays.stream(body.losses()).map(x -> Double.isNaN(x) ? 0 : 0.5).toArray();
    Scored scored =
        run.record(
            new JournalEntry.Batch(
                Entries.AT, "7/0", body, new Weights(raw, 1, 1, false, false, false)));
    call(
        new Intent.Post(NAME, batch),
        200,
        ScoringText.answer(scored.sequence(), body, scored.weights()),
        PLAIN);

    assertFound("has other weights");
  }

  @Test
  void aBatchOfAPastAttemptThatIsThereIsFound() throws JournalException {
    post("job-1", 7, 0);

    assertFound("should have been refused: STALE_ATTEMPT");
  }

  @Test
  void anOrderAgainstTimeIsFound() throws JournalException {
    Call earlier = of(0);
    Call later = of(1);
    replace(earlier, at(earlier, later));
    replace(later, at(later, earlier));

    assertFound("over before the other began");
  }

  private static Call at(Call call, Call when) {
    return new Call(call.intent(), 0, when.begun(), when.ended(), call.answer(), false);
  }

  @Test
  void aReadWithoutWhatWasAnsweredLongAgoIsFound() throws JournalException {
    Call read = calls.getLast();
    post("job-2", 7, 0);
    long late = now + 2 * FRESHNESS.toNanos();
    calls.add(new Call(read.intent(), 0, late, late + 1, read.answer(), false));

    assertFound("read without what was answered long ago");
  }

  @Test
  void aReadThatIsALittleBehindIsNotABreach() throws JournalException {
    Call read = calls.getLast();
    post("job-2", 7, 0);
    long soon = now + FRESHNESS.toNanos() / 2;
    calls.add(new Call(read.intent(), 0, soon, soon + 1, read.answer(), false));

    assertThat(breaches()).isEmpty();
  }

  @Test
  void aReadBehindTheSequenceThatWasAskedForIsFound() throws JournalException {
    Call read = calls.getLast();
    calls.add(new Call(new Intent.Read(NAME, true, 99), 0, now, now + 1, read.answer(), false));

    assertFound("statistics of before");
  }

  @Test
  void statisticsThatTheRunNeverHadAreFound() throws JournalException {
    Call read = calls.getLast();
    Answer answer = read.answer();
    assertThat(answer).isNotNull();
    if (answer != null) {
      String text = answer.text().replace("\"lateBatches\":0", "\"lateBatches\":1");
      Answer other = new Answer(200, answer.headers(), text.getBytes(UTF_8));
      replace(read, new Call(read.intent(), 0, read.begun(), read.ended(), other, false));
    }

    assertFound("statistics that the run never had");
  }

  @Test
  void aSequenceThatWasSeenAndIsNotReachedIsFound() throws JournalException {
    refuse(new Intent.Read(NAME, true, 3), 409, "sequence-not-reached");

    assertFound("the sequence was reached");
  }

  @Test
  void anUnexplained404IsFound() throws JournalException {
    refuse(new Intent.Read(NAME, false, 0), 404, "unknown-run");

    assertFound("the run was there");
  }

  @Test
  void aCurrentAttemptThatIsRefusedIsFound() throws JournalException {
    refuse(new Intent.Post(NAME, batch("7/0", "job-2", 7, 0)), 409, "stale-attempt");

    assertFound("the attempt was the current one");
  }

  @Test
  void outcomesThatNobodyExpectsAreFound() throws JournalException {
    refuse(new Intent.Post(NAME, batch("7/0", "job-2", 7, 0)), 503, "run-damaged");
    refuse(new Intent.Post(NAME, batch("7/1", "job-2", 7, 0)), 422, "steps-mixed");
    refuse(new Intent.Post(NAME, batch("7/2", "job-2", 7, 0)), 500, "internal");

    assertThat(breaches()).filteredOn(b -> b.contains("no such outcome")).hasSize(3);
  }

  @Test
  void aReplicaThatSaysOtherThanTheJournalIsFound() throws JournalException {
    Checker.Served before = served();
    post("job-2", 7, 0);

    assertThat(breaches(recorded(), before))
        .anySatisfy(b -> assertThat(b).contains("replica 0 says"))
        .anySatisfy(b -> assertThat(b).contains("not exported"));
  }

  @Test
  void aRunThatIsNotServedIsFound() throws JournalException {
    Answer refusal = answer(409, "{}");

    assertThat(breaches(recorded(), new Checker.Served(0, refusal, refusal)))
        .singleElement()
        .asString()
        .contains("not served");
  }

  @Test
  void aRemovedBatchThatIsExportedIsFound() throws JournalException {
    Checker.Served before = served();
    start(6, "job-3");

    assertThat(breaches(recorded(), before))
        .anySatisfy(b -> assertThat(b).contains("removed and yet exported"));
  }

  @Test
  void aDeletionExplainsWhatWasBeforeItAndNothingElse() throws JournalException {
    call(new Intent.Delete(NAME, 1), 204, "", Map.of());
    run = new RecordedRun(Configuration.DEFAULT);
    call(new Intent.Create(NAME, 2, "{}"), 201, described(), PLAIN);
    start(0, "job-3");
    post("job-3", 0, 0);

    assertThat(breaches()).isEmpty();

    run = new RecordedRun(Configuration.DEFAULT);
    run.rewind(0, "job-3");

    assertFound("lost:");
  }

  @Test
  void aReadOfADeletedRunIsFound() throws JournalException {
    Call read = calls.getLast();
    call(new Intent.Delete(NAME, 1), 204, "", Map.of());
    run = new RecordedRun(Configuration.DEFAULT);
    call(new Intent.Create(NAME, 2, "{}"), 201, described(), PLAIN);
    long late = now + 2 * FRESHNESS.toNanos();
    calls.add(new Call(read.intent(), 0, late, late + 1, read.answer(), false));

    assertFound("read of a run that is gone");
  }
}
