package resure.api;

import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Scored;

/**
 * An export, as a line of JSON for each observation or as one array of CBOR whose break says that
 * it is whole, in pieces of about 16 KiB: what a slow reader leaves in memory is a few of these.
 * One thread at a time.
 */
final class ExportBody {

  private static final int PIECE = 1 << 14;

  private static final int ARRAY_UNTIL_BREAK = 0x9F;
  private static final int BREAK = 0xFF;

  private final Export export;
  private final Representation representation;
  private boolean begun;
  private boolean ended;
  private List<Scored> chunk = List.of();
  private int batch;
  private int dialogue;
  private int loss;

  ExportBody(Export export, Representation representation) {
    this.export = export;
    this.representation = representation;
  }

  /** The next observations, whole ones; null at the end. Blocks. */
  byte @Nullable [] next() throws JournalException {
    ByteArrayOutputStream piece = new ByteArrayOutputStream(PIECE + 512);
    if (!begun) {
      begun = true;
      if (representation == Representation.CBOR) {
        piece.write(ARRAY_UNTIL_BREAK);
      }
    }
    while (!ended && piece.size() < PIECE) {
      if (batch == chunk.size()) {
        chunk = export.next();
        batch = 0;
        dialogue = 0;
        loss = 0;
        if (chunk.isEmpty()) {
          ended = true;
          if (representation == Representation.CBOR) {
            piece.write(BREAK);
          }
          break;
        }
      }
      write(piece, chunk.get(batch));
    }
    return piece.size() == 0 ? null : piece.toByteArray();
  }

  /** Writes observations of one batch until the piece is full or the batch at its end. */
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
          piece.writeBytes(observation(scored, id, dialogue, loss));
          if (representation == Representation.JSON) {
            piece.write('\n');
          }
        }
      }
      dialogue++;
    }
    batch++;
    dialogue = 0;
    loss = 0;
  }

  private byte[] observation(Scored scored, String id, int dialogue, int loss) {
    ObservationBatch batch = scored.batch();
    return Json.write(
        representation,
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
