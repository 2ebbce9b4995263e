package resure.api;

import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.run.Export;
import resure.run.Scored;

/**
 * An export, as a line of JSON or CSV for each observation or as one array of CBOR whose break says
 * that it is whole, in pieces of about 16 KiB. One thread at a time.
 */
final class ExportBody implements Pieces {

  private static final int PIECE = 1 << 14;

  /** Chunks of the journal that are looked through for one piece: some megabytes. */
  private static final int CHUNKS = 16;

  private static final int ARRAY_UNTIL_BREAK = 0x9F;
  private static final int BREAK = 0xFF;

  private final Export export;
  private final Selection wanted;
  private final Table table;
  private final Csv csv = new Csv();
  private boolean begun;
  private boolean ended;
  private List<Scored> chunk = List.of();
  private int batch;
  private int dialogue;
  private int loss;

  ExportBody(Export export, Selection wanted, Table table) {
    this.export = export;
    this.wanted = wanted;
    this.table = table;
  }

  /**
   * The next observations, whole ones. Where few are wanted a piece may be empty, so that one who
   * has left is noticed.
   */
  @Override
  public byte @Nullable [] next() throws JournalException {
    if (ended) {
      return null;
    }
    ByteArrayOutputStream piece = new ByteArrayOutputStream(PIECE + 512);
    if (!begun) {
      begun = true;
      begin(piece);
    }
    int chunks = 0;
    while (piece.size() < PIECE && chunks < CHUNKS) {
      if (batch == chunk.size()) {
        chunks++;
        chunk = export.next();
        batch = 0;
        dialogue = 0;
        loss = 0;
        if (chunk.isEmpty()) {
          ended = true;
          if (table == Table.CBOR) {
            piece.write(BREAK);
          }
          break;
        }
      }
      write(piece, chunk.get(batch));
    }
    return piece.toByteArray();
  }

  private void begin(ByteArrayOutputStream piece) {
    switch (table) {
      case JSON -> {}
      case CBOR -> piece.write(ARRAY_UNTIL_BREAK);
      case CSV ->
          piece.writeBytes(
              Csv.header(
                  "sequence",
                  "step",
                  "rank",
                  "microBatch",
                  "dialogue",
                  "source",
                  "turn",
                  "loss",
                  "weight",
                  "unusable"));
    }
  }

  /** Writes observations of one batch until the piece is full or the batch at its end. */
  private void write(ByteArrayOutputStream piece, Scored scored) {
    ObservationBatch observations = scored.batch();
    while (dialogue < observations.dialogues()) {
      int end = observations.offsets()[dialogue + 1];
      String id = observations.id(dialogue);
      if (!wanted.has(id, observations.source(dialogue))) {
        loss = end;
      }
      for (; loss < end; loss++) {
        if (piece.size() >= PIECE) {
          return;
        }
        if (observations.supervised(loss) && wanted.has(observations.turn(dialogue, loss))) {
          piece.writeBytes(observation(scored, id, dialogue, loss));
          if (table == Table.JSON) {
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
    return switch (table) {
      case JSON -> observation(Representation.JSON, scored, id, dialogue, loss);
      case CBOR -> observation(Representation.CBOR, scored, id, dialogue, loss);
      case CSV -> line(scored, id, dialogue, loss);
    };
  }

  private static byte[] observation(
      Representation representation, Scored scored, String id, int dialogue, int loss) {
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
          json.writeNumberProperty("turn", batch.turn(dialogue, loss));
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

  private byte[] line(Scored scored, String id, int dialogue, int loss) {
    ObservationBatch batch = scored.batch();
    boolean usable = scored.weights().usable(loss);
    return csv.start()
        .whole(scored.sequence())
        .whole(batch.hasStep() ? batch.step() : null)
        .whole(batch.rank())
        .whole(batch.microBatch())
        .text(id)
        .text(batch.source(dialogue))
        .whole(batch.turn(dialogue, loss))
        .number(usable ? batch.losses()[loss] : Double.NaN)
        .number(scored.weights().exported(batch, loss))
        .flag(!usable)
        .end();
  }
}
