package resure.api;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import resure.observation.BatchSummary;
import resure.observation.ObservationBatch;
import resure.observation.Weights;

/**
 * Writes the answer to a POST of losses. The same arguments give the same bytes, so that a repeated
 * request gets those of the first time. Used again from answer to answer, by one thread at a time.
 */
final class WeightsWriter {

  /** Room for all but the weights: names, punctuation, three doubles and six whole numbers. */
  private static final int FRAME = 512;

  /** Room for the brackets or the head of an array, and what separates it from the next. */
  private static final int ARRAY = 5;

  private final BodyWriter json = new JsonWriter();
  private final BodyWriter cbor = new CborWriter();

  /**
   * Writes the answer to {@code batch}, which was recorded at {@code sequence} with {@code
   * weights}.
   *
   * @param statistics what is said of them, in the same representation; null where nothing is
   * @return the writer that holds it until the next answer
   */
  BodyWriter write(
      Representation representation,
      long sequence,
      ObservationBatch batch,
      Weights weights,
      byte @Nullable [] statistics) {
    BodyWriter out = representation == Representation.CBOR ? cbor : json;
    out.start(
        FRAME
            + (long) batch.size() * (DecimalWriter.MAX_LENGTH + 1)
            + (long) batch.dialogues() * ARRAY
            + (statistics == null ? 0 : statistics.length));
    out.startObject(statistics == null ? 4 : 5);
    out.name(AnswerField.SEQUENCE);
    out.whole(sequence);
    out.name(AnswerField.STEP);
    if (batch.hasStep()) {
      out.whole(batch.step());
    } else {
      out.nothing();
    }
    out.name(AnswerField.WEIGHTS);
    write(out, batch, weights);
    out.name(AnswerField.SUMMARY);
    write(out, BatchSummary.of(batch, weights));
    if (statistics != null) {
      out.name(AnswerField.STATISTICS);
      out.value(statistics);
    }
    out.endObject();
    out.end();
    return out;
  }

  private static void write(BodyWriter out, ObservationBatch batch, Weights weights) {
    int[] offsets = batch.offsets();
    out.startArray(batch.dialogues());
    for (int dialogue = 0; dialogue < batch.dialogues(); dialogue++) {
      int end = offsets[dialogue + 1];
      out.startArray(end - offsets[dialogue]);
      for (int i = offsets[dialogue]; i < end; i++) {
        if (batch.supervised(i)) {
          out.number(weights.answered(batch, i));
        } else {
          out.nothing();
        }
      }
      out.endArray();
    }
    out.endArray();
  }

  private static void write(BodyWriter out, BatchSummary summary) {
    out.startObject(8);
    out.name(AnswerField.OBSERVATIONS);
    out.whole(summary.observations());
    out.name(AnswerField.MEAN_WEIGHT);
    OptionalDouble mean = summary.meanWeight();
    if (mean.isPresent()) {
      out.number(mean.getAsDouble());
    } else {
      out.nothing();
    }
    out.name(AnswerField.EFFECTIVE_SAMPLE_SIZE);
    out.number(summary.effectiveSampleSize());
    out.name(AnswerField.RUN_MEAN_WEIGHT);
    out.number(summary.runMeanWeight());
    out.name(AnswerField.DOWN_WEIGHTED);
    out.whole(summary.downWeighted());
    out.name(AnswerField.UNUSABLE);
    out.whole(summary.unusable());
    out.name(AnswerField.WARMING_UP);
    out.flag(summary.warmingUp());
    out.name(AnswerField.LATE);
    out.flag(summary.late());
    out.endObject();
  }
}
