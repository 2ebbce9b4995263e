package resure.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import resure.contract.Answer;
import resure.contract.ContractValidator;
import tools.jackson.databind.JsonNode;

/**
 * A batch as it was sent, and what the service said of it since: that may never change. No two
 * batches have a dialogue id in common, so that each is found again in an export.
 */
final class SentBatch {

  /** The step of a batch that has none. */
  static final long NO_STEP = -1;

  private record Observation(String dialogue, int turn, double loss) {}

  private final String id;
  private final @Nullable String key;
  private final long step;
  private final String body;
  private final List<Observation> observations = new ArrayList<>();
  private @Nullable String answer;
  private @Nullable List<String> exported;
  private long sequence;

  /** One of 1 to 6 dialogues, some losses of which are outliers, missing or NaN. */
  SentBatch(
      String id,
      @Nullable String key,
      long step,
      int rank,
      int microBatch,
      @Nullable String attempt,
      Random random) {
    this.id = id;
    this.key = key;
    this.step = step;
    StringBuilder text = new StringBuilder("{\"rank\":" + rank + ",\"microBatch\":" + microBatch);
    if (step != NO_STEP) {
      text.append(",\"step\":").append(step);
    }
    if (attempt != null) {
      text.append(",\"attempt\":\"").append(attempt).append('"');
    }
    text.append(",\"dialogues\":[");
    int dialogues = 1 + random.nextInt(6);
    for (int d = 0; d < dialogues; d++) {
      String dialogue = id + "." + d;
      text.append(d == 0 ? "" : ",").append("{\"id\":\"").append(dialogue).append('"');
      if (random.nextInt(4) > 0) {
        text.append(",\"source\":\"source-").append(random.nextInt(3)).append('"');
      }
      text.append(",\"losses\":[");
      int turns = 1 + random.nextInt(8);
      for (int turn = 0; turn < turns; turn++) {
        text.append(turn == 0 ? "" : ",").append(loss(dialogue, turn, random));
      }
      text.append("]}");
    }
    body = text.append("]}").toString();
  }

  private String loss(String dialogue, int turn, Random random) {
    int kind = random.nextInt(30);
    if (kind == 0 && turn > 0) {
      return "null";
    }
    double loss =
        switch (kind) {
          case 1 -> Double.NaN;
          case 2 -> 20 + random.nextDouble();
          default -> Math.abs(2 + random.nextGaussian() / (1 + turn));
        };
    observations.add(new Observation(dialogue, turn, loss));
    return Double.toString(loss);
  }

  String id() {
    return id;
  }

  @Nullable String key() {
    return key;
  }

  long step() {
    return step;
  }

  String body() {
    return body;
  }

  long sequence() {
    return sequence;
  }

  /** Sequence of the batch that a line of an export belongs to. */
  static long sequenceOf(String line) {
    return ContractValidator.parse(line.getBytes(UTF_8)).get("sequence").asLong();
  }

  /** {@link #id} of the batch that a dialogue belongs to. */
  static String idOf(String dialogue) {
    return dialogue.substring(0, dialogue.lastIndexOf('.'));
  }

  /** Whether an export's dialogue is one of this batch. */
  boolean has(String dialogue) {
    return dialogue.startsWith(id + ".");
  }

  /** Takes an answer: the first one, or the same again. */
  void answered(Answer now) {
    answered(now.text());
  }

  /** The same of an answer's body. */
  void answered(String text) {
    require(answer == null || answer.equals(text), "another answer: " + text);
    answer = text;
    recordedAt(ContractValidator.parse(text.getBytes(UTF_8)).get("sequence").asLong());
  }

  private void recordedAt(long found) {
    require(sequence == 0 || sequence == found, "was " + sequence + ", now " + found);
    sequence = found;
  }

  /** Takes what an export says of it: all observations with the weights that were answered. */
  void exported(long found, List<String> lines) {
    recordedAt(found);
    if (exported != null) {
      require(exported.equals(lines), "the export has changed: " + lines);
      return;
    }
    List<Double> weights = answeredWeights();
    require(lines.size() == observations.size(), "not whole: " + lines);
    for (int i = 0; i < lines.size(); i++) {
      JsonNode line = ContractValidator.parse(lines.get(i).getBytes(UTF_8));
      Observation sent = observations.get(i);
      double loss = line.get("loss").isNull() ? Double.NaN : line.get("loss").asDouble();
      require(
          line.get("dialogue").asString().equals(sent.dialogue)
              && line.get("turn").asInt() == sent.turn
              && Double.compare(loss, sent.loss) == 0
              && (weights.isEmpty() || line.get("weight").asDouble() == weights.get(i)),
          String.format(Locale.ROOT, "line %d differs: %s", i, lines.get(i)));
    }
    exported = lines;
  }

  private List<Double> answeredWeights() {
    List<Double> weights = new ArrayList<>();
    if (answer != null) {
      for (JsonNode dialogue : ContractValidator.parse(answer.getBytes(UTF_8)).get("weights")) {
        for (JsonNode weight : dialogue) {
          if (!weight.isNull()) {
            weights.add(weight.asDouble());
          }
        }
      }
    }
    return weights;
  }

  private void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(this + ": " + otherwise);
    }
  }

  @Override
  public String toString() {
    return "batch %s, key %s, sequence %d, sent %s, answered %s"
        .formatted(id, key, sequence, body, answer);
  }
}
