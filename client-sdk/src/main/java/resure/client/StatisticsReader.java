package resure.client;

import static resure.client.AnswerReader.required;

import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.weighting.Configuration;

/** What a run's losses are like, from an answer. */
final class StatisticsReader {

  private StatisticsReader() {}

  static Statistics read(AnswerReader in, String etag) {
    String run = null;
    Long step = null;
    Long sequence = null;
    Long observations = null;
    Long lateBatches = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    List<Statistics.Turn> turns = null;
    List<Statistics.Source> sources = null;
    Statistics.Reference reference = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "run" -> run = in.text();
        case "step" -> step = in.integerOrNull();
        case "sequence" -> sequence = in.integer();
        case "observations" -> observations = in.integer();
        case "lateBatches" -> lateBatches = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "turns" -> turns = in.list(StatisticsReader::readTurn);
        case "sources" -> sources = in.list(StatisticsReader::readSource);
        case "reference" -> reference = readReference(in);
        default -> in.skip();
      }
    }
    return new Statistics(
        required(run, "run"),
        step,
        required(sequence, "sequence"),
        required(observations, "observations"),
        required(lateBatches, "lateBatches"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        required(turns, "turns"),
        required(sources, "sources"),
        required(reference, "reference"),
        etag);
  }

  /** Of the answer to a batch; null where the service could not have them at once. */
  static Scores.@Nullable TurnStatistics readTurnStatistics(AnswerReader in) {
    if (in.isNull()) {
      return null;
    }
    Long sequence = null;
    List<Statistics.Turn> turns = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "sequence" -> sequence = in.integer();
        case "turns" -> turns = in.list(StatisticsReader::readTurn);
        default -> in.skip();
      }
    }
    return new Scores.TurnStatistics(required(sequence, "sequence"), required(turns, "turns"));
  }

  private static Statistics.Turn readTurn(AnswerReader in) {
    Integer turn = null;
    Double count = null;
    Long seen = null;
    Double mean = null;
    Double standardDeviation = null;
    Double m2 = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    Long unusable = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "turn" -> turn = readTurnIndex(in);
        case "count" -> count = in.number();
        case "seen" -> seen = in.integer();
        case "mean" -> mean = in.numberOrNull();
        case "standardDeviation" -> standardDeviation = in.numberOrNull();
        case "m2" -> m2 = in.number();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "unusable" -> unusable = in.integer();
        default -> in.skip();
      }
    }
    return new Statistics.Turn(
        required(turn, "turn"),
        required(count, "count"),
        required(seen, "seen"),
        required(mean, "mean"),
        required(standardDeviation, "standardDeviation"),
        required(m2, "m2"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        required(unusable, "unusable"));
  }

  private static int readTurnIndex(AnswerReader in) {
    int turn = in.smallInteger();
    if (turn < 0 || turn >= Configuration.MOST_TURNS) {
      throw in.unexpected("a turn from 0 to 1023");
    }
    return turn;
  }

  private static Statistics.Source readSource(AnswerReader in) {
    String source = null;
    Long observations = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    boolean other = false;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "source" -> source = in.textOrNull();
        case "observations" -> observations = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "other" -> other = in.truth();
        default -> in.skip();
      }
    }
    return new Statistics.Source(
        source,
        required(observations, "observations"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        other);
  }

  private static Statistics.Reference readReference(AnswerReader in) {
    Long step = null;
    Double runMeanWeight = null;
    List<Statistics.Triple> turns = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "step" -> step = in.integerOrNull();
        case "runMeanWeight" -> runMeanWeight = in.divisor();
        case "turns" -> turns = in.list(StatisticsReader::readTriple);
        default -> in.skip();
      }
    }
    return new Statistics.Reference(
        step, required(runMeanWeight, "runMeanWeight"), required(turns, "turns"));
  }

  private static Statistics.Triple readTriple(AnswerReader in) {
    Integer turn = null;
    Double count = null;
    Long seen = null;
    Double mean = null;
    Double m2 = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "turn" -> turn = readTurnIndex(in);
        case "count" -> count = in.number();
        case "seen" -> seen = in.integer();
        case "mean" -> mean = in.number();
        case "m2" -> m2 = in.number();
        default -> in.skip();
      }
    }
    return new Statistics.Triple(
        required(turn, "turn"),
        required(count, "count"),
        required(seen, "seen"),
        required(mean, "mean"),
        required(m2, "m2"));
  }
}
