package resure.client;

import java.io.ByteArrayOutputStream;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.dataformat.cbor.CBORFactory;
import tools.jackson.dataformat.cbor.CBORWriteFeature;

/** A batch as CBOR. A loss that is exactly a float travels as one. */
final class BatchWriter {

  private static final CBORFactory CBOR =
      CBORFactory.builder().enable(CBORWriteFeature.WRITE_MINIMAL_DOUBLES).build();

  private BatchWriter() {}

  static byte[] write(Batch batch) {
    ByteArrayOutputStream bytes =
        new ByteArrayOutputStream(128 + 64 * batch.dialogues() + 16 * batch.size());
    try (JsonGenerator out = CBOR.createGenerator(ObjectWriteContext.empty(), bytes)) {
      out.writeStartObject();
      if (batch.step != null) {
        out.writeNumberProperty("step", (long) batch.step);
      }
      out.writeNumberProperty("rank", batch.rank);
      out.writeNumberProperty("microBatch", batch.microBatch);
      if (batch.attempt != null) {
        out.writeStringProperty("attempt", batch.attempt);
      }
      out.writeName("dialogues");
      out.writeStartArray(null, batch.dialogues());
      for (int d = 0; d < batch.dialogues(); d++) {
        writeDialogue(batch, d, out);
      }
      out.writeEndArray();
      out.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static void writeDialogue(Batch batch, int d, JsonGenerator out) {
    int from = batch.offsets[d];
    int to = batch.offsets[d + 1];
    out.writeStartObject();
    out.writeStringProperty("id", batch.ids.get(d));
    String source = batch.sources.get(d);
    if (source != null) {
      out.writeStringProperty("source", source);
    }
    if (batch.firstTurns[d] != 0) {
      out.writeNumberProperty("firstTurn", batch.firstTurns[d]);
    }
    out.writeName("losses");
    out.writeStartArray(null, to - from);
    for (int i = from; i < to; i++) {
      if (batch.supervised[i]) {
        out.writeNumber(batch.losses[i]);
      } else {
        out.writeNull();
      }
    }
    out.writeEndArray();
    if (batch.tokens != null) {
      out.writeName("tokens");
      out.writeStartArray(null, to - from);
      for (int i = from; i < to; i++) {
        if (batch.supervised[i]) {
          out.writeNumber(batch.tokens[i]);
        } else {
          out.writeNull();
        }
      }
      out.writeEndArray();
    }
    if (batch.applied != null) {
      out.writeName("weights");
      out.writeStartArray(null, to - from);
      for (int i = from; i < to; i++) {
        if (batch.supervised[i]) {
          out.writeNumber(batch.applied.weight(i));
        } else {
          out.writeNull();
        }
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }
}
