package resure.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToDoubleFunction;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.projection.DialoguePage;
import resure.projection.DialogueQuery;
import resure.projection.DialogueRanking;
import resure.projection.DialogueReliability;
import resure.projection.Dialogues;
import resure.projection.Looked;
import resure.projection.ReadModels;
import resure.run.Outcome;
import resure.run.RunDescription;
import resure.run.RunLimits;
import resure.run.RunListener;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.WantedSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How well the dialogues' unreliability finds those that were corrupted, beside what is worked out
 * from the losses alone. Nothing here is measured in time: the figures are the same on any machine.
 */
final class AuditQuality {

  static final Map<String, String> DEFAULTS =
      Map.of(
          "traces",
          "examples/trace-11.jsonl.gz,examples/trace-sources.jsonl.gz",
          "first",
          "100",
          "directory",
          "bench/target/measured");

  private static final RunId RUN = new RunId(RunId.DEFAULT_TENANT, "trace");

  private final Options options;
  private final PrintStream out;

  AuditQuality(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  /** A recorded loss. */
  private record Recorded(long step, String dialogue, String source, int turn, double loss) {}

  /** What was recorded of a dialogue, in order. */
  private static final class Visited {
    boolean corrupted;
    final List<Recorded> losses = new ArrayList<>();

    double mean(ToDoubleFunction<Recorded> value) {
      return losses.stream().mapToDouble(value).average().orElse(0);
    }

    double lastEpoch(ToDoubleFunction<Recorded> value) {
      long last = losses.getLast().step;
      return losses.stream()
          .filter(recorded -> recorded.step == last)
          .mapToDouble(value)
          .average()
          .orElse(0);
    }
  }

  void run() throws IOException {
    for (String trace : options.list("traces")) {
      measure(Path.of(trace));
    }
  }

  private void measure(Path trace) throws IOException {
    Map<Long, List<Recorded>> steps = new TreeMap<>();
    Map<String, Visited> dialogues = new LinkedHashMap<>();
    JsonMapper json = new JsonMapper();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(new GZIPInputStream(Files.newInputStream(trace)), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode row = json.readTree(line);
        Recorded recorded =
            new Recorded(
                row.get("step").asLong(),
                row.get("dialogue").asString(),
                row.get("source").asString(),
                row.get("turn").asInt(),
                row.get("loss").asDouble());
        steps.computeIfAbsent(recorded.step, step -> new ArrayList<>()).add(recorded);
        Visited visited = dialogues.computeIfAbsent(recorded.dialogue, id -> new Visited());
        visited.corrupted |= row.get("corrupted").asInt() != 0;
        visited.losses.add(recorded);
      }
    }
    dialogues.values().forEach(v -> v.losses.sort(Comparator.comparingLong(Recorded::step)));
    long corrupted = dialogues.values().stream().filter(v -> v.corrupted).count();
    int first = options.number("first");
    out.printf(
        "%s: %d dialogues, %d of them corrupted, %d steps%n",
        trace.getFileName(), dialogues.size(), corrupted, steps.size());
    out.printf("| ranked by | corrupted of the first %d | average precision |%n", first);
    out.println("| --- | --- | --- |");
    Map<String, DialogueReliability> found = audit(steps);
    List<Ranked> all = new ArrayList<>();
    dialogues.forEach(
        (id, visited) -> all.add(new Ranked(visited, Objects.requireNonNull(found.get(id)))));
    rank("unreliability", all, first, ranked -> ranked.found.unreliability());
    rank("mean excess alone", all, first, ranked -> ranked.found.excess());
    rank("mean weight", all, first, ranked -> -ranked.found.meanWeight());
    rank("mean loss", all, first, ranked -> ranked.visited.mean(Recorded::loss));
    rank("loss in the last epoch", all, first, ranked -> ranked.visited.lastEpoch(Recorded::loss));
    rank(
        "self-confidence, mean of exp(-loss)",
        all,
        first,
        ranked -> -ranked.visited.mean(AuditQuality::confidence));
    rank(
        "self-confidence, its minimum",
        all,
        first,
        ranked ->
            -ranked.visited.losses.stream().mapToDouble(AuditQuality::confidence).min().orElse(1));
    rank(
        "self-confidence in the last epoch",
        all,
        first,
        ranked -> -ranked.visited.lastEpoch(AuditQuality::confidence));
  }

  private static double confidence(Recorded recorded) {
    return Math.exp(-recorded.loss);
  }

  /** A dialogue with what was recorded of it and what the service found. */
  private record Ranked(Visited visited, DialogueReliability found) {}

  private void rank(String name, List<Ranked> all, int first, ToDoubleFunction<Ranked> score) {
    List<Boolean> bad =
        all.stream()
            .sorted(
                Comparator.comparingDouble(score)
                    .reversed()
                    .thenComparing(ranked -> ranked.found.dialogue()))
            .map(ranked -> ranked.visited.corrupted)
            .toList();
    out.printf("| %s | %.2f | %.3f |%n", name, precision(bad, first), averagePrecision(bad));
  }

  /** The share of bad ones among the first. */
  static double precision(List<Boolean> bad, int first) {
    List<Boolean> some = bad.subList(0, Math.min(first, bad.size()));
    return some.stream().filter(each -> each).count() / (double) some.size();
  }

  /** The mean, over the bad ones, of the share of bad ones up to each. */
  static double averagePrecision(List<Boolean> bad) {
    double sum = 0;
    int found = 0;
    for (int i = 0; i < bad.size(); i++) {
      if (bad.get(i)) {
        found++;
        sum += found / (i + 1.0);
      }
    }
    return found == 0 ? Double.NaN : sum / found;
  }

  /** What the service says of the dialogues of a run that had these losses. */
  private Map<String, DialogueReliability> audit(Map<Long, List<Recorded>> steps)
      throws IOException {
    Path state = Path.of(options.text("directory")).resolve("state-audit");
    Disk.delete(state);
    RocksDbJournal journal = RocksDbJournal.open(state, Durability.OS);
    ReadModels models = new ReadModels(journal.rows(), false, List.of(new Dialogues()));
    try (Runs runs =
        new Runs(
            journal,
            JvmCompute::new,
            JvmCompute::new,
            Durability.OS,
            new RunLimits(4096, 1 << 20, 16, Duration.ofHours(1), Duration.ofSeconds(1)),
            InstantSource.system(),
            RunListener.NONE,
            models)) {
      done(runs.create(RUN, new Defaults(), null, 0));
      for (List<Recorded> step : steps.values()) {
        done(runs.score(RUN, null, batch(step)));
      }
      RunDescription run = done(runs.describe(RUN, 0));
      Looked<DialoguePage> looked;
      do {
        looked =
            done(
                models.ask(
                    run.key(),
                    run.sequence(),
                    new DialogueRanking(
                        run.key(), new DialogueQuery(Integer.MAX_VALUE - 2, null, null, null))));
      } while (looked.progress() < 1);
      Map<String, DialogueReliability> found = new HashMap<>();
      looked.found().dialogues().forEach(dialogue -> found.put(dialogue.dialogue(), dialogue));
      return found;
    } finally {
      Disk.delete(state);
    }
  }

  private static <T> T done(CompletableFuture<Outcome<T>> answer) {
    if (answer.join() instanceof Outcome.Done<T> done) {
      return done.value();
    }
    throw new IllegalStateException("refused");
  }

  /** A step as one batch; turns that were not recorded have no supervision. */
  private static ObservationBatch batch(List<Recorded> step) {
    Map<String, TreeMap<Integer, Recorded>> byDialogue = new LinkedHashMap<>();
    for (Recorded recorded : step) {
      byDialogue
          .computeIfAbsent(recorded.dialogue, id -> new TreeMap<>())
          .put(recorded.turn, recorded);
    }
    int[] offsets = new int[byDialogue.size() + 1];
    int[] idEnds = new int[byDialogue.size()];
    int[] sourceOf = new int[byDialogue.size()];
    List<String> sources = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    List<Integer> unsupervised = new ArrayList<>();
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    int dialogue = 0;
    for (TreeMap<Integer, Recorded> turns : byDialogue.values()) {
      Recorded any = turns.firstEntry().getValue();
      ids.writeBytes(any.dialogue.getBytes(UTF_8));
      idEnds[dialogue] = ids.size();
      if (!sources.contains(any.source)) {
        sources.add(any.source);
      }
      sourceOf[dialogue] = sources.indexOf(any.source);
      for (int turn = 0; turn <= turns.lastKey(); turn++) {
        Recorded recorded = turns.get(turn);
        if (recorded == null) {
          unsupervised.add(losses.size());
        }
        losses.add(recorded == null ? Double.NaN : recorded.loss);
      }
      offsets[++dialogue] = losses.size();
    }
    long[] bits = new long[(losses.size() + 63) / 64];
    unsupervised.forEach(i -> bits[i / 64] |= 1L << i);
    return new ObservationBatch(
        step.getFirst().step,
        0,
        0,
        null,
        offsets,
        losses.stream().mapToDouble(Double::doubleValue).toArray(),
        bits,
        null,
        ids.toByteArray(),
        idEnds,
        sources,
        sourceOf,
        null,
        null);
  }

  private record Defaults() implements WantedSettings {
    @Override
    public RunSettings complete() {
      return RunSettings.DEFAULT;
    }

    @Override
    public @Nullable String conflict(RunSettings existing) {
      return null;
    }
  }
}
