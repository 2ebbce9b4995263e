package resure.api;

import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Scored;

/**
 * An export as lines of JSON, an observation each, in pieces of about 16 KiB: what a slow reader
 * leaves in memory is a few of these. One thread at a time.
 */
final class ExportLines {

  private static final int PIECE = 1 << 14;

  private final Export export;
  private List<Scored> chunk = List.of();
  private int batch;
  private int dialogue;
  private int loss;

  ExportLines(Export export) {
    this.export = export;
  }

  /** The next lines, whole ones; null at the end. Blocks. */
  byte @Nullable [] next() throws JournalException {
    ByteArrayOutputStream piece = new ByteArrayOutputStream(PIECE + 512);
    while (piece.size() < PIECE) {
      if (batch == chunk.size()) {
        chunk = export.next();
        batch = 0;
        dialogue = 0;
        loss = 0;
        if (chunk.isEmpty()) {
          break;
        }
      }
      write(piece, chunk.get(batch));
    }
    return piece.size() == 0 ? null : piece.toByteArray();
  }

  /** Writes lines of one batch until the piece is full or the batch at its end. */
  private void write(ByteArrayOutputStream piece, Scored scored) {
    ObservationBatch observations = scored.batch();
    while (dialogue < observations.dialogues()) {
      int end = observations.offsets()[dialogue + 1];
      String id = observations.id(dialogue);
      for (; loss < end; loss++) {
        if (piece.size() >= PIECE) {
          return;
        }
        if (observations.supervised(loss)) {
          piece.writeBytes(line(scored, id, dialogue, loss));
          piece.write('\n');
        }
      }
      dialogue++;
    }
    batch++;
    dialogue = 0;
    loss = 0;
  }

  private static byte[] line(Scored scored, String id, int dialogue, int loss) {
    ObservationBatch batch = scored.batch();
    return Json.write(
        json -> {
          json.writeStartObject();
          json.writeNumberProperty("sequence", scored.sequence());
          json.writeName("step");
          if (batch.hasStep()) {
            json.writeNumber(batch.step());
          } else {
            json.writeNull();
          }
          json.writeNumberProperty("rank", batch.rank());
          json.writeNumberProperty("microBatch", batch.microBatch());
          json.writeStringProperty("dialogue", id);
          json.writeStringProperty("source", batch.source(dialogue));
          json.writeNumberProperty(
              "turn", batch.firstTurn(dialogue) + loss - batch.offsets()[dialogue]);
          json.writeName("loss");
          if (scored.weights().usable(loss)) {
            json.writeNumber(batch.losses()[loss]);
          } else {
            json.writeNull();
          }
          json.writeNumberProperty("weight", scored.weights().exported(batch, loss));
          if (!scored.weights().usable(loss)) {
            json.writeBooleanProperty("unusable", true);
          }
          json.writeEndObject();
        });
  }
}
