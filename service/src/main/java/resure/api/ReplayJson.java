package resure.api;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.replay.Bad;
import resure.replay.Found;
import resure.replay.Replay;
import resure.replay.ReplayResult;
import resure.replay.Results;
import resure.replay.Separation;
import resure.replay.SourceTally;
import resure.replay.Started;
import resure.replay.Tally;
import resure.replay.Tried;
import resure.replay.TurnTally;
import tools.jackson.core.JsonGenerator;

/**
 * A replay with its results, in pieces: a slow reader leaves one of them in memory. One thread at a
 * time.
 */
final class ReplayJson implements Pieces {

  /** Bytes that end the array of results, and then the replay. */
  private static final int END = 2;

  private final Representation representation;
  private final Replay replay;
  private final Results results;
  private byte[] end = {};
  private boolean begun;
  private boolean ended;
  private boolean any;

  ReplayJson(Found found, Representation representation) {
    this.representation = representation;
    replay = found.replay();
    results = found.results();
  }

  @Override
  public byte @Nullable [] next() throws JournalException {
    if (ended) {
      return null;
    }
    ByteArrayOutputStream piece = new ByteArrayOutputStream(1 << 14);
    if (!begun) {
      begun = true;
      byte[] whole = Json.write(representation, accepted(replay));
      // Up to the end of its empty array of results, which has no length in front in CBOR either.
      piece.write(whole, 0, whole.length - END);
      end = Arrays.copyOfRange(whole, whole.length - END, whole.length);
    }
    List<Tried> tried = results.next();
    for (Tried each : tried) {
      if (any && representation == Representation.JSON) {
        piece.write(',');
      }
      any = true;
      piece.writeBytes(Json.write(representation, json -> write(json, each)));
    }
    if (tried.isEmpty()) {
      ended = true;
      piece.writeBytes(end);
    }
    return piece.toByteArray();
  }

  /** A replay that has no results yet. */
  static Consumer<JsonGenerator> accepted(Replay replay) {
    return json -> {
      json.writeStartObject();
      fields(json, replay);
      json.writeArrayPropertyStart("results");
      json.writeEndArray();
      json.writeEndObject();
    };
  }

  static Consumer<JsonGenerator> list(List<Replay> replays) {
    return json -> {
      json.writeStartObject();
      json.writeArrayPropertyStart("replays");
      for (Replay replay : replays) {
        json.writeStartObject();
        fields(json, replay);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    };
  }

  private static void fields(JsonGenerator json, Replay replay) {
    json.writeStringProperty("replay", replay.id());
    json.writeStringProperty("state", replay.state().label());
    json.writeNumberProperty("progress", replay.progress());
    json.writeNumberProperty("configurations", replay.configurations());
    json.writeNumberProperty("sequence", replay.sequence());
    RunJson.write(json, replay.wholeFrom());
    RunJson.time(json, "createdAt", replay.createdAt());
    RunJson.time(json, "finishedAt", replay.finishedAt());
    if (replay.detail() != null) {
      json.writeStringProperty("detail", replay.detail());
    }
  }

  private static void write(JsonGenerator json, Tried tried) {
    ReplayResult result = tried.result();
    json.writeStartObject();
    json.writeNumberProperty("index", result.index());
    json.writeObjectPropertyStart("configuration");
    RunJson.fields(json, tried.configuration());
    json.writeEndObject();
    write(json, result.all());
    Json.number(json, "steadiness", result.steadiness());
    Separation separation = result.separation();
    if (separation != null) {
      measured(json, "auroc", separation.auroc(), separation.aurocError());
      measured(
          json,
          "averagePrecision",
          separation.averagePrecision(),
          separation.averagePrecisionError());
      Json.number(json, "badMeanWeight", separation.badMeanWeight());
      Json.number(json, "goodMeanWeight", separation.goodMeanWeight());
    }
    json.writeArrayPropertyStart("turns");
    for (TurnTally turn : result.turns()) {
      json.writeStartObject();
      json.writeNumberProperty("turn", turn.turn());
      write(json, turn.tally());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayPropertyStart("sources");
    for (SourceTally source : result.sources()) {
      json.writeStartObject();
      RunJson.text(json, "source", source.source());
      write(json, source.tally());
      if (source.other()) {
        json.writeBooleanProperty("other", true);
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** A value and, where it is not exact, how far off it may be. */
  private static void measured(JsonGenerator json, String name, double value, double error) {
    Json.number(json, name, value);
    if (error > 0) {
      Json.number(json, name + "Error", error);
    }
  }

  private static void write(JsonGenerator json, Tally tally) {
    json.writeNumberProperty("observations", tally.observations());
    Json.number(json, "meanWeight", tally.meanWeight());
    Json.number(json, "effectiveSampleRatio", tally.effectiveSampleRatio());
    Json.number(json, "downWeightedRatio", tally.downWeightedRatio());
  }

  /** What a plan with unknown labels is answered with. */
  static ProblemException problem(Started.UnknownLabels unknown) {
    return ProblemException.at(
            ProblemType.UNKNOWN_LABELS,
            "/labels/bad/" + unknown.first(),
            "%d labels name dialogues or turns that the run has no loss of; %s listed."
                .formatted(
                    unknown.total(),
                    unknown.total() == unknown.unknown().size()
                        ? "they are"
                        : "the first " + unknown.unknown().size() + " are"))
        .with(
            json -> {
              json.writeNumberProperty("unknownCount", unknown.total());
              json.writeArrayPropertyStart("unknown");
              for (Bad bad : unknown.unknown()) {
                Long turn = bad.turn();
                json.writeStartObject();
                json.writeStringProperty("dialogue", bad.dialogue());
                if (turn != null) {
                  json.writeNumberProperty("turn", turn);
                }
                json.writeEndObject();
              }
              json.writeEndArray();
            });
  }
}
