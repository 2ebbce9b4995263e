package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import resure.journal.JournalException;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.Export;

/** Batches as they are sent, and what the service says of them. */
public final class ScoringText {

  private static final int MOST_LOSSES = 65_536;

  private ScoringText() {}

  /** Reads the body of a {@code POST /v1/runs/{run}/observations}. */
  public static ObservationBatch read(String body) {
    byte[] bytes = body.getBytes(UTF_8);
    return new BatchReader(MOST_LOSSES).read(Representation.JSON, bytes, bytes.length);
  }

  /** What a batch is answered that was recorded at {@code sequence} with {@code weights}. */
  public static String answer(long sequence, ObservationBatch batch, Weights weights) {
    BodyWriter out = new WeightsWriter().write(Representation.JSON, sequence, batch, weights, null);
    return new String(out.bytes(), 0, out.length(), UTF_8);
  }

  /** The body of a {@code GET /v1/runs/{run}/observations}. */
  public static String export(Export export) throws JournalException {
    StringBuilder text = new StringBuilder();
    ExportBody body = new ExportBody(export, Selection.ALL, Table.JSON);
    for (byte[] piece = body.next(); piece != null; piece = body.next()) {
      text.append(new String(piece, UTF_8));
    }
    return text.toString();
  }
}
