package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import resure.journal.Incarnation;
import resure.projection.HistoryBucket;
import resure.projection.HistoryEvent;
import resure.projection.HistoryEvent.Position;
import resure.projection.HistoryMark;
import tools.jackson.core.JsonGenerator;

/** What watchers are told, as server-sent events, and how an event's id is read. */
final class EventText {

  /** Says nothing, but that the stream is open. */
  static final byte[] HEARTBEAT = ": \n\n".getBytes(UTF_8);

  /** How soon who loses a stream should come again. */
  static final byte[] OPENED = "retry: 1000\n: \n\n".getBytes(UTF_8);

  private static final Pattern ID =
      Pattern.compile("([0-9A-HJKMNP-TV-Z]{26})-([0-9]{1,16})-([0-9]{1,9})");

  private EventText() {}

  /**
   * The id of an event.
   *
   * @param incarnation of the run, as text
   */
  record Id(String incarnation, Position position) {

    static @Nullable Id of(@Nullable String text) {
      if (text == null || text.isEmpty()) {
        return null;
      }
      Matcher id = ID.matcher(text);
      if (!id.matches()) {
        throw ProblemException.parameter(
            "Last-Event-ID", "must be the id of an event of this run, as it is.");
      }
      return new Id(
          id.group(1), new Position(Long.parseLong(id.group(2)), Integer.parseInt(id.group(3))));
    }
  }

  /** The run is gone; who comes again is told of the one that has its name by then. */
  static byte[] deleted(@Nullable Incarnation next) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    write(
        text,
        "deleted",
        next == null ? null : next + "-0-0",
        json -> {
          json.writeStartObject();
          json.writeEndObject();
        });
    return text.toByteArray();
  }

  static byte[] of(Incarnation incarnation, List<HistoryEvent> events) {
    ByteArrayOutputStream text = new ByteArrayOutputStream(1024);
    for (HistoryEvent event : events) {
      String id = incarnation + "-" + event.position().sequence() + "-" + event.position().index();
      switch (event) {
        case HistoryEvent.Step step -> write(text, "step", id, json -> step(json, step));
        case HistoryEvent.Marked marked ->
            write(
                text,
                HistoryHandler.label(marked.mark().kind()),
                id,
                json -> mark(json, marked.mark()));
      }
    }
    return text.toByteArray();
  }

  private static void write(
      ByteArrayOutputStream text, String name, @Nullable String id, Consumer<JsonGenerator> data) {
    text.writeBytes(("event: " + name + "\n").getBytes(UTF_8));
    if (id != null) {
      text.writeBytes(("id: " + id + "\n").getBytes(UTF_8));
    }
    text.writeBytes("data: ".getBytes(UTF_8));
    // One line: JSON has no line feed in a text.
    text.writeBytes(Json.write(Representation.JSON, data));
    text.writeBytes("\n\n".getBytes(UTF_8));
  }

  private static void step(JsonGenerator json, HistoryEvent.Step event) {
    HistoryBucket step = event.bucket();
    long usable = 0;
    long unusable = 0;
    long downWeighted = 0;
    double sum = 0;
    double squares = 0;
    for (int turn = 0; turn < step.slots(); turn++) {
      unusable += step.unusable(turn);
      downWeighted += step.downWeighted(turn);
      if (step.usable(turn) > 0) {
        usable += step.usable(turn);
        sum += step.usable(turn) * step.weight(turn);
        squares += step.usable(turn) * step.meanOfSquares(turn);
      }
    }
    json.writeStartObject();
    json.writeNumberProperty("sequence", event.position().sequence());
    json.writeNumberProperty("step", step.step());
    json.writeNumberProperty("observations", usable + unusable);
    rounded(json, "meanWeight", usable == 0 ? Double.NaN : sum / usable);
    rounded(
        json,
        "effectiveSampleRatio",
        usable == 0 ? Double.NaN : squares == 0 ? 0 : Math.min(1, sum * sum / squares / usable));
    json.writeNumberProperty("downWeighted", downWeighted);
    json.writeNumberProperty("unusable", unusable);
    json.writeBooleanProperty("late", step.late());
    json.writeArrayPropertyStart("turns");
    for (int turn = 0; turn < step.slots(); turn++) {
      if (step.observations(turn) > 0) {
        json.writeStartObject();
        json.writeNumberProperty("turn", turn);
        json.writeNumberProperty("observations", step.observations(turn));
        rounded(json, "loss", step.loss(turn));
        rounded(json, "mean", step.mean(turn));
        rounded(json, "standardDeviation", step.sd(turn));
        rounded(json, "weight", step.weight(turn));
        rounded(json, "drift", step.drift(turn));
        json.writeEndObject();
      }
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void mark(JsonGenerator json, HistoryMark mark) {
    json.writeStartObject();
    json.writeNumberProperty("sequence", mark.sequence());
    switch (mark.kind()) {
      case WARNING, ALARM -> {
        json.writeNumberProperty("step", mark.step());
        json.writeNumberProperty("turn", mark.slot());
        rounded(json, "drift", mark.drift());
      }
      case REWOUND -> json.writeNumberProperty("nextStep", mark.step());
      case FINISHED -> {}
    }
    json.writeEndObject();
  }

  private static void rounded(JsonGenerator json, String name, double value) {
    json.writeName(name);
    Json.rounded(json, value);
  }
}
