package resure.client;

import java.io.ByteArrayOutputStream;
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
