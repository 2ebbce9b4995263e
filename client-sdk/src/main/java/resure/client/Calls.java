package resure.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The calls of the contract: where each goes, what it sends, and how its answer is read. */
final class Calls {

  private static final Pattern RUN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._~-]{0,127}");
  private static final Pattern REPLAY = Pattern.compile("[0-9A-HJKMNP-TV-Z]{26}");
  private static final Pattern KEY = Pattern.compile("[\\x21-\\x7E]{1,255}");
  private static final Pattern ETAG = Pattern.compile("\"[\\x21\\x23-\\x7E]+\"");

  /** Bytes of an answer about one run or the service: labels are the largest part. */
  private static final int SMALL = 1 << 20;

  /** Of statistics: 1,024 turns twice, and as many sources with names of 1 kB. */
  private static final int STATISTICS = 4 << 20;

  /** Of lists: 1,000 runs with all their labels, or as many dialogues with hundreds of turns. */
  private static final int LIST = 64 << 20;

  /** Of a replay: a million lines of turns and sources. */
  private static final int RESULTS = 256 << 20;

  private Calls() {}

  static Call<Run> create(String run, Settings settings) {
    return cbor("PUT", path(run), RequestWriter.settings(settings), true, SMALL, RunReader::read);
  }

  static Call<Run> describe(String run) {
    return cbor("GET", path(run), null, true, SMALL, RunReader::read);
  }

  static Call<RunPage> runs(RunQuery query) {
    return cbor("GET", "/v1/runs" + query, null, true, LIST, RunReader::readPage);
  }

  static Call<@Nullable Void> delete(String run) {
    return empty("DELETE", path(run), true);
  }

  /** Without an attempt, one that was carried out is carried out again: not what was asked for. */
  static Call<Run> rewind(String run, long nextStep, @Nullable String attempt) {
    return cbor(
        "POST",
        path(run) + "/rewind",
        RequestWriter.rewind(nextStep, attempt),
        attempt != null,
        SMALL,
        RunReader::read);
  }

  static Call<Run> finish(String run) {
    return cbor("POST", path(run) + "/finish", null, true, SMALL, RunReader::read);
  }

  /** The same once more is what it was the first time. */
  static Call<Evaluation> evaluate(String run, long step, String benchmark, double score) {
    return cbor(
        "POST",
        path(run) + "/evaluations",
        RequestWriter.evaluation(step, benchmark, score),
        true,
        SMALL,
        EvaluationReader::read);
  }

  static Call<List<Evaluation>> evaluations(String run) {
    return cbor("GET", path(run) + "/evaluations", null, true, LIST, EvaluationReader::readList);
  }

  static Call<Scores> score(String run, String key, Batch batch, boolean withStatistics) {
    if (!KEY.matcher(key).matches()) {
      throw new IllegalArgumentException("a key has 1 to 255 visible ASCII characters");
    }
    return new Call<>(
        "POST",
        path(run) + "/observations" + (withStatistics ? "?include=statistics" : ""),
        BatchWriter.write(batch),
        List.of("Idempotency-Key", key),
        Reply.CBOR,
        true,
        atMost(STATISTICS + 16 * (batch.size() + batch.dialogues())),
        reply -> {
          boolean replayed = reply.headers().firstValue("Idempotency-Replayed").isPresent();
          return reply.cbor(in -> ScoresReader.read(in, batch, replayed));
        });
  }

  static Call<DialoguePage> dialogues(String run, DialogueQuery query) {
    return cbor(
        "GET", path(run) + "/dialogues" + query, null, true, LIST, DialogueReader::readPage);
  }

  static Call<Statistics> statistics(String run) {
    return statistics(run, List.of(), Calls::readStatistics);
  }

  static Call<Optional<Statistics>> statisticsUnless(String run, String etag) {
    if (!ETAG.matcher(etag).matches()) {
      throw new IllegalArgumentException("an ETag is one of a Statistics, with its quotes");
    }
    return statistics(
        run,
        List.of("If-None-Match", etag),
        reply -> reply.status() == 304 ? Optional.empty() : Optional.of(readStatistics(reply)));
  }

  private static <T> Call<T> statistics(String run, List<String> headers, Function<Reply, T> read) {
    return new Call<>(
        "GET",
        path(run) + "/statistics",
        null,
        headers,
        Reply.CBOR,
        true,
        atMost(STATISTICS),
        read);
  }

  private static Statistics readStatistics(Reply reply) {
    String etag = reply.headers().firstValue("ETag").orElse("");
    return reply.cbor(in -> StatisticsReader.read(in, etag));
  }

  static Call<Stream<ExportedObservation>> export(
      String run, @Nullable Long fromStep, @Nullable Long toStep, Duration wait, Set<Export> open) {
    StringBuilder query = new StringBuilder();
    if (fromStep != null) {
      query.append("?fromStep=").append(fromStep);
    }
    if (toStep != null) {
      query.append(fromStep == null ? '?' : '&').append("toStep=").append(toStep);
    }
    return new Call<>(
        "GET",
        path(run) + "/observations" + query,
        null,
        List.of(),
        Reply.CBOR,
        true,
        () -> new FlowingBody(wait),
        reply -> new Export(reply, open).stream());
  }

  static Call<Replay> startReplay(String run, ReplayRequest request) {
    return cbor(
        "POST",
        path(run) + "/replays",
        RequestWriter.replay(request),
        false,
        SMALL,
        ReplayReader::read);
  }

  static Call<List<Replay>> replays(String run) {
    return cbor("GET", path(run) + "/replays", null, true, LIST, ReplayReader::readList);
  }

  static Call<Replay> replay(String run, String replay, int limit) {
    if (limit < 1 || limit > 10_000) {
      throw new IllegalArgumentException("an answer has 1 to 10000 results");
    }
    return cbor(
        "GET", path(run, replay) + "?limit=" + limit, null, true, RESULTS, ReplayReader::read);
  }

  /** One that was cancelled is removed by the repetition: not what was asked for. */
  static Call<@Nullable Void> removeReplay(String run, String replay) {
    return empty("DELETE", path(run, replay), false);
  }

  static Call<ComputeStatus> compute() {
    return cbor("GET", "/v1/compute", null, true, SMALL, Calls::readCompute);
  }

  static Call<String> contract() {
    return new Call<>(
        "GET",
        "/openapi.yaml",
        null,
        List.of(),
        "application/yaml",
        true,
        atMost(STATISTICS),
        reply -> {
          reply.require("application/yaml");
          try {
            return new String(reply.body().readAllBytes(), UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static ComputeStatus readCompute(AnswerReader in) {
    String backend = null;
    String device = null;
    String library = null;
    Long deviceFailures = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "backend" -> backend = in.text();
        case "device" -> device = in.text();
        case "library" -> library = in.text();
        case "deviceFailures" -> deviceFailures = in.integer();
        default -> in.skip();
      }
    }
    return new ComputeStatus(
        AnswerReader.required(backend, "backend"),
        AnswerReader.required(device, "device"),
        AnswerReader.required(library, "library"),
        AnswerReader.required(deviceFailures, "deviceFailures"));
  }

  private static <T> Call<T> cbor(
      String method,
      String path,
      byte @Nullable [] sent,
      boolean safe,
      int most,
      Function<AnswerReader, T> value) {
    return new Call<>(
        method, path, sent, List.of(), Reply.CBOR, safe, atMost(most), reply -> reply.cbor(value));
  }

  /** Whose answer has no body. */
  private static Call<@Nullable Void> empty(String method, String path, boolean safe) {
    return new Call<>(
        method,
        path,
        null,
        List.of(),
        Reply.CBOR,
        safe,
        atMost(SMALL),
        reply -> {
          if (reply.status() != 204) {
            throw new UnexpectedAnswerException("the contract has 204 here", null);
          }
          return null;
        });
  }

  private static Supplier<BodySubscriber<InputStream>> atMost(int bytes) {
    return () -> new Body(bytes, false);
  }

  private static String path(String run) {
    if (!RUN.matcher(run).matches()) {
      throw new IllegalArgumentException(
          "a run is named by 1 to 128 of A-Z a-z 0-9 . _ ~ -, the first a letter or a digit");
    }
    return "/v1/runs/" + run;
  }

  private static String path(String run, String replay) {
    if (!REPLAY.matcher(replay).matches()) {
      throw new IllegalArgumentException("a replay is named as the answer to its start says");
    }
    return path(run) + "/replays/" + replay;
  }
}
