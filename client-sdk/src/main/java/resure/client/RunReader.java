package resure.client;

import static resure.client.AnswerReader.required;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.InvalidConfigurationException;
import resure.weighting.Normalization;
import resure.weighting.WeightFunction;

/** Runs and their configurations, from an answer. */
final class RunReader {

  private RunReader() {}

  static Run read(AnswerReader in) {
    String run = null;
    Run.State state = null;
    String attempt = null;
    Long step = null;
    Long sequence = null;
    Long lateBatches = null;
    Instant createdAt = null;
    Instant lastBatchAt = null;
    Instant finishedAt = null;
    WholeFrom wholeFrom = null;
    Settings configuration = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "run" -> run = in.text();
        case "state" -> state = readState(in);
        case "attempt" -> attempt = in.textOrNull();
        case "step" -> step = in.integerOrNull();
        case "sequence" -> sequence = in.integer();
        case "lateBatches" -> lateBatches = in.integer();
        case "createdAt" -> createdAt = in.instant();
        case "lastBatchAt" -> lastBatchAt = in.instantOrNull();
        case "finishedAt" -> finishedAt = in.instantOrNull();
        case "wholeFrom" -> wholeFrom = in.isNull() ? null : readWholeFrom(in);
        case "configuration" -> configuration = readSettings(in);
        default -> in.skip();
      }
    }
    Settings settings = required(configuration, "configuration");
    return new Run(
        required(run, "run"),
        required(state, "state"),
        attempt,
        step,
        required(sequence, "sequence"),
        required(lateBatches, "lateBatches"),
        required(createdAt, "createdAt"),
        lastBatchAt,
        finishedAt,
        complete(settings),
        settings.labels,
        settings.startFrom,
        required(settings.retention, "retention"),
        wholeFrom);
  }

  static WholeFrom readWholeFrom(AnswerReader in) {
    Long step = null;
    Long sequence = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "step" -> step = in.integerOrNull();
        case "sequence" -> sequence = in.integer();
        default -> in.skip();
      }
    }
    return new WholeFrom(step, required(sequence, "sequence"));
  }

  static RunPage readPage(AnswerReader in) {
    List<Run> runs = null;
    String next = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "runs" -> runs = in.list(RunReader::read);
        case "next" -> next = in.textOrNull();
        default -> in.skip();
      }
    }
    return new RunPage(required(runs, "runs"), next);
  }

  private static Run.State readState(AnswerReader in) {
    String name = in.text();
    for (Run.State state : Run.State.values()) {
      if (name.equals(state.name().toLowerCase(Locale.ROOT))) {
        return state;
      }
    }
    throw in.unexpected("active or finished");
  }

  /** A complete configuration: one with a field left out is not what the contract has. */
  static Configuration complete(Settings settings) {
    if (!settings.fields.keySet().equals(Settings.of(Configuration.DEFAULT).fields.keySet())) {
      throw new UnexpectedAnswerException(
          "the answer's configuration is not complete: " + settings.fields.keySet(), null);
    }
    return settings.complete();
  }

  static Settings readSettings(AnswerReader in) {
    Settings.Builder settings = Settings.builder();
    try {
      in.beginObject();
      for (String field; (field = in.field()) != null; ) {
        switch (field) {
          case "weighting" -> readWeighting(in, settings);
          case "warmUp" -> settings.warmUp(in.smallInteger());
          case "maxTurns" -> settings.maxTurns(in.smallInteger());
          case "maxLoss" -> settings.maxLoss(in.number());
          case "halfLife" ->
              settings.halfLife(in.isNull() ? Double.POSITIVE_INFINITY : in.number());
          case "lag" -> settings.lag(in.smallInteger());
          case "fold" -> settings.fold(labelled(in, FoldRule.values(), FoldRule::label));
          case "propagation" -> readPropagation(in, settings);
          case "normalization" ->
              settings.normalization(labelled(in, Normalization.values(), Normalization::label));
          case "shadow" -> settings.shadow(in.truth());
          case "labels" -> readLabels(in).forEach(settings::label);
          case "startFrom" -> {
            if (!in.isNull()) {
              settings.startFrom(readStartFrom(in));
            }
          }
          case "retention" -> readRetention(in, settings);
          default -> in.skip();
        }
      }
    } catch (InvalidConfigurationException e) {
      throw new UnexpectedAnswerException("the answer's configuration: " + e.getMessage(), e);
    }
    return settings.build();
  }

  private static void readWeighting(AnswerReader in, Settings.Builder settings) {
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "function" ->
            settings.function(
                labelled(
                    in, WeightFunction.ALL.toArray(WeightFunction[]::new), WeightFunction::label));
        case "threshold" -> settings.threshold(in.number());
        case "sharpness" -> settings.sharpness(in.number());
        case "floor" -> settings.floor(in.number());
        default -> in.skip();
      }
    }
  }

  private static void readPropagation(AnswerReader in, Settings.Builder settings) {
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "strength" -> settings.propagationStrength(in.number());
        case "decay" -> settings.propagationDecay(in.number());
        default -> in.skip();
      }
    }
  }

  private static <T> T labelled(AnswerReader in, T[] values, Function<T, String> label) {
    String name = in.text();
    for (T value : values) {
      if (label.apply(value).equals(name)) {
        return value;
      }
    }
    throw in.unexpected("a name that this version of the SDK knows");
  }

  private static Map<String, String> readLabels(AnswerReader in) {
    Map<String, String> labels = new TreeMap<>();
    in.beginObject();
    for (String name; (name = in.field()) != null; ) {
      labels.put(name, in.text());
    }
    return labels;
  }

  private static void readRetention(AnswerReader in, Settings.Builder settings) {
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      if (!field.equals("observations")) {
        in.skip();
      } else if (in.isText()) {
        if (!in.text().equals("all")) {
          throw in.unexpected("all, or an object");
        }
        settings.retention(Retention.ALL);
      } else {
        settings.retention(Retention.ofSteps(readSteps(in)));
      }
    }
  }

  private static long readSteps(AnswerReader in) {
    Long steps = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      if (field.equals("steps")) {
        steps = in.integer();
      } else {
        in.skip();
      }
    }
    return required(steps, "steps");
  }

  private static StartFrom readStartFrom(AnswerReader in) {
    String run = null;
    Long step = null;
    Double observations = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "run" -> run = in.text();
        case "step" -> step = in.integerOrNull();
        case "observations" -> observations = in.isNull() ? null : (Double) in.number();
        default -> in.skip();
      }
    }
    return new StartFrom(required(run, "run"), step, observations);
  }
}
