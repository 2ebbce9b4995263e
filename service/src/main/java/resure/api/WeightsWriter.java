package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import java.util.OptionalDouble;
import resure.observation.BatchSummary;
import resure.observation.ObservationBatch;
import resure.observation.Weights;

/**
 * Writes the JSON answer to a POST of losses. The same arguments give the same bytes, so that a
 * repeated request gets those of the first time. Used again from answer to answer, by one thread at
 * a time.
 */
final class WeightsWriter {

  private static final byte[] SEQUENCE = ascii("{\"sequence\":");
  private static final byte[] STEP = ascii(",\"step\":");
  private static final byte[] WEIGHTS = ascii(",\"weights\":");
  private static final byte[] OBSERVATIONS = ascii(",\"summary\":{\"observations\":");
  private static final byte[] MEAN_WEIGHT = ascii(",\"meanWeight\":");
  private static final byte[] EFFECTIVE_SAMPLE_SIZE = ascii(",\"effectiveSampleSize\":");
  private static final byte[] RUN_MEAN_WEIGHT = ascii(",\"runMeanWeight\":");
  private static final byte[] DOWN_WEIGHTED = ascii(",\"downWeighted\":");
  private static final byte[] UNUSABLE = ascii(",\"unusable\":");
  private static final byte[] WARMING_UP = ascii(",\"warmingUp\":");
  private static final byte[] LATE = ascii(",\"late\":");
  private static final byte[] STATISTICS = ascii(",\"statistics\":");
  private static final byte[] END = ascii("}}");
  private static final byte[] NULL = ascii("null");
  private static final byte[] TRUE = ascii("true");
  private static final byte[] FALSE = ascii("false");

  /** Room for all but the weights: names, punctuation, three doubles and six whole numbers. */
  private static final int FRAME = 512;

  private byte[] answer = new byte[4096];
  private int length;

  /** The bytes of the last answer, from the first on; the next one overwrites them. */
  byte[] bytes() {
    return answer;
  }

  /** Number of bytes of the last answer. */
  int length() {
    return length;
  }

  /**
   * Writes the answer to {@code batch}, which was recorded at {@code sequence} with {@code
   * weights}.
   */
  void write(long sequence, ObservationBatch batch, Weights weights) {
    long most =
        FRAME
            + (long) batch.size() * (DecimalWriter.MAX_LENGTH + 1)
            + (long) batch.dialogues() * "[],".length();
    if (most > answer.length) {
      answer = new byte[Math.toIntExact(most + most / 2)];
    }
    length = 0;
    put(SEQUENCE);
    put(sequence);
    put(STEP);
    if (batch.hasStep()) {
      put(batch.step());
    } else {
      put(NULL);
    }
    put(WEIGHTS);
    put(batch, weights);
    put(BatchSummary.of(batch, weights));
  }

  /** Adds a field with statistics to the answer that is there. */
  void add(byte[] statistics) {
    length--;
    int most = length + STATISTICS.length + statistics.length + 1;
    if (most > answer.length) {
      answer = Arrays.copyOf(answer, most + most / 2);
    }
    put(STATISTICS);
    put(statistics);
    answer[length++] = '}';
  }

  private void put(ObservationBatch batch, Weights weights) {
    byte[] target = answer;
    int at = length;
    int[] offsets = batch.offsets();
    target[at++] = '[';
    for (int dialogue = 0; dialogue < batch.dialogues(); dialogue++) {
      if (dialogue > 0) {
        target[at++] = ',';
      }
      target[at++] = '[';
      for (int i = offsets[dialogue]; i < offsets[dialogue + 1]; i++) {
        if (i > offsets[dialogue]) {
          target[at++] = ',';
        }
        if (batch.supervised(i)) {
          at = DecimalWriter.write(weights.answered(batch, i), target, at);
        } else {
          System.arraycopy(NULL, 0, target, at, NULL.length);
          at += NULL.length;
        }
      }
      target[at++] = ']';
    }
    target[at++] = ']';
    length = at;
  }

  private void put(BatchSummary summary) {
    put(OBSERVATIONS);
    put(summary.observations());
    put(MEAN_WEIGHT);
    OptionalDouble mean = summary.meanWeight();
    if (mean.isPresent()) {
      put(mean.getAsDouble());
    } else {
      put(NULL);
    }
    put(EFFECTIVE_SAMPLE_SIZE);
    put(summary.effectiveSampleSize());
    put(RUN_MEAN_WEIGHT);
    put(summary.runMeanWeight());
    put(DOWN_WEIGHTED);
    put(summary.downWeighted());
    put(UNUSABLE);
    put(summary.unusable());
    put(WARMING_UP);
    put(summary.warmingUp() ? TRUE : FALSE);
    put(LATE);
    put(summary.late() ? TRUE : FALSE);
    put(END);
  }

  private void put(byte[] ascii) {
    System.arraycopy(ascii, 0, answer, length, ascii.length);
    length += ascii.length;
  }

  private void put(long value) {
    length = DecimalWriter.whole(value, answer, length);
  }

  private void put(double value) {
    length = DecimalWriter.write(value, answer, length);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }
}
