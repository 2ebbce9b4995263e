package resure.client;

import static resure.client.AnswerReader.required;

/** The answer to a batch, which must have the batch's shape. */
final class ScoresReader {

  private ScoresReader() {}

  static Scores read(AnswerReader in, Batch batch, boolean replayed) {
    Long sequence = null;
    Long step = null;
    double[] weights = null;
    Summary summary = null;
    Scores.TurnStatistics statistics = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "sequence" -> sequence = in.integer();
        case "step" -> step = in.integerOrNull();
        case "weights" -> weights = readWeights(in, batch);
        case "summary" -> summary = readSummary(in);
        case "statistics" -> statistics = StatisticsReader.readTurnStatistics(in);
        default -> in.skip();
      }
    }
    return new Scores(
        required(sequence, "sequence"),
        step,
        new Weights(batch.offsets, required(weights, "weights")),
        required(summary, "summary"),
        replayed,
        statistics);
  }

  private static double[] readWeights(AnswerReader in, Batch batch) {
    double[] column = new double[batch.size()];
    in.beginArray();
    int dialogue = 0;
    while (in.element()) {
      if (dialogue == batch.dialogues()) {
        throw shape("more dialogues than " + dialogue);
      }
      in.beginArray();
      int place = batch.offsets[dialogue];
      int end = batch.offsets[++dialogue];
      while (in.element()) {
        if (place == end) {
          throw shape("more weights in dialogue " + (dialogue - 1) + " than it has losses");
        }
        column[place] = weight(in, batch.supervised[place]);
        place++;
      }
      if (place != end) {
        throw shape("fewer weights in dialogue " + (dialogue - 1) + " than it has losses");
      }
    }
    if (dialogue != batch.dialogues()) {
      throw shape("fewer dialogues than " + batch.dialogues());
    }
    return column;
  }

  private static double weight(AnswerReader in, boolean supervised) {
    if (in.isNull() == supervised) {
      throw shape(supervised ? "no weight for a loss" : "a weight where there is no loss");
    }
    if (!supervised) {
      return Double.NaN;
    }
    double weight = in.number();
    if (weight < 0) {
      throw shape("a weight below 0");
    }
    return weight;
  }

  private static UnexpectedAnswerException shape(String what) {
    return new UnexpectedAnswerException(
        "the answered weights do not have the shape of the losses: " + what, null);
  }

  private static Summary readSummary(AnswerReader in) {
    Long observations = null;
    Double meanWeight = null;
    Double effectiveSampleSize = null;
    Double runMeanWeight = null;
    Long downWeighted = null;
    Long unusable = null;
    Boolean warmingUp = null;
    Boolean late = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "observations" -> observations = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleSize" -> effectiveSampleSize = in.number();
        case "runMeanWeight" -> runMeanWeight = in.divisor();
        case "downWeighted" -> downWeighted = in.integer();
        case "unusable" -> unusable = in.integer();
        case "warmingUp" -> warmingUp = in.truth();
        case "late" -> late = in.truth();
        default -> in.skip();
      }
    }
    return new Summary(
        required(observations, "observations"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleSize, "effectiveSampleSize"),
        required(runMeanWeight, "runMeanWeight"),
        required(downWeighted, "downWeighted"),
        required(unusable, "unusable"),
        required(warmingUp, "warmingUp"),
        required(late, "late"));
  }
}
