package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.client.Batch;
import resure.client.BatchBuilder;
import resure.client.DialoguePage;
import resure.client.DialogueQuery;
import resure.client.DialogueReliability;
import resure.client.Evaluation;
import resure.client.ExportedObservation;
import resure.client.Measure;
import resure.client.ProblemException;
import resure.client.ProblemType;
import resure.client.Replay;
import resure.client.ReplayRequest;
import resure.client.ReplayResult;
import resure.client.ResureClient;
import resure.client.Run;
import resure.client.RunPage;
import resure.client.RunQuery;
import resure.client.Scores;
import resure.client.Settings;
import resure.client.StartFrom;
import resure.client.Statistics;
import resure.client.UnavailableException;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.WeightFunction;

/** Every call of the SDK, made to the packaged service. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClientIT {

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final String UNUSUAL = "a\n\"\\\u0001/ \u00e9\u2028\uFEFF\uD83D\uDE00";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private static Path temporary;

  private static ServiceProcess service;
  private static ResureClient client;

  @BeforeAll
  static void start() throws IOException {
    service = ServiceProcess.start(temporary.resolve("state"), Map.of());
    client = ResureClient.builder().address(of(service)).deadline(DEADLINE).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    service.close();
  }

  private static URI of(ServiceProcess process) {
    return URI.create("http://127.0.0.1:" + process.port());
  }

  private static void refused(ProblemType type, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            ProblemException.class, problem -> assertThat(problem.type()).isEqualTo(type));
  }

  private static Batch batch(long step, double... losses) {
    BatchBuilder batch = Batch.builder().step(step).dialogue("d-" + step).source("s");
    for (double loss : losses) {
      batch.loss(loss);
    }
    return batch.build();
  }

  @Test
  void aRunIsCreatedAsItIsSetAndReadBack() {
    client.create("other", Settings.NONE);
    client.score("other", batch(4, 1.0, 2.0));
    Settings settings =
        Settings.builder()
            .function(new WeightFunction.Sigmoid())
            .threshold(-0.5)
            .sharpness(1.0 / 3)
            .floor(0.1)
            .warmUp(2)
            .maxTurns(7)
            .maxLoss(1e100)
            .halfLife(4000.5)
            .lag(16)
            .fold(FoldRule.RAW)
            .propagationStrength(0.25)
            .propagationDecay(1)
            .normalization(Normalization.BATCH_MEAN)
            .shadow(true)
            .label("experiment", UNUSUAL)
            .label("empty", "")
            .startFrom(new StartFrom("other", 4L, 500.0))
            .build();

    Run created = client.create("everything", settings);

    assertThat(created.run()).isEqualTo("everything");
    assertThat(created.state()).isEqualTo(Run.State.ACTIVE);
    assertThat(created.attempt()).isNull();
    assertThat(created.step()).isNull();
    assertThat(created.sequence()).isEqualTo(1);
    assertThat(created.lateBatches()).isZero();
    assertThat(created.createdAt()).isBetween(Instant.now().minusSeconds(600), Instant.now());
    assertThat(created.lastBatchAt()).isNull();
    assertThat(created.finishedAt()).isNull();
    assertThat(created.configuration())
        .isEqualTo(
            new Configuration(
                new resure.weighting.Weighting(new WeightFunction.Sigmoid(), -0.5, 1.0 / 3, 0.1),
                2,
                7,
                1e100,
                4000.5,
                16,
                FoldRule.RAW,
                new resure.weighting.Propagation(0.25, 1),
                Normalization.BATCH_MEAN,
                true));
    assertThat(created.labels()).isEqualTo(Map.of("experiment", UNUSUAL, "empty", ""));
    assertThat(created.startFrom()).isEqualTo(new StartFrom("other", 4L, 500.0));
    assertThat(client.create("everything", settings)).isEqualTo(created);
    assertThat(client.create("everything", Settings.of(created.configuration())))
        .isEqualTo(created);
    assertThat(client.describe("everything")).isEqualTo(created);
    assertThat(client.describeAsync("everything").join()).isEqualTo(created);
    refused(
        ProblemType.RUN_CONFLICT,
        () -> client.create("everything", Settings.builder().warmUp(3).build()));
    refused(ProblemType.UNKNOWN_RUN, () -> client.describe("nobody"));
    assertThat(client.createAsync("defaults", Settings.NONE).join().configuration())
        .isEqualTo(Configuration.DEFAULT);
    assertThat(client.create("halfLife", Settings.of(Configuration.DEFAULT)).configuration())
        .isEqualTo(Configuration.DEFAULT);
  }

  @Test
  void everyFieldOfABatchComesBackInTheExport() {
    client.create("fields", Settings.NONE);
    Batch batch =
        Batch.builder()
            .step((1L << 53) - 1)
            .rank(3)
            .microBatch(2)
            .attempt(UNUSUAL)
            .dialogue(UNUSUAL)
            .source(UNUSUAL + "source")
            .firstTurn((1L << 53) - 9)
            .loss(1.0 / 3, 118)
            .unsupervised()
            .loss(-0.0, 0)
            .dialogue("d-90")
            .loss(Double.NaN)
            .loss(Double.POSITIVE_INFINITY)
            .loss(Double.NEGATIVE_INFINITY)
            .loss(100.00000000000001)
            .dialogue("none")
            .build();

    Scores scores = client.score("fields", batch, "fields/1");

    assertThat(scores.sequence()).isEqualTo(2);
    assertThat(scores.step()).isEqualTo((1L << 53) - 1);
    assertThat(scores.replayed()).isFalse();
    assertThat(scores.statistics()).isNull();
    assertThat(scores.weights().toArray()).containsExactly(1, Double.NaN, 1, 0, 0, 0, 0);
    assertThat(scores.summary().observations()).isEqualTo(6);
    assertThat(scores.summary().unusable()).isEqualTo(4);
    assertThat(scores.summary().meanWeight()).isEqualTo(1);
    assertThat(scores.summary().effectiveSampleSize()).isEqualTo(2);
    assertThat(scores.summary().runMeanWeight()).isEqualTo(1);
    assertThat(scores.summary().downWeighted()).isZero();
    assertThat(scores.summary().warmingUp()).isTrue();
    assertThat(scores.summary().late()).isFalse();
    assertThat(client.describe("fields").attempt()).isEqualTo(UNUSUAL);
    try (Stream<ExportedObservation> export = client.export("fields", null, null)) {
      long step = (1L << 53) - 1;
      long first = (1L << 53) - 9;
      String source = UNUSUAL + "source";
      assertThat(export)
          .containsExactly(
              new ExportedObservation(2, step, 3, 2, UNUSUAL, source, first, 1.0 / 3, 1, false),
              new ExportedObservation(2, step, 3, 2, UNUSUAL, source, first + 2, -0.0, 1, false),
              unusable(step, 0),
              unusable(step, 1),
              unusable(step, 2),
              unusable(step, 3));
    }
    refused(
        ProblemType.STALE_ATTEMPT,
        () -> client.score("fields", Batch.builder().step(0).attempt("other").build()));
  }

  private static ExportedObservation unusable(long step, long turn) {
    return new ExportedObservation(2, step, 3, 2, "d-90", null, turn, Double.NaN, 0, true);
  }

  @Test
  void appliedWeightsAreAnsweredAndExported() {
    client.create("applied", Settings.NONE);
    Batch batch =
        Batch.builder()
            .dialogue("d")
            .loss(1)
            .applied(0.75)
            .unsupervised()
            .loss(2)
            .applied(0)
            .loss(Double.NaN)
            .applied(1.5)
            .build();

    Scores scores = client.scoreAsync("applied", batch).join();

    assertThat(scores.step()).isNull();
    assertThat(scores.weights().toArray()).containsExactly(0.75, Double.NaN, 0, 1.5);
    try (Stream<ExportedObservation> export = client.exportAsync("applied", null, null).join()) {
      assertThat(export.map(ExportedObservation::weight)).containsExactly(0.75, 0.0, 1.5);
    }
    refused(ProblemType.RUN_WITHOUT_STEPS, () -> client.export("applied", 1L, null));
    refused(ProblemType.RUN_WITHOUT_STEPS, () -> client.rewind("applied", 1, null));
  }

  @Test
  void weightsAreThoseOfTheContractsExamples() {
    client.create("weights", Settings.builder().warmUp(2).build());
    double[] losses = {1, 2, 3, 4};
    for (int step = 0; step < losses.length; step++) {
      client.score("weights", batch(step, losses[step]));
    }

    Scores scores = client.scoreWithStatistics("weights", batch(4, 10), "k");

    // Of 1, 2, 3, 4 the mean is 2.5, to which clip with threshold 0 brings the loss of 10.
    assertThat(scores.weights().weight(0)).isEqualTo(2.5 / 10);
    assertThat(scores.statistics().sequence()).isEqualTo(scores.sequence());
    assertThat(scores.statistics().turns()).isEqualTo(client.statistics("weights").turns());
    assertThat(client.scoreWithStatisticsAsync("weights", batch(4, 10), "k").join().replayed())
        .isTrue();
  }

  @Test
  void aKeyIsAnsweredAsTheFirstTime() {
    client.create("keys", Settings.NONE);
    Scores first = client.score("keys", batch(1, 1.5), "k");

    Scores again = client.scoreAsync("keys", batch(1, 1.5), "k").join();

    assertThat(again.replayed()).isTrue();
    assertThat(again.weights()).isEqualTo(first.weights());
    assertThat(again.summary()).isEqualTo(first.summary());
    assertThat(again.sequence()).isEqualTo(first.sequence());
    refused(ProblemType.KEY_REUSED, () -> client.score("keys", batch(1, 1.6), "k"));
    assertThat(client.statistics("keys").observations()).isEqualTo(1);
  }

  @Test
  void evaluationsAreRecordedOnce() {
    client.create("evaluated", Settings.builder().build());
    client.score("evaluated", batch(0, 1, 2));

    Evaluation first = client.evaluate("evaluated", 1, "mt & bench", 6.5);

    assertThat(first.samples()).isEqualTo(2);
    assertThat(client.evaluate("evaluated", 1, "mt & bench", 6.5)).isEqualTo(first);
    assertThat(client.evaluations("evaluated")).containsExactly(first);
  }

  @Test
  void dialoguesComePageByPage() {
    client.create("dialogues", Settings.builder().warmUp(2).build());
    client.score("dialogues", batch(0, 1, 2));
    client.score("dialogues", batch(0, 3, Double.NaN));
    client.score(
        "dialogues",
        Batch.builder().step(1).dialogue("bad & no source").loss(9).loss(Double.NaN).build());

    DialoguePage page = client.dialogues("dialogues", DialogueQuery.ALL.limit(1));

    assertThat(page.run()).isEqualTo("dialogues");
    assertThat(page.sequence()).isEqualTo(4);
    assertThat(page.progress()).isEqualTo(1);
    DialogueReliability worst = page.dialogues().getFirst();
    assertThat(worst.dialogue()).isEqualTo("bad & no source");
    assertThat(worst.source()).isNull();
    assertThat(worst.lastStep()).isEqualTo(1);
    assertThat(worst.excess()).isEqualTo(3);
    assertThat(worst.unreliability()).isEqualTo(9 / 4.0);
    assertThat(worst.turns().getLast())
        .isEqualTo(new DialogueReliability.Turn(1, 1, 1, Double.NaN, Double.NaN, Double.NaN));
    DialoguePage last =
        client.dialogues("dialogues", DialogueQuery.ALL.byTurn(0).after(page.next()));
    assertThat(last.next()).isNull();
    assertThat(last.dialogues()).hasSize(1);
    assertThat(client.dialogues("dialogues", DialogueQuery.ALL.of("&")).dialogues()).isEmpty();
  }

  @Test
  void statisticsComeWholeAndOnlyWhenTheyChanged() {
    client.create("statistics", Settings.builder().warmUp(2).build());
    client.score("statistics", batch(0, 1, Double.NaN));
    client.score("statistics", batch(0, 2));
    client.score("statistics", Batch.builder().step(1).dialogue("no source").loss(1.5).build());

    Statistics statistics = client.statistics("statistics");

    assertThat(statistics.run()).isEqualTo("statistics");
    assertThat(statistics.step()).isEqualTo(1);
    assertThat(statistics.sequence()).isEqualTo(4);
    assertThat(statistics.observations()).isEqualTo(4);
    assertThat(statistics.lateBatches()).isZero();
    assertThat(statistics.meanWeight()).isEqualTo(1);
    assertThat(statistics.turns())
        .containsExactly(
            new Statistics.Turn(0, 3, 3, 1.5, 0.5, 0.5, 1, 1, 0),
            new Statistics.Turn(1, 0, 0, Double.NaN, Double.NaN, 0, Double.NaN, Double.NaN, 1));
    assertThat(statistics.sources())
        .containsExactlyInAnyOrder(
            new Statistics.Source("s", 3, 1, 1, false),
            new Statistics.Source(null, 1, 1, 1, false));
    assertThat(statistics.reference())
        .isEqualTo(
            new Statistics.Reference(1L, 1, List.of(new Statistics.Triple(0, 2, 2, 1.5, 0.5))));
    assertThat(client.statisticsUnless("statistics", statistics.etag())).isEmpty();
    client.score("statistics", batch(1, 2));
    assertThat(client.statisticsUnlessAsync("statistics", statistics.etag()).join())
        .contains(client.statisticsAsync("statistics").join());
  }

  @Test
  void aRunIsRewoundFinishedAndDeleted() {
    client.create("life", Settings.NONE);
    for (int step = 0; step < 4; step++) {
      client.score("life", batch(step, step));
    }

    Run rewound = client.rewind("life", 2, "job-2");
    assertThat(rewound.step()).isEqualTo(1);
    assertThat(rewound.attempt()).isEqualTo("job-2");
    assertThat(client.rewindAsync("life", 2, "job-2").join()).isEqualTo(rewound);
    refused(
        ProblemType.STALE_ATTEMPT,
        () -> client.score("life", Batch.builder().step(2).attempt("job-1").build()));
    Run finished = client.finish("life");
    assertThat(finished.state()).isEqualTo(Run.State.FINISHED);
    assertThat(finished.finishedAt()).isNotNull();
    assertThat(finished.lastBatchAt()).isNotNull();
    assertThat(client.finishAsync("life").join()).isEqualTo(finished);
    refused(ProblemType.RUN_FINISHED, () -> client.score("life", batch(2, 1)));
    try (Stream<ExportedObservation> export = client.export("life", 1L, 1L)) {
      assertThat(export.map(ExportedObservation::loss)).containsExactly(1.0);
    }

    client.delete("life");
    refused(ProblemType.UNKNOWN_RUN, () -> client.delete("life"));
    client.create("life", Settings.NONE);
    client.deleteAsync("life").join();
    refused(ProblemType.UNKNOWN_RUN, () -> client.statistics("life"));
  }

  @Test
  void runsAreListedInPages() {
    for (String run : List.of("list-a", "list-b", "list-c")) {
      client.create(run, Settings.builder().label("list", UNUSUAL + "&=+%").build());
    }
    client.finish("list-b");
    RunQuery query = RunQuery.ALL.labelled("list", UNUSUAL + "&=+%").limit(2);

    List<String> names = new ArrayList<>();
    RunPage page = client.runs(query);
    page.runs().forEach(run -> names.add(run.run()));
    while (page.next() != null) {
      page = client.runsAsync(query.after(page.next())).join();
      page.runs().forEach(run -> names.add(run.run()));
    }

    assertThat(names).containsExactly("list-a", "list-b", "list-c");
    assertThat(client.runs(query.in(Run.State.FINISHED)).runs())
        .containsExactly(client.describe("list-b"));
    assertThat(client.runs(query.since(Instant.now().plusSeconds(3600))).runs()).isEmpty();
    assertThat(client.runs(query.since(Instant.EPOCH).in(Run.State.ACTIVE)).runs())
        .extracting(Run::run)
        .containsExactly("list-a", "list-c");
  }

  @Test
  void replaysAreAskedForReadAndRemoved() {
    client.create("tried", Settings.builder().warmUp(2).build());
    Random random = new Random(5);
    for (int step = 0; step < 20; step++) {
      BatchBuilder batch = Batch.builder().step(step);
      for (int i = 0; i < 4; i++) {
        batch.dialogue("good").source("a").loss(random.nextGaussian()).loss(random.nextGaussian());
      }
      batch.dialogue("bad").loss(random.nextGaussian() + 20);
      client.score("tried", batch.build());
    }

    Replay asked =
        client.startReplay(
            "tried",
            ReplayRequest.builder()
                .configuration(Settings.builder().threshold(0.5).build())
                .configuration(
                    Settings.builder()
                        .function(new WeightFunction.Cauchy())
                        .halfLife(Double.POSITIVE_INFINITY)
                        .build())
                .bad("bad")
                .rankByAtLeast(Measure.EFFECTIVE_SAMPLE_RATIO, 0.1)
                .rankByAtMost(Measure.DOWN_WEIGHTED_RATIO, 0.9)
                .rankBy(Measure.AUROC)
                .build());
    assertThat(asked.configurations()).isEqualTo(2);
    assertThat(asked.sequence()).isEqualTo(21);
    Replay done = done(asked);
    assertThat(done.progress()).isEqualTo(1);
    assertThat(done.finishedAt()).isAfterOrEqualTo(done.createdAt());
    assertThat(done.detail()).isNull();
    assertThat(done.results()).hasSize(2);
    for (ReplayResult result : done.results()) {
      Configuration base = Configuration.DEFAULT.withWarmUp(2);
      assertThat(result.configuration())
          .isEqualTo(
              result.index() == 0
                  ? base.withWeighting(base.weighting().withThreshold(0.5))
                  : base.withWeighting(base.weighting().withFunction(new WeightFunction.Cauchy())));
      assertThat(result.observations()).isEqualTo(180);
      assertThat(result.auroc()).isBetween(0.5, 1.0);
      assertThat(result.aurocError()).isZero();
      assertThat(result.averagePrecision()).isBetween(0.0, 1.0);
      assertThat(result.badMeanWeight()).isLessThan(result.goodMeanWeight());
      assertThat(result.turns()).extracting(ReplayResult.Turn::turn).containsExactly(0, 1);
      assertThat(result.sources())
          .extracting(ReplayResult.Source::source)
          .containsExactlyInAnyOrder("a", null);
    }

    Replay grid =
        done(
            client
                .startReplayAsync(
                    "tried",
                    ReplayRequest.builder()
                        .values("weighting.threshold", 0.5, 1.0)
                        .values("weighting.function", "hard", "clip")
                        .values("warmUp", 2, 8)
                        .values("halfLife", Double.POSITIVE_INFINITY, 100)
                        .values("maxLoss", 1e100)
                        .bothOf("shadow")
                        .linear("propagation.strength", 0, 1, 2)
                        .logarithmic("weighting.sharpness", 0.5, 4, 3)
                        .bad("bad", 0)
                        .build())
                .join());
    assertThat(grid.configurations()).isEqualTo(2 * 2 * 2 * 2 * 2 * 2 * 3);
    assertThat(client.replay("tried", grid.replay(), 3).results())
        .isEqualTo(grid.results().subList(0, 3));
    assertThat(client.replays("tried"))
        .extracting(Replay::replay)
        .containsExactly(grid.replay(), asked.replay());

    client.removeReplay("tried", asked.replay());
    client.removeReplayAsync("tried", grid.replay()).join();
    assertThat(client.replaysAsync("tried").join()).isEmpty();
    refused(ProblemType.UNKNOWN_REPLAY, () -> client.replay("tried", asked.replay(), 1));
    refused(
        ProblemType.UNKNOWN_LABELS,
        () ->
            client.startReplay(
                "tried", ReplayRequest.builder().configuration(Settings.NONE).bad("x").build()));
  }

  private static Replay done(Replay asked) {
    await()
        .atMost(Duration.ofMinutes(2))
        .until(
            () ->
                client.replayAsync("tried", asked.replay(), 1).join().state()
                    != Replay.State.RUNNING);
    Replay done = client.replay("tried", asked.replay(), 10_000);
    assertThat(done.state()).as("%s", done.detail()).isEqualTo(Replay.State.DONE);
    return done;
  }

  @Test
  void theServiceSaysWhatItIs() {
    assertThat(client.compute().backend()).isIn("jvm", "djl");
    assertThat(client.compute().deviceFailures()).isZero();
    assertThat(client.computeAsync().join()).isEqualTo(client.compute());
    assertThat(client.contract()).startsWith("openapi: 3.1");
    assertThat(client.contractAsync().join()).isEqualTo(client.contract());
  }

  @Test
  void theLargestBatchIsWeighed() {
    client.create("large", Settings.NONE);
    Random random = new Random(1);
    BatchBuilder batch = Batch.builder().step(0);
    for (int d = 0; d < 1024; d++) {
      batch.dialogue("d-" + d);
      for (int t = 0; t < 64; t++) {
        batch.loss(random.nextGaussian());
      }
    }
    assertThat(client.score("large", batch.build()).weights().size()).isEqualTo(65_536);
    try (Stream<ExportedObservation> export = client.export("large", null, null)) {
      assertThat(export.count()).isEqualTo(65_536);
    }
  }

  @Test
  void threadsShareAClient() {
    client.create("shared", Settings.builder().lag(16).build());
    List<CompletableFuture<Scores>> calls = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      calls.add(client.scoreAsync("shared", batch(i % 16, i), "k-" + i));
    }

    assertThat(calls.stream().map(call -> call.join().sequence()).collect(Collectors.toSet()))
        .hasSize(500);
    assertThat(client.statistics("shared").observations()).isEqualTo(500);
  }

  @Test
  void aServiceThatIsKilledIsMissedAndFoundAgain() throws IOException {
    Path state = temporary.resolve("killed");
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Batch batch = batch(0, 1, 2);
    ServiceProcess first = ServiceProcess.start(state, Map.of());
    try (ResureClient shared =
        ResureClient.builder()
            .address(of(first), URI.create("http://127.0.0.1:" + port))
            .deadline(Duration.ofSeconds(2))
            .build()) {
      shared.create("run", Settings.NONE);
      Scores scores = shared.score("run", batch, "k");
      first.kill();
      assertThatThrownBy(() -> shared.score("run", batch, "k"))
          .isInstanceOf(UnavailableException.class);

      // Configured last, so that it wins over the free port that start() asks for.
      try (ServiceProcess second = ServiceProcess.start(state, Map.of(), "server.port=" + port)) {
        assertThat(second.port()).isEqualTo(port);
        Scores again = shared.score("run", batch, "k");
        assertThat(again.replayed()).isTrue();
        assertThat(again.weights()).isEqualTo(scores.weights());
        assertThat(shared.describe("run").sequence()).isEqualTo(2);
      }
    } finally {
      first.close();
    }
  }
}
