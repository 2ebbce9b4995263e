package resure.client;

import static resure.client.AnswerReader.required;

import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** Replays, from an answer. */
final class ReplayReader {

  private ReplayReader() {}

  static Replay read(AnswerReader in) {
    String replay = null;
    Replay.State state = null;
    Double progress = null;
    Long configurations = null;
    Long sequence = null;
    Instant createdAt = null;
    Instant finishedAt = null;
    WholeFrom wholeFrom = null;
    String detail = null;
    List<ReplayResult> results = List.of();
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "replay" -> replay = in.text();
        case "state" -> state = readState(in);
        case "progress" -> progress = in.number();
        case "configurations" -> configurations = in.integer();
        case "sequence" -> sequence = in.integer();
        case "createdAt" -> createdAt = in.instant();
        case "finishedAt" -> finishedAt = in.instantOrNull();
        case "wholeFrom" -> wholeFrom = in.isNull() ? null : RunReader.readWholeFrom(in);
        case "detail" -> detail = in.text();
        case "results" -> results = in.list(ReplayReader::readResult);
        default -> in.skip();
      }
    }
    return new Replay(
        required(replay, "replay"),
        required(state, "state"),
        required(progress, "progress"),
        required(configurations, "configurations"),
        required(sequence, "sequence"),
        required(createdAt, "createdAt"),
        finishedAt,
        wholeFrom,
        detail,
        results);
  }

  /** The answer that lists them. */
  static List<Replay> readList(AnswerReader in) {
    List<Replay> replays = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "replays" -> replays = in.list(ReplayReader::read);
        default -> in.skip();
      }
    }
    return required(replays, "replays");
  }

  private static Replay.State readState(AnswerReader in) {
    String name = in.text();
    for (Replay.State state : Replay.State.values()) {
      if (name.equals(state.name().toLowerCase(Locale.ROOT))) {
        return state;
      }
    }
    throw in.unexpected("running, done, failed or cancelled");
  }

  private static ReplayResult readResult(AnswerReader in) {
    Long index = null;
    Settings configuration = null;
    Long observations = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    Double downWeightedRatio = null;
    Double steadiness = null;
    double auroc = Double.NaN;
    double aurocError = 0;
    double averagePrecision = Double.NaN;
    double averagePrecisionError = 0;
    double badMeanWeight = Double.NaN;
    double goodMeanWeight = Double.NaN;
    List<ReplayResult.Turn> turns = null;
    List<ReplayResult.Source> sources = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "index" -> index = in.integer();
        case "configuration" -> configuration = RunReader.readSettings(in);
        case "observations" -> observations = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "downWeightedRatio" -> downWeightedRatio = in.numberOrNull();
        case "steadiness" -> steadiness = in.numberOrNull();
        case "auroc" -> auroc = in.numberOrNull();
        case "aurocError" -> aurocError = in.number();
        case "averagePrecision" -> averagePrecision = in.numberOrNull();
        case "averagePrecisionError" -> averagePrecisionError = in.number();
        case "badMeanWeight" -> badMeanWeight = in.numberOrNull();
        case "goodMeanWeight" -> goodMeanWeight = in.numberOrNull();
        case "turns" -> turns = in.list(ReplayReader::readTurn);
        case "sources" -> sources = in.list(ReplayReader::readSource);
        default -> in.skip();
      }
    }
    return new ReplayResult(
        required(index, "index"),
        RunReader.complete(required(configuration, "configuration")),
        required(observations, "observations"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        required(downWeightedRatio, "downWeightedRatio"),
        required(steadiness, "steadiness"),
        auroc,
        aurocError,
        averagePrecision,
        averagePrecisionError,
        badMeanWeight,
        goodMeanWeight,
        required(turns, "turns"),
        required(sources, "sources"));
  }

  private static ReplayResult.Turn readTurn(AnswerReader in) {
    Integer turn = null;
    Long observations = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    Double downWeightedRatio = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "turn" -> turn = in.smallInteger();
        case "observations" -> observations = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "downWeightedRatio" -> downWeightedRatio = in.numberOrNull();
        default -> in.skip();
      }
    }
    return new ReplayResult.Turn(
        required(turn, "turn"),
        required(observations, "observations"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        required(downWeightedRatio, "downWeightedRatio"));
  }

  private static ReplayResult.Source readSource(AnswerReader in) {
    String source = null;
    Long observations = null;
    Double meanWeight = null;
    Double effectiveSampleRatio = null;
    Double downWeightedRatio = null;
    boolean other = false;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "source" -> source = in.textOrNull();
        case "observations" -> observations = in.integer();
        case "meanWeight" -> meanWeight = in.numberOrNull();
        case "effectiveSampleRatio" -> effectiveSampleRatio = in.numberOrNull();
        case "downWeightedRatio" -> downWeightedRatio = in.numberOrNull();
        case "other" -> other = in.truth();
        default -> in.skip();
      }
    }
    return new ReplayResult.Source(
        source,
        required(observations, "observations"),
        required(meanWeight, "meanWeight"),
        required(effectiveSampleRatio, "effectiveSampleRatio"),
        required(downWeightedRatio, "downWeightedRatio"),
        other);
  }
}
