package resure.client;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.dataformat.cbor.CBORFactory;

/** Bodies of requests other than batches, as CBOR. */
final class RequestWriter {

  private static final CBORFactory CBOR = new CBORFactory();

  private RequestWriter() {}

  static byte[] settings(Settings settings) {
    return body(out -> writeSettings(settings, out));
  }

  static byte[] rewind(long nextStep, @Nullable String attempt) {
    return body(
        out -> {
          out.writeStartObject();
          out.writeNumberProperty("nextStep", nextStep);
          if (attempt != null) {
            out.writeStringProperty("attempt", attempt);
          }
          out.writeEndObject();
        });
  }

  static byte[] evaluation(long step, String benchmark, double score) {
    return body(
        out -> {
          out.writeStartObject();
          out.writeNumberProperty("step", step);
          out.writeStringProperty("benchmark", benchmark);
          out.writeNumberProperty("score", score);
          out.writeEndObject();
        });
  }

  static byte[] replay(ReplayRequest request) {
    return body(
        out -> {
          out.writeStartObject();
          if (!request.configurations.isEmpty()) {
            out.writeName("configurations");
            out.writeStartArray();
            request.configurations.forEach(settings -> writeSettings(settings, out));
            out.writeEndArray();
          }
          if (!request.grid.isEmpty()) {
            out.writeName("grid");
            out.writeStartObject();
            request.grid.forEach((field, values) -> writeAxis(field, values, out));
            out.writeEndObject();
          }
          if (!request.bad.isEmpty()) {
            out.writeName("labels");
            out.writeStartObject();
            out.writeName("bad");
            out.writeStartArray();
            request.bad.forEach(label -> writeLabel(label, out));
            out.writeEndArray();
            out.writeEndObject();
          }
          if (!request.rankBy.isEmpty()) {
            out.writeName("rankBy");
            out.writeStartArray();
            request.rankBy.forEach(rankBy -> writeRankBy(rankBy, out));
            out.writeEndArray();
          }
          out.writeEndObject();
        });
  }

  private static void writeAxis(String field, Object values, JsonGenerator out) {
    out.writeName(field);
    if (values instanceof ReplayRequest.Range range) {
      out.writeStartObject();
      out.writeNumberProperty("from", range.from());
      out.writeNumberProperty("to", range.to());
      out.writeNumberProperty("points", range.points());
      out.writeStringProperty("scale", range.logarithmic() ? "log" : "linear");
      out.writeEndObject();
      return;
    }
    out.writeStartArray();
    for (Object value : (List<?>) values) {
      if (value instanceof Double number
          && number == Math.rint(number)
          && Math.abs(number) < 1L << 53) {
        // A field of whole numbers takes no other; one of numbers takes these too.
        out.writeNumber(number.longValue());
      } else {
        writeValue(value, out);
      }
    }
    out.writeEndArray();
  }

  private static void writeLabel(ReplayRequest.Label label, JsonGenerator out) {
    out.writeStartObject();
    out.writeStringProperty("dialogue", label.dialogue());
    if (label.turn() != null) {
      out.writeNumberProperty("turn", (long) label.turn());
    }
    out.writeEndObject();
  }

  private static void writeRankBy(ReplayRequest.RankBy rankBy, JsonGenerator out) {
    out.writeStartObject();
    out.writeStringProperty("measure", rankBy.measure().label());
    if (rankBy.atLeast() != null) {
      out.writeNumberProperty("atLeast", (double) rankBy.atLeast());
    }
    if (rankBy.atMost() != null) {
      out.writeNumberProperty("atMost", (double) rankBy.atMost());
    }
    out.writeEndObject();
  }

  private static byte[] body(Consumer<JsonGenerator> write) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = CBOR.createGenerator(ObjectWriteContext.empty(), bytes)) {
      write.accept(out);
    }
    return bytes.toByteArray();
  }

  private static void writeSettings(Settings settings, JsonGenerator out) {
    out.writeStartObject();
    writeFields(settings, "", out);
    for (String nested : new String[] {"weighting", "propagation"}) {
      if (settings.fields.keySet().stream().anyMatch(f -> f.startsWith(nested + "."))) {
        out.writeName(nested);
        out.writeStartObject();
        writeFields(settings, nested + ".", out);
        out.writeEndObject();
      }
    }
    if (!settings.labels.isEmpty()) {
      out.writeName("labels");
      out.writeStartObject();
      settings.labels.forEach(out::writeStringProperty);
      out.writeEndObject();
    }
    StartFrom startFrom = settings.startFrom;
    if (startFrom != null) {
      out.writeName("startFrom");
      out.writeStartObject();
      out.writeStringProperty("run", startFrom.run());
      if (startFrom.step() != null) {
        out.writeNumberProperty("step", (long) startFrom.step());
      }
      if (startFrom.observations() != null) {
        out.writeNumberProperty("observations", (double) startFrom.observations());
      }
      out.writeEndObject();
    }
    Retention retention = settings.retention;
    if (retention != null) {
      out.writeName("retention");
      out.writeStartObject();
      if (retention.steps() == null) {
        out.writeStringProperty("observations", "all");
      } else {
        out.writeName("observations");
        out.writeStartObject();
        out.writeNumberProperty("steps", (long) retention.steps());
        out.writeEndObject();
      }
      out.writeEndObject();
    }
    out.writeEndObject();
  }

  /** The fields under a prefix that have no further dot. */
  private static void writeFields(Settings settings, String prefix, JsonGenerator out) {
    for (Map.Entry<String, @Nullable Object> field : settings.fields.entrySet()) {
      String path = field.getKey();
      if (path.startsWith(prefix) && path.indexOf('.', prefix.length()) < 0) {
        out.writeName(path.substring(prefix.length()));
        writeValue(field.getValue(), out);
      }
    }
  }

  static void writeValue(@Nullable Object value, JsonGenerator out) {
    if (value == null) {
      out.writeNull();
    } else if (value instanceof Double number) {
      out.writeNumber((double) number);
    } else if (value instanceof Integer number) {
      out.writeNumber((int) number);
    } else if (value instanceof Boolean truth) {
      out.writeBoolean(truth);
    } else {
      out.writeString((String) value);
    }
  }
}
