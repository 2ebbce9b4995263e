package resure.api;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Mono;
import resure.journal.RunKey;
import resure.projection.DialoguePage;
import resure.projection.DialogueQuery;
import resure.projection.DialogueRanking;
import resure.projection.DialogueReliability;
import resure.projection.Looked;
import resure.projection.ReadModels;
import resure.run.RunDescription;
import resure.run.Runs;
import tools.jackson.core.JsonGenerator;

/** The dialogues of a run, least reliable first. */
final class DialogueHandler {

  private static final int DEFAULT_PAGE = 20;
  private static final int MAX_SOURCE = 256;

  /** Of what a table is made from, which has no place for it. */
  private static final String PROGRESS = "Resure-Progress";

  /** Incarnation and unreliability, before the id. */
  private static final int CURSOR_BYTES = 3 * Long.BYTES;

  private static final byte[] COLUMNS =
      Csv.header(
          "dialogue",
          "source",
          "visits",
          "observations",
          "unusable",
          "meanWeight",
          "excess",
          "unreliability",
          "lastStep");

  private final Runs runs;
  private final ReadModels models;

  DialogueHandler(Runs runs, ReadModels models) {
    this.runs = runs;
    this.models = models;
  }

  Mono<Void> list(Exchange exchange) {
    exchange.allowQuery("limit", "cursor", "source", "turn", RunHandler.AT_LEAST_SEQUENCE);
    Table table = exchange.offerTable();
    int limit = RunHandler.limit(exchange.query("limit"), DEFAULT_PAGE);
    String source = exchange.query("source");
    if (source != null && (source.isEmpty() || !Text.valid(source, MAX_SOURCE))) {
      throw ProblemException.parameter(
          "source", "must be text of 1 to " + MAX_SOURCE + " code points without U+0000.");
    }
    Long turn = exchange.wholeQuery("turn");
    String cursor = exchange.query("cursor");
    return exchange
        .await(runs.describe(RunHandler.runId(exchange), RunHandler.atLeastSequence(exchange)))
        .flatMap(
            run -> {
              DialogueQuery query =
                  new DialogueQuery(
                      limit,
                      cursor == null ? null : place(run.key(), cursor),
                      source,
                      turn == null ? null : run.settings().configuration().slot(turn));
              return exchange
                  .await(
                      models.ask(run.key(), run.sequence(), new DialogueRanking(run.key(), query)))
                  .flatMap(
                      looked ->
                          table == Table.CSV
                              ? lines(exchange, run, looked, limit, source, turn)
                              : exchange.answer(200, page(run, looked)));
            });
  }

  /** In a form that invites nobody to build it. */
  private static String cursor(RunKey run, DialogueReliability last) {
    byte[] id = last.dialogue().getBytes(StandardCharsets.UTF_8);
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(
            ByteBuffer.allocate(CURSOR_BYTES + id.length)
                .putLong(run.incarnation().high())
                .putLong(run.incarnation().low())
                .putDouble(last.unreliability())
                .put(id)
                .array());
  }

  private static DialogueQuery.Place place(RunKey run, String cursor) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(cursor));
      if (bytes.remaining() > CURSOR_BYTES
          && bytes.getLong() == run.incarnation().high()
          && bytes.getLong() == run.incarnation().low()) {
        double unreliability = bytes.getDouble();
        String id = StandardCharsets.UTF_8.decode(bytes).toString();
        if (Double.isFinite(unreliability)) {
          return new DialogueQuery.Place(unreliability, id);
        }
      }
    } catch (IllegalArgumentException e) {
      // Falls through: not ours either.
    }
    throw ProblemException.parameter(
        "cursor", "Use the 'next' of the page before, of the same run, as it is.");
  }

  private static @Nullable String next(RunDescription run, DialoguePage page) {
    return page.more() ? cursor(run.key(), page.dialogues().getLast()) : null;
  }

  private static Consumer<JsonGenerator> page(RunDescription run, Looked<DialoguePage> looked) {
    return json -> {
      json.writeStartObject();
      json.writeStringProperty("run", run.key().id().name());
      json.writeNumberProperty("sequence", looked.sequence());
      Json.number(json, "progress", looked.progress());
      json.writeArrayPropertyStart("dialogues");
      looked.found().dialogues().forEach(dialogue -> write(json, dialogue));
      json.writeEndArray();
      RunJson.text(json, "next", next(run, looked.found()));
      json.writeEndObject();
    };
  }

  private static void write(JsonGenerator json, DialogueReliability dialogue) {
    json.writeStartObject();
    json.writeStringProperty("dialogue", dialogue.dialogue());
    RunJson.text(json, "source", dialogue.source());
    json.writeNumberProperty("visits", dialogue.visits());
    json.writeNumberProperty("observations", dialogue.observations());
    json.writeNumberProperty("unusable", dialogue.unusable());
    Json.number(json, "meanWeight", dialogue.meanWeight());
    Json.number(json, "excess", dialogue.excess());
    Json.number(json, "unreliability", dialogue.unreliability());
    RunJson.step(json, "lastStep", step(dialogue));
    json.writeArrayPropertyStart("turns");
    for (DialogueReliability.Turn turn : dialogue.turns()) {
      json.writeStartObject();
      json.writeNumberProperty("turn", turn.turn());
      json.writeNumberProperty("observations", turn.observations());
      json.writeNumberProperty("unusable", turn.unusable());
      Json.number(json, "meanLoss", turn.meanLoss());
      Json.number(json, "meanWeight", turn.meanWeight());
      Json.number(json, "excess", turn.excess());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static @Nullable Long step(DialogueReliability dialogue) {
    return dialogue.lastStep() < 0 ? null : dialogue.lastStep();
  }

  private static Mono<Void> lines(
      Exchange exchange,
      RunDescription run,
      Looked<DialoguePage> looked,
      int limit,
      @Nullable String source,
      @Nullable Long turn) {
    String next = next(run, looked.found());
    if (next != null) {
      String link =
          "</v1/runs/%s/dialogues?limit=%d%s%s&cursor=%s>; rel=\"next\""
              .formatted(
                  run.key().id().name(),
                  limit,
                  source == null
                      ? ""
                      : "&source="
                          + URLEncoder.encode(source, StandardCharsets.UTF_8).replace("+", "%20"),
                  turn == null ? "" : "&turn=" + turn,
                  next);
      exchange.response().getHeaders().set(HttpHeaders.LINK, link);
    }
    exchange.response().getHeaders().set(PROGRESS, Double.toString(looked.progress()));
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    lines.writeBytes(COLUMNS);
    Csv csv = new Csv();
    for (DialogueReliability dialogue : looked.found().dialogues()) {
      lines.writeBytes(
          csv.start()
              .text(dialogue.dialogue())
              .text(dialogue.source())
              .whole(dialogue.visits())
              .whole(dialogue.observations())
              .whole(dialogue.unusable())
              .number(dialogue.meanWeight())
              .number(dialogue.excess())
              .number(dialogue.unreliability())
              .whole(step(dialogue))
              .end());
    }
    byte[] body = lines.toByteArray();
    return exchange.answer(200, Table.TEXT_CSV, body, body.length);
  }
}
